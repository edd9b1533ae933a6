"""The pure rules of who hears what, when, and why not. Whole stories are in test_life_*.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.config import Feed
from bot.incidents import Judged, Waits
from bot.model import Build, Hit
from bot.patterns import Pattern
from bot.records import Delivery, Failure, Found, Kind, Spoke, Stage, State
from bot.routing import (
    NOTHING_LEFT,
    Action,
    Decision,
    Room,
    Unit,
    decide,
    passing,
    rooms_of,
    spoken,
    unsaid,
    wants,
    why_not,
)
from tests.fakes import HOUR, IRC, MATRIX, MINUTE, START

BUILD = Build("u1", "unit", "FAILURE", "openstack/nova", "gate", "stable/2026.1", change="900001", buildset="set")
EVERYTHING = Feed(rooms=(IRC,))
SINCE = {"feed": START}


def judged(state: State = State.KNOWN, uuid: str = "u1", quiet: bool = False, **of_failure: Any) -> Judged:
    causes = ("1001",) if state is State.KNOWN else ()
    found = tuple(Found(Hit(id, uuid, 1, START, START), START, quiet) for id in causes)
    failure = Failure(replace(BUILD, uuid=uuid, job=f"job-{uuid}"), "set", START, START, START, 1, START, found=found)
    return Judged(replace(failure, **of_failure), state, causes)


def row(stage: Stage, *spoke: Spoke, revision: int = 0, **other: Any) -> Delivery:
    return Delivery(1, Kind.CHANGE, "set", IRC, revision, START, START, stage, spoke=spoke, **other)


def decided(
    failures: Sequence[Judged], *rows: Delivery, edits: bool = False, minutes: float = 10, since: Any = SINCE
) -> Decision:
    room = Room(IRC, {"feed": EVERYTHING}, edits)
    return decide(Unit("set", tuple(failures)), room, since, rows, START + minutes * MINUTE, Waits())


def said(one: Judged) -> Spoke:
    return spoken([one])[0]


def feed(**filters: Any) -> Feed:
    return Feed(rooms=(IRC,), **{name: tuple(map(Pattern, values)) for name, values in filters.items()})


@pytest.mark.parametrize(
    ("one", "state", "reason"),
    [
        (EVERYTHING, State.KNOWN, ""),
        (EVERYTHING, State.NOT_READY, ""),
        (EVERYTHING, State.PENDING, "the build is pending"),
        (EVERYTHING, State.NONVOTING, "the build is non-voting"),
        (EVERYTHING, State.EXPLAINED, "the build is explained"),
        (feed(pipelines=["check"]), State.KNOWN, "its pipelines do not have gate"),
        (feed(projects=["openstack/no"]), State.KNOWN, "its projects do not have openstack/nova"),
        (feed(projects=["^openstack/no"]), State.KNOWN, ""),
        (feed(branches=["master", "^stable/"]), State.KNOWN, ""),
        (feed(branches=["master"]), State.KNOWN, "its branches do not have stable/2026.1"),
        (feed(jobs=["^job-u$"]), State.KNOWN, "its jobs do not have job-u1"),
        (feed(signatures=["^10"]), State.KNOWN, ""),
        (feed(signatures=["9999"]), State.KNOWN, "its signatures do not have 1001"),
        (feed(signatures=["9999"]), State.UNKNOWN, "its signatures do not have an unknown cause"),
        (Feed(rooms=(IRC,), events=("unknown",)), State.KNOWN, "its events do not have known"),
        (Feed(rooms=(IRC,), events=("known",)), State.NOT_READY, "its events do not have unknown"),
    ],
)
def test_each_no_has_its_reason(one: Feed, state: State, reason: str) -> None:
    assert why_not(one, judged(state)) == reason


def test_an_empty_value_is_named_so() -> None:
    one = judged()
    nowhere = replace(one, failure=replace(one.failure, build=replace(one.build, branch="")))
    assert why_not(feed(branches=["master"]), nowhere) == "its branches do not have an empty one"


def test_rooms_have_all_feeds_that_name_them() -> None:
    feeds = {"a": Feed(rooms=(IRC, MATRIX)), "b": Feed(rooms=(IRC,))}
    rooms = rooms_of(feeds, {"oftc": False, "opendev": True})
    assert [(room.name, list(room.feeds), room.edits) for room in rooms] == [
        (IRC, ["a", "b"], False),
        (MATRIX, ["a"], True),
    ]


def test_one_feed_that_wants_it_is_enough_and_only_since_it_was_loaded() -> None:
    feeds: Mapping[str, Feed] = {"jobs": feed(jobs=["job-u2"]), "known": Feed(rooms=(IRC,), events=("known",))}
    room = Room(IRC, feeds, False)
    one, two = judged(State.KNOWN), judged(State.UNKNOWN, "u2")
    since = {"jobs": START, "known": START}
    assert passing(room, [one, two], since) == [one, two]
    assert passing(room, [one, two], since | {"known": START + MINUTE}) == [two]
    assert wants(room, one) and wants(room, two)
    assert not wants(room, judged(State.UNKNOWN))


def test_a_unit_that_nobody_wants_is_let_be() -> None:
    assert decided([judged(State.PENDING)]) == Decision(Action.NOTHING, "no feed of the room wants it")
    assert decided([judged()], since={"feed": START + HOUR}).action is Action.NOTHING


def test_when_a_unit_is_due() -> None:
    known, pending = judged(), judged(State.PENDING, "u2")
    assert decided([known], minutes=0) == Decision(Action.QUEUE, "a change failed", START + 1.5 * MINUTE)
    assert decided([known, pending], minutes=4.9).action is Action.NOTHING
    assert decided([known, pending], minutes=5) == Decision(Action.QUEUE, "a change failed", START + 5 * MINUTE)
    later = judged(State.UNKNOWN, "u2", first_seen=START + MINUTE, waits_from=START + MINUTE)
    assert decided([known, later]).due == START + 1.5 * MINUTE  # from the first
    over = judged(newest=START - 2 * HOUR)
    assert decided([over], minutes=0).due == START
    forgiven = judged(State.PENDING, "u2", waits_from=START + HOUR)
    assert decided([judged(waits_from=START + HOUR), forgiven], minutes=30).action is Action.NOTHING


def test_old_news_is_for_the_catch_up_and_one_new_failure_makes_it_news() -> None:
    old = judged(old=True, newest=START - 4 * HOUR)
    assert decided([old]).action is Action.CATCH_UP
    assert decided([old, judged(uuid="u2")]).action is Action.QUEUE


def test_a_queued_row_moves_waits_or_ends() -> None:
    queued = row(Stage.QUEUED)
    assert decided([judged()], queued) == Decision(Action.MOVE, "it waits for its turn", START + 1.5 * MINUTE)
    assert decided([judged(), judged(State.PENDING, "u2")], queued, minutes=3).due is None
    assert decided([judged(State.EXPLAINED)], queued) == Decision(Action.END, NOTHING_LEFT)
    correction = row(Stage.QUEUED, revision=2)
    assert decided([judged()], correction).action is Action.NOTHING
    assert decided([judged(State.EXPLAINED)], correction) == Decision(Action.END, NOTHING_LEFT, revision=2)


def test_edits_keep_apart_and_lines_do_not() -> None:
    now = START + 10 * MINUTE
    for ended, due in ((now - MINUTE / 3, now + MINUTE / 6), (now - MINUTE, now)):
        last = replace(row(Stage.SAID, said(judged(State.UNKNOWN))), ended=ended)
        assert decided([judged()], last, edits=True) == Decision(Action.QUEUE, "what was said is corrected", due, 1)
        assert decided([judged()], last, edits=False).due == now


@pytest.mark.parametrize(
    "last", [row(Stage.SENDING), row(Stage.QUEUED, doubt=True), row(Stage.FAILED, reason="banned")]
)
def test_what_is_being_said_or_has_failed_is_let_be(last: Delivery) -> None:
    for edits in (False, True):
        assert decided([judged()], last, edits=edits).action is Action.NOTHING


def test_what_ended_with_nothing_left_to_say_is_said_when_there_is_something_again() -> None:
    ended = row(Stage.EXPIRED, reason=NOTHING_LEFT)
    assert decided([judged()], ended) == Decision(Action.QUEUE, "a change failed", START + 1.5 * MINUTE, 1)
    old = judged(old=True, newest=START - 4 * HOUR)
    assert decided([old], ended).action is Action.CATCH_UP
    before = judged(State.UNKNOWN)
    rows = (row(Stage.SAID, said(before)), row(Stage.EXPIRED, revision=1, reason=NOTHING_LEFT))
    for edits in (False, True):
        assert decided([before], *rows, edits=edits).action is Action.NOTHING
        assert decided([judged()], *rows, edits=edits) == Decision(
            Action.QUEUE, "what was said is corrected", START + 10 * MINUTE, 2
        )


BEFORE_AND_NOW = [
    # before, now, on Matrix, on IRC
    (State.KNOWN, State.KNOWN, False, False),
    (State.UNKNOWN, State.KNOWN, True, True),
    (State.NOT_READY, State.KNOWN, True, True),
    (State.NOT_READY, State.UNKNOWN, True, True),
    (State.UNKNOWN, State.NOT_READY, False, False),
    (State.UNKNOWN, State.PENDING, False, False),
    (State.KNOWN, State.PENDING, False, False),
    (State.KNOWN, State.UNKNOWN, True, False),
    (State.UNKNOWN, State.EXPLAINED, False, False),
]


@pytest.mark.parametrize(("before", "now", "matrix", "irc"), BEFORE_AND_NOW)
def test_a_correction_is_due_when_what_is_known_differs(before: State, now: State, matrix: bool, irc: bool) -> None:
    last = row(Stage.SAID, said(judged(before)))
    for edits, due in ((True, matrix), (False, irc)):
        assert (decided([judged(now)], last, edits=edits).action is Action.QUEUE) is due


def test_what_a_newer_signature_explains_is_an_edit_and_no_line() -> None:
    last = row(Stage.SAID, said(judged(State.UNKNOWN)))
    assert decided([judged(quiet=True)], last, edits=True).action is Action.QUEUE
    assert decided([judged(quiet=True)], last, edits=False).action is Action.NOTHING


def test_three_lines_of_a_change_and_no_more_where_it_cannot_be_edited() -> None:
    rows = [row(Stage.SAID, said(judged(uuid=f"u{n}")), revision=n) for n in range(3)]
    failures = [judged(uuid=f"u{n}") for n in range(4)]
    assert decided(failures, *rows[:2]).action is Action.QUEUE
    assert decided(failures, *rows) == Decision(Action.NOTHING, "3 lines were said of it")
    assert decided(failures, *rows, edits=True).action is Action.QUEUE


@pytest.mark.parametrize("stage", [Stage.FOLDED, Stage.EXPIRED])
@pytest.mark.parametrize("edits", [False, True])
def test_after_a_folded_or_expired_one_only_what_is_explained_now_speaks(stage: Stage, edits: bool) -> None:
    last = row(stage, said(judged(State.UNKNOWN)), reason="one of 12 in a digest")
    explained = decided([judged()], last, edits=edits)
    assert (explained.action, explained.revision) == (Action.QUEUE, 1)
    for failures in ([judged(State.UNKNOWN), judged(uuid="u2")], [judged(quiet=True)], [judged(State.UNKNOWN)]):
        assert decided(failures, last, edits=edits).action is Action.NOTHING
    untold = row(stage, reason="old news")
    assert decided([judged()], untold, edits=edits) == Decision(Action.NOTHING, f"it is {stage.value}: old news")


def test_what_is_unsaid_is_held_against_all_that_was_said() -> None:
    first = row(Stage.SAID, said(judged(State.UNKNOWN)), said(judged(State.UNKNOWN, "u2")))
    second = row(Stage.SAID, said(judged(State.UNKNOWN, "u2")), said(judged(uuid="u3")), revision=1)
    now = [judged(), judged(State.UNKNOWN, "u2"), judged(uuid="u3"), judged(uuid="u4")]
    further, explained = unsaid([first, second], now)
    assert [one.build.uuid for one in further] == ["u4"]
    assert [one.build.uuid for one in explained] == ["u1"]
