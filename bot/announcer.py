"""One worker per network: claims the next due delivery, says it, records it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from bot.chat import Chat
from bot.deliveries import fold_stale
from bot.errors import PermanentError, TemporaryError
from bot.folding import PATIENCE, Shares, too_slow
from bot.records import Delivery, Rendered
from bot.store import Store, Tx
from bot.talk import JOINED, Message, NetworkStatus, Post, Said
from bot.troubles import Troubles

log = logging.getLogger(__name__)

Render = Callable[[Tx, Delivery, datetime], Rendered | str]
PUT_OFF_FIRST, PUT_OFF_LAST = timedelta(seconds=5), timedelta(minutes=5)
PUT_OFF_AT_ONCE = timedelta(milliseconds=250)  # the first, where the far end says "at once"; it may say so for ever


class Announcer:
    """The deliveries of one network, one at a time.

    `fold_over`: per room, how many may wait before they become one summary; fewer, where the network's pace would make
    the queue long. `say_within`: what waits longer is old news. `only`: this delivery, and no other. `every`: seconds
    between looks.
    """

    def __init__(
        self,
        chat: Chat,
        store: Store,
        render: Render,
        troubles: Troubles,
        clock: Callable[[], datetime],
        fold_over: Callable[[str], int],
        say_within: timedelta,
        only: int | None = None,
        every: float = 1.0,
    ) -> None:
        self._chat = chat
        self._store = store
        self._render = render
        self._troubles = troubles
        self._clock = clock
        self._fold_over = fold_over
        self._say_within = say_within
        self._only = only
        self._every = every
        self._part = f"deliveries to {chat.name}"
        self._too_many = 0  # were waiting when the network's pace made them a summary
        self._told_pace = False
        self._shares = Shares()
        self._unsaid: dict[str, str] = {}  # per room, why the last message was not said
        self._joined: set[str] = set()  # the rooms, at the last look
        self._at: Delivery | None = None  # what is being rendered or said
        self._spoilt: Delivery | None = None  # what the guard caught while it was

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop: say what is due. A worker that starts takes up first what it was saying at its end."""
        while not stop.is_set():
            try:
                worked = self._chat.status().ready and await self.step()
            except (TemporaryError, PermanentError) as error:  # the store's: what is in the outbox stays there
                self._troubles.begin("store", str(error), by=self._part)
                worked = False
            except Exception:  # the guard of deliveries
                log.exception("delivery failed network=%s", self._chat.name)
                self._troubles.begin(self._part, "internal error, the log has the traceback; that message is given up")
                self._spoilt, worked = self._at, False
            if not worked:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._every)

    async def step(self) -> bool:
        """Claim, say and record one delivery; False if none was due.

        Raises TemporaryError and PermanentError for the store.
        """
        if self._spoilt is not None:  # else it would stand at the head of its network's queue for ever
            spoilt = self._spoilt.id
            await self._store.write(lambda tx: tx.fail(spoilt, "internal error", self._clock()))
        self._at = self._spoilt = None
        status = self._chat.status()
        await self._hurry(status)
        pace = status.pace
        self._at = await self._store.write(lambda tx: self._claim(tx, pace))
        self._tell_pace(pace)
        if self._at is None:
            self._troubles.end("store", by=self._part)
            return False
        await self._record(self._at, await self._say(self._at))
        self._at = None
        self._troubles.end(self._part)
        return True

    async def _hurry(self, status: NetworkStatus) -> None:
        """What waits for its next try because the bot was not in the room waits no longer once it is."""
        joined = {room for room, how in status.rooms.items() if how == JOINED}
        new = joined - self._joined
        if new:
            await self._store.write(lambda tx: tx.hurry(new, self._clock()))
        self._joined = joined

    def _claim(self, tx: Tx, pace: timedelta) -> Delivery | None:
        if tx.idle(self._chat.name):
            return None
        # What has waited or was being said when the bot died, long ago: the first look may come after this claim.
        if self._only is None:
            fold_stale(tx, self._say_within, self._clock())
        else:
            tx.expire_doubtful(self._clock(), self._say_within)
        return tx.claim(self._chat.name, self._clock(), self._rendered, self._fold_limits(tx, pace), only=self._only)

    def _fold_limits(self, tx: Tx, pace: timedelta) -> Callable[[str], int]:
        if not pace:
            self._shares.forget()
            return self._fold_over
        waiting = tx.due_changes(self._chat.name, self._clock())
        if too_slow(waiting, pace):
            self._too_many = sum(waiting.values())
        return self._shares.limits(waiting, pace, self._fold_over)

    def _tell_pace(self, pace: timedelta) -> None:
        if self._too_many and not self._told_pace:
            self._told_pace = True
            self._troubles.once(f"network {self._chat.name}", _slow(self._too_many, pace))

    def _rendered(self, tx: Tx, row: Delivery, now: datetime) -> Rendered | str:
        self._at = row
        return self._render(tx, row, now)

    async def _say(self, row: Delivery) -> Said | TemporaryError | PermanentError:
        try:
            said = await self._chat.say(_post(row))
        except (TemporaryError, PermanentError) as error:
            # Once a room and reason: each of many that wait is tried again and again.
            known = self._unsaid.get(row.room) == str(error)
            self._unsaid[row.room] = str(error)
            level = logging.DEBUG if known else logging.WARNING
            log.log(level, "not said delivery=%d room=%s why=%r", row.id, row.room, str(error))
            return error
        self._unsaid.pop(row.room, None)
        log.info("said delivery=%d room=%s about=%s revision=%d", row.id, row.room, row.about, row.revision)
        return said

    async def _record(self, row: Delivery, outcome: Said | TemporaryError | PermanentError) -> None:
        """The message is out, so the record is tried until it is made, and nothing is claimed meanwhile."""
        while True:
            try:
                await self._store.write(lambda tx: self._outcome(tx, row, outcome))
            except TemporaryError as error:
                self._troubles.begin("store", str(error), by=self._part)
                await asyncio.sleep(self._every)
            else:
                self._troubles.end("store", by=self._part)
                return

    def _outcome(self, tx: Tx, row: Delivery, outcome: Said | TemporaryError | PermanentError) -> None:
        now = self._clock()
        match outcome:
            case Said():
                tx.said(row.id, outcome, now)
            case TemporaryError():
                tx.put_off(row.id, now + _wait(row.tries, outcome), outcome.doubt, str(outcome))
            case PermanentError():
                tx.fail(row.id, str(outcome), now)
                self._troubles.once("not said", str(outcome))


def _post(row: Delivery) -> Post:
    return Post(
        room=row.room,
        key=row.key,
        message=row.message or Message(""),
        loud=row.loud,
        mentions=row.mentions,
        replaces=row.replaces,
        wakes=row.wakes,
        doubt_since=row.due if row.doubt else None,
    )


def _slow(waiting: int, pace: timedelta) -> str:
    return (
        f"its server takes one message in {pace.total_seconds():.1f} s, and {waiting} wait: what would wait longer "
        f"than {PATIENCE.total_seconds():.0f} s goes into summaries; docs/matrix.md says how to have that lifted "
        "(override_ratelimit)"
    )


def _wait(tries: int, error: TemporaryError) -> timedelta:
    """As late as the far end asks; where it names no time, or none to wait, later with each try."""
    if error.retry_after:
        return timedelta(seconds=error.retry_after)
    first = PUT_OFF_FIRST if error.retry_after is None else PUT_OFF_AT_ONCE
    return min(first * (1 << min(tries - 1, 10)), PUT_OFF_LAST)
