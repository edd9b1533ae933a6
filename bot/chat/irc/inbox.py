"""What any connection of a network heard: each line once, and in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.talk import Heard

log = logging.getLogger(__name__)

MOST_AT_ONCE = 50  # lines heard and not yet dealt with; more than that is a flood
REMEMBERED = 200  # lines of which it is known who heard them
SAME_WITHIN = timedelta(seconds=5)


class Inbox:
    """Lines of all connections, by their numbers."""

    def __init__(self, network: str) -> None:
        self._network = network
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard: deque[tuple[int, Heard]] = deque(maxlen=REMEMBERED)
        self._flooded = False

    def put(self, number: int, line: Heard, deal_with: Callable[[Heard], Awaitable[None]]) -> None:
        """A slow command holds up nobody, and a defect in it costs only itself.

        What another connection has just heard too (`/msg gatewatch,gatewatch2 ...`) is one line.
        """
        if any(other != number and _same(line, known) for other, known in self._heard):
            return
        if len(self._tasks) >= MOST_AT_ONCE:
            if not self._flooded:  # said once until all is dealt with, else the flood goes on in the log
                log.warning(
                    "irc line not dealt with network=%s room=%s why='too many at once'", self._network, line.room
                )
            self._flooded = True
            return
        self._heard.append((number, line))

        async def deal() -> None:
            await deal_with(line)

        task = asyncio.create_task(deal())
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def who_heard(self, line: Heard) -> int | None:
        """The connection that heard it, by which it is answered."""
        return next((number for number, known in self._heard if known.id == line.id), None)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._flooded = self._flooded and bool(self._tasks)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("irc line not dealt with network=%s", self._network, exc_info=error)

    async def close(self) -> None:
        """Cancel what is being dealt with."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _same(one: Heard, other: Heard) -> bool:
    return (one.room, one.person.name, one.text) == (other.room, other.person.name, other.text) and abs(
        one.at - other.at
    ) < SAME_WITHIN
