"""`gatewatch once`: one tick; what is due is said, or with --dry-run only shown."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import typer

from bot.app import Bot
from bot.cli.common import configured, start_short_log, store_address
from bot.cli.connected import connected
from bot.cli.dryrun import dry_run as tried
from bot.cli.run import first_load
from bot.clock import utc_now
from bot.config import Config
from bot.core import waits_of
from bot.errors import UserError
from bot.incidents import Waits
from bot.poller import Ticked
from bot.records import Delivery, Stage
from bot.store import Store
from bot.talk import JOINED, room_address
from bot.text import counted

POLL = 0.2  # seconds between two looks at what became of the messages


def once(config: Path, dry_run: bool, wait: float) -> None:
    """One look; `wait`: seconds for what is due to be said. Raises UserError for what was not seen or not said."""
    settings = configured(config)
    start_short_log()
    if dry_run:
        _refuse_unloaded(settings)
        _complain(asyncio.run(tried(settings, store_address(settings))))
        return
    first_load(settings)
    store = Store.open(store_address(settings), now=utc_now(), wait_for_lock=0)
    _report(settings, asyncio.run(_once(settings, store, timedelta(seconds=wait))), wait)


def _refuse_unloaded(settings: Config) -> None:
    """A dry run writes nothing, so it does not load the logs of `load` either."""
    search = settings.search
    if search.embedded and search.load and search.path and not search.path.is_dir():
        raise UserError(f"there is no index yet: `gatewatch run` or `once` loads {search.load} at the first start")


@dataclass(frozen=True)
class Look:
    """What one look did: rows that ended, rows that were due and were not said in time, and those that wait."""

    ticked: Ticked
    ended: list[Delivery]
    unsaid: list[str]
    waiting: int


async def _once(settings: Config, store: Store, wait: timedelta) -> Look:
    bot = Bot(settings, store, waits=hasty(waits_of(settings)))
    return await connected(bot, _look(bot, utc_now(), wait))


def hasty(waits: Waits) -> Waits:
    """The same without holding and settling."""
    return replace(waits, settle=timedelta(0), hold=timedelta(0), hold_at_most=timedelta(0))


async def _look(bot: Bot, now: datetime, wait: timedelta) -> Look:
    ticked = await bot.core.poller.tick(now)
    deadline = utc_now() + wait
    due = await _due(bot)
    while due and utc_now() < deadline:
        await asyncio.sleep(POLL)
        due = await _due(bot)
    ended, queued = await bot.store.read(lambda tx: (tx.ended_since(now), tx.queued()))
    unsaid = [_unsaid(bot, room, [row for row in due if row.room == room]) for room in sorted({r.room for r in due})]
    return Look(ticked, [row for row in ended if row.stage is not Stage.FOLDED], unsaid, len(queued))


async def _due(bot: Bot) -> list[Delivery]:
    now = utc_now()
    unfinished = await bot.store.read(lambda tx: tx.unfinished())
    return [row for row in unfinished if row.due and row.due <= now]


def _unsaid(bot: Bot, room: str, rows: list[Delivery]) -> str:
    """What keeps the messages of one room: its network, else the room, else what a try met."""
    network, _ = room_address(room)
    status = bot.chats[network].status()
    how = status.rooms.get(room, JOINED)
    if not status.ready:
        why = status.trouble or f"{network} is {status.state}"
    else:
        why = how if how != JOINED else next((row.reason for row in rows if row.reason), "there was no time")
    return f"{room}: {counted(len(rows), 'message')}: {why.removeprefix(f'{room}: ')}"


def _report(settings: Config, look: Look, wait: float) -> None:
    said = [row for row in look.ended if row.stage is Stage.SAID]
    for row in said:
        if settings.networks[room_address(row.room)[0]].type != "console" and row.message:
            typer.echo(f"said in {row.room}: {row.message.text}")
    listed = f"{counted(look.ticked.listed, 'failed build')}, {look.ticked.new} of them new"
    if look.ticked.listed or not look.ticked.trouble:
        typer.echo(f"{listed}; {counted(len(said), 'message')} said, {look.waiting} wait")
    problems = [f"{row.room}: {row.stage.value}: {row.reason}" for row in look.ended if row.stage is Stage.FAILED]
    if look.unsaid:
        raise UserError(f"not said within {wait:g} s; the next look tries again:", [*look.unsaid, *problems])
    if problems:
        raise UserError("not said:", problems)
    _complain(look.ticked)


def _complain(ticked: Ticked) -> None:
    if ticked.trouble:
        raise UserError(f"the look was not complete: {ticked.trouble}")
