"""So many requests at a time, and no more: whoever comes later waits for its turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Turns:
    """`most`: how many may be inside at the moment, 1 or more. It is looked at whenever somebody comes or leaves."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Inside until the end of the `async with`; first come, first in."""
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        self._let_in()
        try:
            await mine
            yield
        finally:
            # Who was called off before its turn is not inside, and is passed over when it comes.
            if mine.done() and not mine.cancelled():
                self._inside -= 1
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._inside < self._most():
            first = self._waiting.popleft()
            if not first.done():
                self._inside += 1
                first.set_result(None)
