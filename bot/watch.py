"""What the scheduler calls: a look at the index, and now and then the totals. Nothing that fails here stops the bot."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.errors import TemporaryError
from bot.model import Unknown, Window
from bot.poller import Poller, Ticked
from bot.sources import Source
from bot.store import Store
from bot.troubles import Troubles

log = logging.getLogger(__name__)

LONG = timedelta(seconds=30)  # a look that took this long is worth a line
GATE_WINDOW = timedelta(hours=6)  # what `!gate` counts over
KEEP = timedelta(
    days=14
)  # as long as the index keeps lines; longer where the look-back is, or its builds were new again


@dataclass(frozen=True, slots=True)
class Looks:
    """The last looks at the index: when one was complete, how long it took, what it could not do."""

    complete: datetime | None = None
    took: timedelta | None = None
    trouble: str = ""


class Watch:
    """Runs ticks and totals with the time of now, and tells troubles what came of them."""

    def __init__(
        self, poller: Poller, source: Source, store: Store, troubles: Troubles, clock: Callable[[], datetime]
    ) -> None:
        self._poller = poller
        self._source = source
        self._store = store
        self._troubles = troubles
        self._clock = clock
        self.looks = Looks()

    async def look(self) -> None:
        """One tick."""
        await self._guarded("tick", self._look)

    async def count(self) -> None:
        """The builds of all results, for rates; and what is too old is forgotten."""
        await self._guarded("totals", self._count)

    async def _guarded(self, part: str, work: Callable[[datetime], Awaitable[None]]) -> None:
        try:
            await work(self._clock())
        except TemporaryError as error:
            self._troubles.begin("store", str(error))
        except Exception:  # the guard of ticks
            log.exception("%s failed", part)
            self._troubles.begin(part, "internal error, the log has the traceback; it goes on at the next turn")
        else:
            self._troubles.end(part)

    async def _look(self, now: datetime) -> None:
        ticked = await self._poller.tick(now)
        self._troubles.end("store")
        for id, why in ticked.off.items():
            self._troubles.once(f"signature {id}", f"switched off until its file or the index's fields change: {why}")
        self._note(ticked, now)

    def _note(self, ticked: Ticked, now: datetime) -> None:
        """Operators hear at once of what was not answered at all, and of single signatures when it lasts."""
        told = ticked.trouble if ticked.blind else ticked.lasting
        if told:
            self._troubles.begin("search", told)
        else:
            self._troubles.end("search")
        took = self._clock() - now
        self.looks = Looks(self.looks.complete if ticked.trouble else now, took, ticked.trouble)
        if not ticked.trouble and (ticked.new or took > LONG):
            log.info("looked listed=%d new=%d took=%.2fs", ticked.listed, ticked.new, took.total_seconds())

    async def _count(self, now: datetime) -> None:
        keep = max(KEEP, now - self._source.window(now).start + timedelta(days=1))
        await self._store.write(lambda tx: tx.prune(now - keep))
        answer = await self._source.ran(Window(now - GATE_WINDOW, now + timedelta(hours=1), timedelta(0)))
        if isinstance(answer, Unknown):
            log.warning("totals unknown why=%r", answer.why)
            return
        hours = int(GATE_WINDOW.total_seconds()) // 3600
        await self._store.write(lambda tx: tx.add_ran(now, hours, answer.found))
