"""`gatewatch say`: an operator's own words in a room, through the running bot if there is one."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Annotated
from uuid import uuid4

import typer

from bot.app import Bot, utc_now
from bot.cli.common import DEFAULT, ConfigFile, configured, start_log
from bot.config import Config
from bot.errors import UserError
from bot.model import Message, room_address
from bot.records import Delivery, Kind, Stage
from bot.store import Store, Tx, locked_elsewhere
from bot.text import one_line

PATIENCE = timedelta(seconds=30)
ENDS = (Stage.SAID, Stage.FAILED, Stage.EXPIRED, Stage.FOLDED)


def say(
    room: Annotated[str, typer.Argument(help="NETWORK:ADDRESS, as oftc:#openstack-nova.")],
    text: Annotated[str, typer.Argument(help="What to say.")],
    config: ConfigFile = DEFAULT,
) -> None:
    """Say something in a room. A running bot says it; where none runs, this command does.

    Example: gatewatch say oftc:#openstack-infra "the index is being moved until 14:00 UTC"
    """
    settings = configured(config)
    start_log(settings.logging)
    network, address = room_address(room)
    if network not in settings.networks or not address:
        raise UserError(f"{room}: there is no such network; there are {', '.join(settings.networks)}")
    if not one_line(text):
        raise UserError("there is nothing to say")
    url = settings.store.address()
    row = _through_the_bot(url, room, text) if locked_elsewhere(url) else asyncio.run(_by_itself(settings, room, text))
    if row is None:
        raise UserError(f"not said within {int(PATIENCE.total_seconds())} s; the bot tries for 10 minutes in all")
    if row.stage is not Stage.SAID:
        raise UserError(f"not said in {room}: {row.stage.value}, {row.reason}")
    typer.echo(f"said in {room}")


def _through_the_bot(url: str, room: str, text: str) -> Delivery | None:
    """Put it into the outbox, and watch what becomes of it; None while that is open."""
    store = Store.open(url, now=utc_now(), lock=False)
    try:
        id = store.write_now(lambda tx: _queue(tx, room, text)).id
        deadline = utc_now() + PATIENCE
        while utc_now() < deadline:
            row = store.read_now(lambda tx: tx.delivery(id))
            if row is not None and row.stage in ENDS:
                return row
            time.sleep(0.2)
        return None
    finally:
        asyncio.run(store.close())


def _queue(tx: Tx, room: str, text: str) -> Delivery:
    now = utc_now()
    return tx.enqueue(Kind.SAY, f"say-{uuid4().hex}", room, 0, now, now, message=Message(one_line(text)))


async def _by_itself(settings: Config, room: str, text: str) -> Delivery | None:
    """Connect to the room's network, and say this one row only."""
    store = await asyncio.to_thread(Store.open, settings.store.address(), now=utc_now())
    bot = Bot(settings, store, only=room)
    row = await store.write(lambda tx: _queue(tx, room, text))
    running = asyncio.create_task(bot.run(scheduled=False, only=row.id))
    try:
        deadline = utc_now() + PATIENCE
        while utc_now() < deadline:
            ended = await store.read(lambda tx: tx.delivery(row.id))
            if ended is not None and ended.stage in ENDS:
                return ended
            await asyncio.sleep(0.2)
        return None
    finally:
        bot.stop.set()
        await running
