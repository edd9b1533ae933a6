"""Routing's decisions written into the outbox, on the state that this very transaction reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.incidents import Judged, Waits
from bot.records import Delivery, Kind, Stage
from bot.routing import Action, Decision, Room, Unit, decide, units_of
from bot.store import Tx

CATCH_UP = "catch-up"  # what every catch-up row is about: one story a room, a revision a message
LAST_LOOK, LAST_COMPLETE = "look.last", "look.complete"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the config says about waiting and routing. `digests`: per feed, what changes with its filter."""

    waits: Waits
    rooms: Sequence[Room]
    digests: Mapping[str, str]


def deliver(tx: Tx, judged: Iterable[Judged], rules: Rules, now: datetime) -> None:
    """Decide for each unit and room, and write what follows."""
    since = {room.name: since_of(tx, rules, room, now) for room in rules.rooms}
    units = units_of(judged)
    rows = _by_room(tx.deliveries([unit.key for unit in units]))
    old: dict[str, datetime] = {}
    for unit in units:
        for room in rules.rooms:
            own = rows.get((unit.key, room.name), [])
            decision = decide(unit, room, since[room.name], own, now, rules.waits)
            if decision.action is Action.CATCH_UP:
                seen = min(one.failure.first_seen for one in unit.judged)
                old[room.name] = max(seen, old.get(room.name, seen))
            else:
                _apply(tx, unit, room, own, decision, now)
    for name, seen in old.items():
        _catch_up(tx, name, seen, now)


def since_of(tx: Tx, rules: Rules, room: Room, now: datetime) -> dict[str, datetime]:
    """Per feed of the room: when it, its filter or its naming of the room was first loaded."""
    return {name: tx.feed_since(f"{name} {room.name}", rules.digests[name], now) for name in room.feeds}


def _by_room(rows: Iterable[Delivery]) -> dict[tuple[str, str], list[Delivery]]:
    grouped: dict[tuple[str, str], list[Delivery]] = {}
    for row in rows:
        grouped.setdefault((row.about, row.room), []).append(row)
    return grouped


def _apply(tx: Tx, unit: Unit, room: Room, rows: Sequence[Delivery], decision: Decision, now: datetime) -> None:
    match decision.action:
        case Action.NOTHING | Action.CATCH_UP:
            pass
        case Action.QUEUE:
            tx.enqueue(Kind.CHANGE, unit.key, room.name, decision.revision, decision.due, now)
        case Action.MOVE:
            if rows[-1].due != decision.due:
                tx.set_due(rows[-1].id, decision.due)
        case Action.END:
            tx.end(rows[-1].id, Stage.EXPIRED, decision.reason, now)


def _catch_up(tx: Tx, room: str, since: datetime, now: datetime, gap: tuple[datetime, datetime] | None = None) -> None:
    """One catch-up message of the room covers all old news since its row was made; `finish` says when it is due."""
    rows = [row for row in tx.deliveries([CATCH_UP]) if row.room == room]
    covered = bool(rows) and (rows[-1].created >= since or rows[-1].stage is Stage.QUEUED)
    if gap is None and covered:
        return
    revision = rows[-1].revision + 1 if rows else 0
    tx.enqueue(Kind.CATCH_UP, CATCH_UP, room, revision, None, now, gap=gap)


def begin(tx: Tx, every: timedelta, now: datetime) -> timedelta:
    """Note the look. No deadline passes while nobody looks: after a pause (a restart) they move on by it.

    Returns the time since the last look, for which they are to move on if this one gets no answer.
    """
    last = _time(tx.get(LAST_LOOK))
    tx.put_value(LAST_LOOK, now.isoformat())
    passed = timedelta(0) if last is None else now - last
    if passed <= 3 * every:
        return passed
    tx.forgive(passed)
    return timedelta(0)


def finish(tx: Tx, rules: Rules, seen_from: datetime, complete: bool, now: datetime) -> None:
    """The end of a tick, its backlog empty: old news becomes due, stale rows end.

    `seen_from`: the start of the look-back. `complete`: all that was asked in the tick was answered somehow.
    """
    fold_stale(tx, rules.waits.say_within, now)
    tx.expire_without_feed({room.name for room in rules.rooms}, now)
    _close(tx, seen_from, now)
    if not complete:
        return
    last = _time(tx.get(LAST_COMPLETE))
    tx.put_value(LAST_COMPLETE, now.isoformat())
    if last is not None and last < seen_from:
        for room in rules.rooms:
            _catch_up(tx, room.name, now, now, (last, seen_from))
    for row in tx.deliveries([CATCH_UP]):
        if row.stage is Stage.QUEUED and row.due is None:
            tx.set_due(row.id, now)


def fold_stale(tx: Tx, say_within: timedelta, now: datetime) -> None:
    """What has waited too long to be said singly goes into its room's catch-up; what is in doubt too long, expires."""
    for name in tx.expire_stale(now, say_within):
        _catch_up(tx, name, now, now)


def _close(tx: Tx, seen_from: datetime, now: datetime) -> None:
    """What waits for builds that nobody looks at any more waits in vain."""
    for row in tx.queued():
        if row.kind is Kind.CHANGE and row.due is None and row.created < seen_from:
            tx.end(row.id, Stage.EXPIRED, "its builds left the look-back unsettled", now)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
