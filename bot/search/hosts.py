"""Which host of a cluster is asked next; pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Aside:
    """A host that failed: how often in a row, when last, and until when it is left aside (the caller's seconds)."""

    failed: int
    at: float
    until: float


class Hosts:
    """Hosts by their numbers.

    One that failed is left aside for `first` seconds, twice as long each time it fails again, up to `longest`.
    """

    def __init__(self, count: int, *, first: float = 5.0, longest: float = 60.0) -> None:
        self._count = count
        self._first = first
        self._longest = longest
        self._aside: dict[int, _Aside] = {}
        self._turn = 0

    def order(self, now: float) -> list[int]:
        """All of them: first those that may be asked, in turns; then those left aside, the soonest back first."""
        turned = [(self._turn + step) % self._count for step in range(self._count)]
        self._turn = (self._turn + 1) % self._count
        return sorted(turned, key=lambda host: self._back(host) if self._back(host) > now else 0.0)

    def failed(self, host: int, sent: float, now: float, asked: float = 0.0) -> None:
        """What was `sent` then had no answer, or none of use; `asked`: seconds for which it wants to be left alone.

        Requests that were in flight together fail together, and count once.
        """
        times, at = 1, now
        if (before := self._aside.get(host)) is not None:
            together = sent < before.at
            times, at = (before.failed, before.at) if together else (before.failed + 1, now)
        wait = min(self._longest, max(asked, self._first * 2 ** min(times - 1, 10)))
        self._aside[host] = _Aside(times, at, now + wait)

    def worked(self, host: int) -> None:
        """It answered: it takes its turn again, and its failures are forgotten."""
        self._aside.pop(host, None)

    def _back(self, host: int) -> float:
        aside = self._aside.get(host)
        return 0.0 if aside is None else aside.until
