"""One request per room at a time; who answers somebody goes before who announces."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class _Queue:
    def __init__(self) -> None:
        self.first: deque[asyncio.Future[None]] = deque()
        self.others: deque[asyncio.Future[None]] = deque()


class Turns:
    """A lock per room with two lanes, each in the order of arrival."""

    def __init__(self) -> None:
        self._busy: dict[str, _Queue] = {}

    @asynccontextmanager
    async def turn(self, room: str, *, first: bool) -> AsyncIterator[None]:
        """Inside, nobody else has the room."""
        await self._take(room, first)
        try:
            yield
        finally:
            self._pass_on(room)

    async def _take(self, room: str, first: bool) -> None:
        queue = self._busy.get(room)
        if queue is None:
            self._busy[room] = _Queue()
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (queue.first if first else queue.others).append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():  # it was our turn already
                self._pass_on(room)
            raise

    def _pass_on(self, room: str) -> None:
        queue = self._busy[room]
        for lane in (queue.first, queue.others):
            while lane:
                waiting = lane.popleft()
                if not waiting.done():
                    waiting.set_result(None)
                    return
        del self._busy[room]
