"""Counts over failures that the store remembers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.model import Ran, Signature
from bot.records import Failure, State

DAY = timedelta(days=1)
HISTORY = timedelta(days=10)  # over which "usual" is taken
COUNTED = frozenset({State.KNOWN, State.UNKNOWN, State.NOT_READY, State.PENDING})


@dataclass(frozen=True, slots=True)
class Often:
    """How many failures: in the room's filter, and in all."""

    here: int
    all: int

    def __str__(self) -> str:
        return f"x{self.here}" + (f" [{self.all}]" if self.all != self.here else "")


def counted(failures: Iterable[Failure], since: datetime) -> list[Failure]:
    """Those that ended since, without the non-voting ones and those explained by a signature that says nothing."""
    return [one for one in failures if one.state in COUNTED and one.newest >= since]


def causes(failure: Failure, signatures: Mapping[str, Signature]) -> list[str]:
    """The signatures that make a failure known; one whose file is gone counts still."""
    if failure.state is not State.KNOWN:
        return []
    found = (one.hit.signature for one in failure.found)
    return [id for id in found if id not in signatures or _says(signatures[id], failure)]


def _says(signature: Signature, failure: Failure) -> bool:
    return signature.notify and (failure.build.voting or signature.nonvoting)


def by_cause(failures: Iterable[Failure], signatures: Mapping[str, Signature]) -> dict[str, list[Failure]]:
    """Signature id -> the failures it explains, the most frequent first."""
    grouped: dict[str, list[Failure]] = {}
    for one in failures:
        for id in causes(one, signatures):
            grouped.setdefault(id, []).append(one)
    return dict(sorted(grouped.items(), key=lambda pair: -len(pair[1])))


def often(failures: Sequence[Failure], passes: Callable[[Failure], bool]) -> Often:
    """A count inside the room's filter, with the total."""
    return Often(sum(1 for one in failures if passes(one)), len(failures))


def counting_since(first: datetime | None, rows: Iterable[tuple[datetime, Ran]], started: datetime) -> datetime:
    """Since when the bot has counted: the `first` failure it saw, or its totals, and not later than its own start."""
    return min([*([first] if first else []), *(at for at, _ in rows), started])


def shares(names: Sequence[str], most: int = 3) -> list[tuple[str, int]]:
    """The most frequent names, each with its percentage."""
    return [(name, percent(count, len(names))) for name, count in Counter(names).most_common(most)]


def percent(part: int, whole: int) -> int:
    """Rounded; 0 of nothing is 0."""
    return round(100 * part / whole) if whole else 0
