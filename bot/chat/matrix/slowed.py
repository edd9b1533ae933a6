"""How often the homeserver asked for fewer requests."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta

WITHIN = timedelta(hours=1)
MOST = 10_000  # remembered


class Slowed:
    """The moments of its 429s, of the last hour."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._moments: deque[float] = deque(maxlen=MOST)

    def note(self) -> None:
        """It did now."""
        self._moments.append(self._monotonic())

    def count(self) -> int:
        """How often in the last hour."""
        since = self._monotonic() - WITHIN.total_seconds()
        while self._moments and self._moments[0] < since:
            self._moments.popleft()
        return len(self._moments)
