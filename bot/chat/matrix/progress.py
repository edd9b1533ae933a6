"""The events in hand, and the `since` of the stream that is behind all of them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.chat.matrix.keep import Kept
from bot.chat.matrix.timeline import MISSING, TIMELINE
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

MOST_IN_HAND = 50  # people with something in hand in a room; beyond that the stream waits, and the server keeps it
MOST_OF_ONE = MISSING + 2 * TIMELINE  # events of one of them in one room: more than one answer ever brings
MOST_IN_ALL = 2 * MOST_OF_ONE  # events; beyond that the stream waits, too

Key = tuple[str, str]  # room id and sender


@dataclass(slots=True)
class _Batch:
    """What came with one answer: the `since` behind it, and how many of its events are in hand."""

    after: str
    left: int


class Progress:
    """Deals with events, those of each person in a room in a task of their own: a slow command holds up only what the
    same person says there. What comes beyond MOST_OF_ONE of a person whose events are not dealt with is left out.

    `since` is kept when all that came before it was dealt with: after a crash, what was in hand comes again.
    `take` deals with one event of a room; it has to catch its own errors.
    """

    def __init__(self, take: Callable[[str, Any], Awaitable[None]], kept: Kept) -> None:
        self._take = take
        self._kept = kept
        self._free = asyncio.Semaphore(MOST_IN_HAND)
        self._space = asyncio.Semaphore(MOST_IN_ALL)
        self._batches: deque[_Batch] = deque()
        self._waiting: dict[Key, deque[tuple[_Batch, Any]]] = {}  # of who has something in hand
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeping = asyncio.Lock()

    async def go_on(self, spoken: Sequence[tuple[str, Any]], after: str) -> None:
        """Begin with the events of one answer, in order; returns as soon as each has begun or is behind another of the
        same person's."""
        batch = _Batch(after, len(spoken))
        self._batches.append(batch)
        for room_id, event in spoken:
            await self._take_up(batch, room_id, event)
        await self._keep()

    async def close(self) -> None:
        """Cancel what is in hand."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_up(self, batch: _Batch, room_id: str, event: Any) -> None:
        key = (room_id, getattr(event, "sender", ""))  # an event that could not be read may have none
        await self._space.acquire()
        if (waiting := self._waiting.get(key)) is None:
            await self._free.acquire()
            self._waiting[key] = deque([(batch, event)])
            task = asyncio.create_task(self._deal(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif len(waiting) < MOST_OF_ONE:
            waiting.append((batch, event))
        else:
            log.warning("matrix left out what is too much of one person room=%s from=%s", *key)
            batch.left -= 1
            self._space.release()

    async def _deal(self, key: Key) -> None:
        waiting = self._waiting[key]
        try:
            while waiting:
                batch, event = waiting.popleft()
                await self._take(key[0], event)
                self._space.release()
                batch.left -= 1
                await self._keep()
        finally:
            del self._waiting[key]
            self._free.release()

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
