"""How fast lines may go out: a token bucket, one token a line, PING and JOIN included."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable


class Bucket:
    """`capacity` tokens at most, `per_second` new ones; starts full at time `now` (any clock, in seconds)."""

    def __init__(self, capacity: float, per_second: float, now: float) -> None:
        self.capacity = capacity
        self.per_second = per_second
        self._tokens = float(capacity)
        self._at = now

    def take(self, count: float, reserve: float, now: float) -> float:
        """Take `count` tokens if `reserve` more stay behind: 0 if taken, else the seconds until it can be."""
        self._fill(now)
        short = count + reserve - self._tokens
        if short > 1e-9:
            return short / self.per_second
        self._tokens -= count
        return 0.0

    def charge(self, count: float, now: float) -> None:
        """Take them whether they are there or not: whoever comes next waits the longer, but not without end."""
        self._fill(now)
        self._tokens = max(-self.capacity, self._tokens - count)

    def _fill(self, now: float) -> None:
        self._tokens = min(self.capacity, self._tokens + max(0.0, now - self._at) * self.per_second)
        self._at = now


class Pace:
    """One connection's bucket, waited for.

    Who leaves less behind goes first: a reply needs one token, so the bucket never gets full enough for an
    announcement while a reply waits. Those that leave as much behind take turns, whatever each needs.
    """

    # Left in the bucket by each kind of line.
    REPLY = 0
    JOIN = 1
    ANNOUNCEMENT = 2

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._bucket = Bucket(burst, per_second, clock())
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)  # by what is left behind

    async def take(self, count: int, reserve: int) -> None:
        """Wait until `count` lines may go out with `reserve` left for what is more urgent."""
        async with self._turns[reserve]:
            while True:
                wait = self._bucket.take(count, reserve, self._clock())
                if wait == 0.0:
                    return
                await asyncio.sleep(wait)

    def charge(self, count: int = 1) -> None:
        """For lines that cannot wait, and are few."""
        self._bucket.charge(count, self._clock())

    def spare(self, count: int, reserve: int) -> bool:
        """Take them if they are there now; False, and nothing taken, if not."""
        return self._bucket.take(count, reserve, self._clock()) == 0.0
