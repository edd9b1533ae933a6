"""Alerts through the real announcer and store into an IRC network, as fast as it takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.announcer import Announcer
from bot.chat import Chat
from bot.clock import utc_now
from bot.records import Delivery, Kind, Rendered, Stage
from bot.store import Store, Tx
from bot.talk import Message
from bot.troubles import Troubles

NEVER_OLD = timedelta(days=365)  # what waits is said singly, however quick the clock is


@dataclass
class Alerts:
    """An outbox with its announcer. `texts`: what was queued, in order."""

    store: Store
    texts: list[str]
    troubles: Troubles

    def queue(self, rooms: Sequence[str], number: int) -> None:
        """So many alerts, into the rooms in turn; each text has its number and is as long as a usual one."""
        now = utc_now()  # never ahead of the announcer's clock

        def enqueue(tx: Tx) -> None:
            for place in range(number):
                room = rooms[place % len(rooms)]
                tx.enqueue(Kind.CHANGE, f"{len(self.texts) + place:04}", room, 0, now, now)

        self.store.write_now(enqueue)
        self.texts += [words(f"{len(self.texts) + place:04}") for place in range(number)]

    async def finished(self, within: float) -> None:
        """Return when all have ended, somehow."""
        deadline = asyncio.get_running_loop().time() + within
        while await self.store.read(_left):
            assert asyncio.get_running_loop().time() < deadline, self.stages()
            await asyncio.sleep(0.1)

    def stages(self) -> dict[Stage, int]:
        """How many rows ended how; none that are 0."""
        found = self.store.read_now(lambda tx: tx.totals_by_stage())
        return {stage: count for stage, count in found.items() if count}


def _left(tx: Tx) -> int:
    return len(tx.unfinished())


def words(number: str) -> str:
    """An alert of the usual length (a project, a job, a signature, a link)."""
    return (
        f"[nova] gate 91{number},3 failed: nova-tox-functional-py311: #2098765 Timed out waiting for a port to be bound"
        f" (x31/24h, recheck ok) | https://zuul.opendev.org/t/openstack/build/0123456789abcdef0123456789ab{number}"
    )


def render(tx: Tx, row: Delivery, now: datetime) -> Rendered | str:
    return Rendered(Message(words(row.about)))


def quick_clock(times: float) -> Callable[[], datetime]:
    """A clock that runs so many times too fast: the announcer's pauses after a fault are short by it."""
    began = utc_now()
    return lambda: began + times * (utc_now() - began)


@asynccontextmanager
async def announcing(
    chat: Chat, folder: Path, every: float = 0.05, clock: Callable[[], datetime] = utc_now
) -> AsyncIterator[Alerts]:
    """An announcer at work for the chat, its store in that folder; folding is off."""
    store = Store.open(f"sqlite:///{folder / 'alerts.db'}", now=utc_now())
    troubles = Troubles("", {}, utc_now)
    stop = asyncio.Event()
    announcer = Announcer(chat, store, render, troubles, clock, lambda _: 0, NEVER_OLD, every=every)
    worker = asyncio.create_task(announcer.run(stop))
    try:
        yield Alerts(store, [], troubles)
    finally:
        stop.set()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        await store.close()
