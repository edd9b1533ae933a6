"""What is said to the same person in the same room once in a while, and not each time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import timedelta


class Seldom:
    """Remembers for whom it was time lately."""

    def __init__(self, again: timedelta, monotonic: Callable[[], float]) -> None:
        self._again = again.total_seconds()
        self._monotonic = monotonic
        self._until: dict[Hashable, float] = {}

    def due(self, whom: Hashable) -> bool:
        """Is it time? Then not again for a while."""
        now = self._monotonic()
        if now < self._until.get(whom, now):
            return False
        self._until = {each: until for each, until in self._until.items() if until > now}
        self._until[whom] = now + self._again
        return True
