"""One request per room at a time; who answers somebody goes before who announces, mostly."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

OVERTAKE = 2  # so many go first in a row, then one of the others: people who ask all the time would keep alerts back


class Lanes:
    """Two lanes of who waits, each in the order of arrival."""

    def __init__(self) -> None:
        self._first: deque[asyncio.Future[bool]] = deque()
        self._others: deque[asyncio.Future[bool]] = deque()
        self._overtook = 0  # in a row, while one of the others waited

    def add(self, *, first: bool) -> asyncio.Future[bool]:
        """What is to be awaited: true when it is one's turn, false where nobody's will come."""
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        (self._first if first else self._others).append(waiting)
        return waiting

    def next(self) -> asyncio.Future[bool] | None:
        """Whose turn it is, taken out; None if nobody waits any more."""
        lanes = (self._others, self._first) if self._overtook >= OVERTAKE else (self._first, self._others)
        for lane in lanes:
            while lane:
                waiting = lane.popleft()
                if not waiting.done():
                    self._overtook = self._overtook + 1 if lane is self._first and self._others else 0
                    return waiting
        return None


def was_called(waiting: asyncio.Future[bool]) -> bool:
    """Was it the turn of this one already, who was cancelled meanwhile? Then it has to be passed on."""
    return waiting.done() and not waiting.cancelled()


class Turns:
    """A lock per room with two lanes."""

    def __init__(self) -> None:
        self._busy: dict[str, Lanes] = {}

    @asynccontextmanager
    async def turn(self, room: str, *, first: bool) -> AsyncIterator[None]:
        """Inside, nobody else has the room."""
        await self._take(room, first)
        try:
            yield
        finally:
            self._pass_on(room)

    async def _take(self, room: str, first: bool) -> None:
        lanes = self._busy.get(room)
        if lanes is None:
            self._busy[room] = Lanes()
            return
        waiting = lanes.add(first=first)
        try:
            await waiting
        except asyncio.CancelledError:
            if was_called(waiting):
                self._pass_on(room)
            raise

    def _pass_on(self, room: str) -> None:
        waiting = self._busy[room].next()
        if waiting is None:
            del self._busy[room]
        else:
            waiting.set_result(True)
