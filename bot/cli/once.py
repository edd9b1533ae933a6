"""`gatewatch once`: one tick; what is due is said, or with --dry-run only shown."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from bot.app import Bot, open_search, utc_now
from bot.cli.common import DEFAULT, ConfigFile, configured, start_log
from bot.config import Config
from bot.core import Core, build_core
from bot.errors import UserError
from bot.incidents import Judged, Waits, judge
from bot.poller import Ticked
from bot.records import Delivery, Stage
from bot.routing import Unit, decide
from bot.store import Store, Tx

PATIENCE = 60.0  # seconds for networks to connect and for what is due to be said
AT_ONCE = Waits(settle=timedelta(0), hold=timedelta(0))


def once(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing, say nothing: show what would be said, and what waits.")
    ] = False,
    config: ConfigFile = DEFAULT,
) -> None:
    """Look at the index once, without waiting for logs to settle, say what is due, and leave.

    Example: gatewatch once --dry-run
    """
    settings = configured(config)
    start_log(settings.logging)
    asyncio.run(_dry(settings) if dry_run else _once(settings))


async def _once(settings: Config) -> None:
    store = await asyncio.to_thread(Store.open, settings.store.address(), now=utc_now())
    bot = Bot(settings, store, waits=hasty(settings))
    running = asyncio.create_task(bot.run(scheduled=False))
    now = utc_now()
    try:
        ticked = await bot.core.poller.tick(now)
        await _said(bot)
        rows = await store.read(lambda tx: [row for row in tx.ended_since(now) if row.stage is not Stage.FOLDED])
        left = await store.read(lambda tx: tx.queued())
    finally:
        bot.stop.set()
        await running
    for row in rows:
        _show(f"{row.stage.value} in {row.room}", row)
    typer.echo(f"{ticked.listed} failed builds, {ticked.new} of them new; {len(rows)} messages, {len(left)} wait")
    _complain(ticked)


def hasty(settings: Config) -> Waits:
    """The configured waits without holding and settling."""
    builds = settings.builds
    return replace(AT_ONCE, wait_for_logs=builds.wait_for_logs, say_within=builds.say_within)


async def _said(bot: Bot) -> None:
    """Wait until nothing is due any more."""
    deadline = utc_now() + timedelta(seconds=PATIENCE)
    while utc_now() < deadline:
        now = utc_now()
        open_rows = await bot.store.read(lambda tx: tx.unfinished())
        if not [row for row in open_rows if row.due and row.due <= now]:
            return
        await asyncio.sleep(0.2)


async def _dry(settings: Config) -> None:
    store = Store.copy_in_memory(settings.store.address())
    search = open_search(settings)
    try:
        core = build_core(settings, search, store)
        now = datetime.now(UTC)
        ticked = await core.poller.tick(now)
        await store.write(lambda tx: _preview(tx, core, settings, now))
        waiting = await store.read(lambda tx: _waiting(tx, core, now))
    finally:
        await search.close()
        await store.close()
    for line in waiting:
        typer.echo(line)
    typer.echo(f"{ticked.listed} failed builds, {ticked.new} of them new; nothing was written or said")
    _complain(ticked)


def _preview(tx: Tx, core: Core, settings: Config, now: datetime) -> None:
    for network in settings.networks:
        while row := tx.claim(network, now, core.renderer, settings.announce.fold_limit):
            _show(f"would say in {row.room}", row)
            tx.end(row.id, Stage.EXPIRED, "a dry run", now)


def _waiting(tx: Tx, core: Core, now: datetime) -> list[str]:
    """What is not yet due, and what is not said, each with its reason."""
    since = {name: tx.feed_since(name, digest, now) for name, digest in core.rules.digests.items()}
    units: dict[str, list[Judged]] = {}
    for failure in tx.failures_since(core.source.window(now).start):
        judged = judge(failure, core.signatures.signatures, now, core.rules.waits)
        units.setdefault(failure.unit, []).append(judged)
    lines = [f"waits for {row.room}: {row.about} is due {row.due or 'later'}" for row in tx.queued()]
    for key, failures in units.items():
        unit = Unit(key, tuple(failures))
        for room in core.rules.rooms:
            rows = [row for row in tx.deliveries([key]) if row.room == room.name]
            if not rows:
                lines.append(_unsaid(unit, room.name, decide(unit, room, since, rows, now, core.rules.waits).reason))
    return lines


def _unsaid(unit: Unit, room: str, reason: str) -> str:
    build = unit.judged[0].build
    jobs = ", ".join(f"{one.build.job} ({one.state.value})" for one in unit.judged)
    return f"not said in {room}: {build.project} {build.change},{build.patchset} {jobs}: {reason}"


def _show(what: str, row: Delivery) -> None:
    text = row.message.text if row.message else row.reason
    typer.echo(f"{what}: {text}")


def _complain(ticked: Ticked) -> None:
    if ticked.trouble:
        raise UserError(f"the look was not complete: {ticked.trouble}")
