"""`gatewatch once --dry-run`: what a running bot would say now, worked out on a copy of its store in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import typer

from bot.app import open_search
from bot.clock import utc_now
from bot.config import Config
from bot.core import Core, build_core
from bot.deliveries import since_of
from bot.incidents import Judged, judge
from bot.poller import Ticked
from bot.records import Delivery, Kind, Stage, State
from bot.routing import Room, Unit, decide, passing, units_of, why_not
from bot.store import Store, Tx
from bot.text import counted


async def dry_run(settings: Config, url: str) -> Ticked:
    """One tick, with the configured waits; prints what would be said, what waits and what is not said, and why."""
    search = open_search(settings)
    store = Store.copy_in_memory(url)
    try:
        core = build_core(settings, search, store)
        now = utc_now()
        ticked = await core.poller.tick(now)
        lines = await store.write(lambda tx: [*_said(tx, core, settings, now), *_unsaid(tx, core, now)])
    finally:
        await search.close()
        await store.close()
    for line in lines:
        typer.echo(line)
    if ticked.listed or not ticked.trouble:
        typer.echo(f"{counted(ticked.listed, 'failed build')}, {ticked.new} of them new; nothing was written or said")
    return ticked


def _said(tx: Tx, core: Core, settings: Config, now: datetime) -> list[str]:
    """Every due row is claimed, as the announcers would."""
    lines = []
    for network in settings.networks:
        while row := tx.claim(network, now, core.renderer, settings.announce.fold_limit):
            lines.append(f"would say in {row.room}: {row.message.text if row.message else ''}")
            tx.end(row.id, Stage.SAID, "a dry run", now)
    return lines


def _unsaid(tx: Tx, core: Core, now: datetime) -> list[str]:
    units = _units(tx, core, now)
    waiting = [f"waits in {row.room}: {_name(row, units)}: {_until(row, now)}" for row in tx.queued()]
    silent = [
        _silence(unit, room, since_of(tx, core.rules, room, now), now, core)
        for unit in units.values()
        for room in core.rules.rooms
        if not any(row.room == room.name for row in tx.deliveries([unit.key]))
    ]
    return [*waiting, *silent]


def _units(tx: Tx, core: Core, now: datetime) -> dict[str, Unit]:
    seen = tx.failures_since(core.source.window(now).start)
    judged = (judge(one, core.signatures.signatures, now, core.rules.waits) for one in seen)
    return {unit.key: unit for unit in units_of(judged)}


def _name(row: Delivery, units: Mapping[str, Unit]) -> str:
    if row.kind is Kind.SAY and row.message:
        return row.message.text
    return _jobs(units[row.about].judged) if row.about in units else row.kind.value


def _until(row: Delivery, now: datetime) -> str:
    if row.not_before and row.not_before > now:
        return f"put off until {row.not_before:%H:%M:%S} UTC: {row.reason}"
    if row.due is None:
        return "until all of it is known or settled"
    return f"held until {row.due:%H:%M:%S} UTC"


def _silence(unit: Unit, room: Room, since: Mapping[str, datetime], now: datetime, core: Core) -> str:
    pending = any(one.state is State.PENDING for one in unit.judged)
    reason = decide(unit, room, since, [], now, core.rules.waits).reason
    if not passing(room, unit.judged, since):
        reason = "; ".join(dict.fromkeys(_refusals(unit, room)))
    return f"{'waits' if pending else 'not said'} in {room.name}: {_jobs(unit.judged)}: {reason}"


def _refusals(unit: Unit, room: Room) -> Iterable[str]:
    for one in unit.judged:
        for name, feed in room.feeds.items():
            yield f"feed {name}: {why_not(feed, one) or 'it was listed before the feed was there'}"


def _jobs(judged: Iterable[Judged]) -> str:
    there = list(judged)
    build = there[0].build
    number = f" {build.change},{build.patchset}" if build.change else ""
    return f"{build.project}{number} {', '.join(f'{one.build.job} ({one.state.value})' for one in there)}"
