"""`gatewatch say`: an operator's own words in a room, through the running bot if there is one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import typer

from bot.app import Bot, named_rooms
from bot.chat.irc.config import is_channel
from bot.cli.common import configured, start_short_log, store_address
from bot.cli.connected import connected
from bot.clock import utc_now
from bot.config import Config
from bot.errors import UserError
from bot.records import Delivery, Kind, Stage
from bot.store import Store, Tx, locked_elsewhere
from bot.talk import Message, room_address
from bot.text import one_line
from bot.wording import strange_word

POLL = 0.2  # seconds between two looks at what became of it
OPEN = (Stage.QUEUED, Stage.SENDING)


def say(config: Path, room: str, text: str, wait: float) -> None:
    """Within `wait` seconds. Raises UserError where it is not said."""
    settings = configured(config)
    start_short_log()
    network, address = room_address(room)
    if network not in settings.networks or not address:
        fault = strange_word("no such network", network, list(settings.networks))
        raise UserError(f"{room}: {fault} (a room is written NETWORK:ADDRESS)")
    if not one_line(text):
        raise UserError("there is nothing to say: the text is empty")
    _tell(Words(settings, store_address(settings), room, one_line(text), time.monotonic() + wait).say(), room, wait)


def _tell(row: Delivery, room: str, wait: float) -> None:
    if row.stage is Stage.SAID:
        typer.echo(f"said in {room}")
        return
    why = f": {row.reason}" if row.reason else ""
    if row.stage is Stage.SENDING:
        raise UserError(f"{room} may have it or not: no answer within {wait:g} s")
    if row.stage is Stage.QUEUED:
        raise UserError(f"not said in {room} within {wait:g} s{why}; the bot tries for 10 minutes in all")
    raise UserError(f"not said in {room}: {row.stage.value}{why}")


@dataclass(frozen=True)
class Words:
    """One line for a room. `url`: the store's; `deadline`: of the monotonic clock."""

    settings: Config
    url: str
    room: str
    text: str
    deadline: float

    def say(self) -> Delivery:
        """Its row at the end, or as it stands when the time is over. Who holds the lock says it, else we do."""
        row = None
        if locked_elsewhere(self.url):
            self._refuse_strange_channel()
            row = self._through_the_bot()
            if row.stage not in OPEN or self._late() or locked_elsewhere(self.url):
                return row
        left = max(0.0, self.deadline - time.monotonic())
        store = Store.open(self.url, now=utc_now(), wait_for_lock=left)
        return asyncio.run(self._by_itself(store, row))

    def _refuse_strange_channel(self) -> None:
        """A running bot is in the IRC channels that its config names, and joins no other for a line."""
        network, address = room_address(self.room)
        if self.settings.networks[network].type != "irc" or not is_channel(address):
            return
        known = [room for room in named_rooms(self.settings) if room_address(room)[0] == network]
        if self.room.lower() not in map(str.lower, known):
            fault = strange_word("the bot is not in that channel", self.room, known)
            raise UserError(f"{self.room}: {fault}; a feed or `operators` has to name it")

    def _through_the_bot(self) -> Delivery:
        """Put it into the outbox, and watch what becomes of it, as long as there is a bot."""
        store = Store.open(self.url, now=utc_now(), lock=False)
        try:
            row = store.write_now(self._queue)
            now_of = partial(_row, row.id)
            while row.stage in OPEN and not self._late() and locked_elsewhere(self.url):
                time.sleep(POLL)
                row = store.read_now(now_of)
            return row
        finally:
            store.close_now()

    async def _by_itself(self, store: Store, row: Delivery | None) -> Delivery:
        """Connect to the room's network, and say this one row only."""
        bot = Bot(self.settings, store, only=self.room)
        queued = await store.write(self._queue) if row is None else row
        return await connected(bot, self._watch(bot, partial(_row, queued.id)), only=queued.id)

    async def _watch(self, bot: Bot, now_of: Callable[[Tx], Delivery]) -> Delivery:
        """The row as it ends. One that cannot be said in time is ended: nobody else is there to say it."""
        network, _ = room_address(self.room)
        row = await bot.store.read(now_of)
        while row.stage in OPEN and not self._late():
            await asyncio.sleep(POLL)
            row = await bot.store.read(now_of)
        if row.stage is not Stage.QUEUED:
            return row
        status = bot.chats[network].status()
        why = row.reason or status.trouble or f"{network} is {status.state}"
        await bot.store.write(lambda tx: tx.end(row.id, Stage.EXPIRED, why, utc_now()))
        return await bot.store.read(now_of)

    def _queue(self, tx: Tx) -> Delivery:
        now = utc_now()
        return tx.enqueue(Kind.SAY, f"say-{uuid4().hex}", self.room, 0, now, now, message=Message(self.text))

    def _late(self) -> bool:
        return time.monotonic() >= self.deadline


def _row(id: int, tx: Tx) -> Delivery:
    row = tx.delivery(id)
    assert row is not None  # rows of the last ten minutes are never pruned
    return row
