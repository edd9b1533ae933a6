"""Which rooms hear of a unit, when, and why not. Pure: no client, no clock, no store.

A unit is what speaks once: the failures of one buildset. Every unit and room end in one Decision with a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from bot.config import Feed
from bot.incidents import Judged, Waits
from bot.records import Delivery, Spoke, Stage, State

LINES_PER_CHANGE = 3  # on a network that cannot edit
EDITS_APART = timedelta(seconds=30)  # on one that can: what changes meanwhile becomes one edit
NOTHING_LEFT = "nothing is left to say"
OPEN_AGAIN = frozenset({State.PENDING, State.NOT_READY})
MORE_KNOWN = frozenset({(State.NOT_READY, State.UNKNOWN), (State.NOT_READY, State.KNOWN), (State.UNKNOWN, State.KNOWN)})


@dataclass(frozen=True, slots=True)
class Room:
    """A room and all feeds that name it; `edits`: its network can change what was said."""

    name: str
    feeds: Mapping[str, Feed]
    edits: bool


@dataclass(frozen=True, slots=True)
class Unit:
    """The failures of one buildset, judged."""

    key: str
    judged: tuple[Judged, ...]

    @property
    def old(self) -> bool:
        """Old news: its newest line was over say_within old when it was first listed."""
        return all(one.failure.old for one in self.judged)


def units_of(judged: Iterable[Judged]) -> list[Unit]:
    """Failures by what speaks once, in the order in which they broke."""
    grouped: dict[str, list[Judged]] = {}
    for one in judged:
        grouped.setdefault(one.failure.unit, []).append(one)
    units = [Unit(key, tuple(failures)) for key, failures in grouped.items()]
    return sorted(units, key=lambda unit: max(one.failure.newest for one in unit.judged))


class Action(Enum):
    """What is to be done with the outbox's row of a unit and a room."""

    NOTHING = "nothing"
    QUEUE = "queue"  # a new revision, due at Decision.due
    MOVE = "move"  # the queued row is due at Decision.due (None: not yet)
    END = "end"  # the queued row expires
    CATCH_UP = "catch up"  # is told in the room's catch-up message


@dataclass(frozen=True, slots=True)
class Decision:
    """An action and its named reason; `revision` is that of the row which it is about."""

    action: Action
    reason: str
    due: datetime | None = None
    revision: int = 0


def rooms_of(feeds: Mapping[str, Feed], edits: Mapping[str, bool]) -> list[Room]:
    """The rooms that feeds name; `edits`: per network, can it change what was said?"""
    named: dict[str, dict[str, Feed]] = {}
    for name, feed in feeds.items():
        for room in feed.rooms:
            named.setdefault(room, {})[name] = feed
    return [Room(room, own, edits[room.partition(":")[0]]) for room, own in named.items()]


def why_not(feed: Feed, judged: Judged) -> str:
    """Why a feed does not want to hear of a failure; "" if it does."""
    build = judged.build
    for word, patterns, value in (
        ("pipelines", feed.pipelines, build.pipeline),
        ("projects", feed.projects, build.project),
        ("branches", feed.branches, build.branch),
        ("jobs", feed.jobs, build.job),
    ):
        if patterns and not any(pattern.matches(value) for pattern in patterns):
            return f"its {word} do not have {value or 'an empty one'}"
    if not judged.said:
        return f"the build is {judged.state.value}"
    event = "known" if judged.state is State.KNOWN else "unknown"
    if event not in feed.events:
        return f"its events do not have {event}"
    if feed.signatures and not any(p.matches(cause) for p in feed.signatures for cause in judged.causes):
        return "its signatures do not have " + (", ".join(judged.causes) or "an unknown cause")
    return ""


def wants(room: Room, judged: Judged) -> bool:
    """Does at least one of the room's feeds want to hear of it, whenever it was listed?"""
    return any(not why_not(feed, judged) for feed in room.feeds.values())


def passing(room: Room, judged: Sequence[Judged], since: Mapping[str, datetime]) -> list[Judged]:
    """The failures that at least one of the room's feeds wants and that were first listed after it was loaded."""
    return [
        one
        for one in judged
        if any(not why_not(feed, one) and one.failure.first_seen >= since[name] for name, feed in room.feeds.items())
    ]


def decide(
    unit: Unit, room: Room, since: Mapping[str, datetime], rows: Sequence[Delivery], now: datetime, waits: Waits
) -> Decision:
    """What is to be done for one unit in one room; `rows`: its deliveries there, by revision."""
    there = passing(room, unit.judged, since)
    next_revision = rows[-1].revision + 1 if rows else 0
    rows = [row for row in rows if not (row.stage is Stage.EXPIRED and row.reason == NOTHING_LEFT)]
    if not rows:
        return _first(unit, there, next_revision, waits, now)
    last = rows[-1]
    if last.stage is Stage.SENDING or last.doubt:
        return Decision(Action.NOTHING, "it is being said")
    if last.stage is Stage.FAILED:
        return Decision(Action.NOTHING, f"it failed before: {last.reason}")
    if last.stage is not Stage.QUEUED:
        return _correction(unit, there, room, rows, next_revision, now)
    if not there:
        return Decision(Action.END, NOTHING_LEFT, revision=last.revision)
    if last.revision > 0:
        return Decision(Action.NOTHING, "its correction waits for its turn")
    return Decision(Action.MOVE, "it waits for its turn", _due(unit, waits, now))


def _first(unit: Unit, there: Sequence[Judged], revision: int, waits: Waits, now: datetime) -> Decision:
    if not there:
        return Decision(Action.NOTHING, "no feed of the room wants it")
    if unit.old:
        return Decision(Action.CATCH_UP, "old news")
    due = _due(unit, waits, now)
    if due is None:
        return Decision(Action.NOTHING, "its other failures are not yet known or settled")
    newest = max(one.failure.newest for one in there)
    if newest < now - waits.say_within:  # it has become old news while it waited: so it is folded at once
        return Decision(Action.QUEUE, "a change failed long ago", newest, revision)
    return Decision(Action.QUEUE, "a change failed", due, revision)


def _due(unit: Unit, waits: Waits, now: datetime) -> datetime | None:
    """When its hold is over, if each failure seen is known or settled; else at most hold_at_most after the first.

    None: not yet. A function of what was seen, not of now, so that a queued row keeps its turn.
    """
    seen = min(one.failure.waits_from for one in unit.judged)
    if any(one.state is State.PENDING for one in unit.judged):
        latest = seen + waits.hold_at_most
        return latest if latest <= now else None
    held = [one.failure.first_seen for one in unit.judged if not one.long_over]
    return min(held) + waits.hold if held else seen


def _correction(
    unit: Unit, there: Sequence[Judged], room: Room, rows: Sequence[Delivery], revision: int, now: datetime
) -> Decision:
    last = rows[-1]
    further, explained = unsaid(rows, there)
    queue = Decision(Action.QUEUE, "what was said is corrected", now, revision)
    if last.stage is not Stage.SAID:
        known = [one for one in explained if one.state is State.KNOWN and not one.quiet]
        return queue if known else Decision(Action.NOTHING, f"it is {last.stage.value}: {last.reason}")
    if room.edits:
        if not there or not _differs(last, unit, there):
            return Decision(Action.NOTHING, "it was said")
        return queue if last.ended is None else replace(queue, due=max(now, last.ended + EDITS_APART))
    if not further and all(one.quiet for one in explained):
        return Decision(Action.NOTHING, "it was said")
    if sum(row.stage is Stage.SAID for row in rows) >= LINES_PER_CHANGE:
        return Decision(Action.NOTHING, f"{LINES_PER_CHANGE} lines were said of it")
    return queue


def _differs(last: Delivery, unit: Unit, there: Sequence[Judged]) -> bool:
    """Is other than the last message said now? What it said of a build that has opened again stands meanwhile."""
    before = {one.build: one for one in last.spoke}
    now = {one.build: one for one in spoken(there)}
    again = {one.build.uuid for one in unit.judged if one.state in OPEN_AGAIN} & before.keys()
    return any(before.get(uuid) != now.get(uuid) for uuid in (before.keys() | now.keys()) - again)


def unsaid(rows: Sequence[Delivery], there: Sequence[Judged]) -> tuple[list[Judged], list[Judged]]:
    """What a unit's messages in a room did not say: further failures, and failures of which more is known now.

    More is known when logs that were not ready are, or an unknown failure is explained: more than any message said,
    since a build that opens again may come to what was said of it long ago. `rows`: by revision.
    """
    before: dict[str, set[State]] = {}
    for spoke in (spoke for row in rows for spoke in row.spoke):
        before.setdefault(spoke.build, set()).add(spoke.state)
    further = [one for one in there if one.build.uuid not in before]
    again = [one for one in there if one.build.uuid in before]
    explained = [one for one in again if all((state, one.state) in MORE_KNOWN for state in before[one.build.uuid])]
    return further, explained


def spoken(there: Sequence[Judged]) -> tuple[Spoke, ...]:
    """What a message about these failures says of each."""
    return tuple(_spoken(one) for one in there)


def _spoken(one: Judged) -> Spoke:
    return Spoke(one.build.uuid, one.state, tuple(sorted(one.causes)))
