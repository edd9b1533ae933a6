"""The events in hand, and the place in the stream that is behind all of them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.chat.matrix.keep import Kept
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

MOST_IN_HAND = 50  # events; beyond that the stream waits, and the server keeps what comes

Key = tuple[str, str]  # room id and sender


@dataclass(slots=True)
class _Batch:
    """What came with one answer: the place behind it, and how many of its events are in hand."""

    after: str
    left: int


class Progress:
    """Deals with events, each in a task of its own: a slow command holds up only what the same person says there.

    The place is kept when all that came before it was dealt with: after a crash, what was in hand comes again.
    `take` deals with one event of a room; it has to catch its own errors.
    """

    def __init__(self, take: Callable[[str, Any], Awaitable[None]], kept: Kept) -> None:
        self._take = take
        self._kept = kept
        self._free = asyncio.Semaphore(MOST_IN_HAND)
        self._batches: deque[_Batch] = deque()
        self._last: dict[Key, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeping = asyncio.Lock()

    async def go_on(self, spoken: Sequence[tuple[str, Any]], after: str) -> None:
        """Begin with the events of one answer, in order; returns as soon as all have begun."""
        batch = _Batch(after, len(spoken))
        self._batches.append(batch)
        for room_id, event in spoken:
            await self._free.acquire()
            self._begin(batch, room_id, event)
        await self._keep()

    async def close(self) -> None:
        """Cancel what is in hand."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, batch: _Batch, room_id: str, event: Any) -> None:
        key = (room_id, getattr(event, "sender", ""))  # an event that could not be read may have none
        task = asyncio.create_task(self._deal(batch, room_id, event, self._last.get(key)))
        self._last[key] = task
        self._tasks.add(task)
        task.add_done_callback(partial(self._done, key))

    async def _deal(self, batch: _Batch, room_id: str, event: Any, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        await self._take(room_id, event)
        batch.left -= 1
        await self._keep()

    def _done(self, key: Key, task: asyncio.Task[None]) -> None:
        self._free.release()
        self._tasks.discard(task)
        if self._last.get(key) is task:
            del self._last[key]

    async def _keep(self) -> None:
        """What came was dealt with, so a store that cannot write now must not bring it again while the bot runs."""
        async with self._keeping:
            after = ""
            while self._batches and not self._batches[0].left:
                after = self._batches.popleft().after
            if not after:
                return
            try:
                await self._kept.put("since", after)
            except TemporaryError as error:
                log.warning("matrix cannot keep its place in the stream error=%s", error)
