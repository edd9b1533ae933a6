"""How much is asked of a cluster at a time: all of it while it copes, less while it struggles; pure.

Half as much at each sign of trouble, a little more at each good answer, as TCP does (RFC 5681, 3.1).
"""

from __future__ import annotations

LESS = 0.5
MORE = 0.1


class Pace:
    """A share of the most that may be asked: `at_once` requests in flight, `chunk` questions in each.

    `slow`: seconds after which an answer is a sign of trouble. Moments are seconds of the caller's clock.
    """

    def __init__(self, at_once: int, chunk: int, slow: float) -> None:
        self._at_once = at_once
        self._chunk = chunk
        self._slow = slow
        self._share = 1.0
        self._least = 1 / max(at_once, chunk)
        self._since = float("-inf")

    @property
    def at_once(self) -> int:
        """Requests in flight, at the most, now."""
        return max(1, round(self._at_once * self._share))

    @property
    def chunk(self) -> int:
        """Questions in one request, at the most, now."""
        return max(1, round(self._chunk * self._share))

    def answered(self, sent: float, now: float) -> None:
        """It did all that it was asked for."""
        if now - sent > self._slow:
            self.struggled(sent, now)
        elif sent >= self._since:
            self._share = min(1.0, self._share + MORE)

    def struggled(self, sent: float, now: float) -> None:
        """It refused for being busy, or did not get done in time. What was sent at the pace of before counts once."""
        if sent >= self._since:
            self._share = max(self._least, self._share * LESS)
            self._since = now
