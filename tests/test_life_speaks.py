"""LIFE 3 by example: when a change speaks, and what rooms are told afterwards. Ticks are a minute apart.

The channel is on a network that cannot edit, the room on one that can.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.config import Announce, Feed, Loud
from bot.model import Build
from bot.patterns import Pattern
from bot.records import Stage
from bot.sections import Mentions, RoomManner
from bot.talk import Said
from tests.fakes import BANG, BOOM, HOUR, IRC, MATRIX, MINUTE, START, Gate, signature

Gates = Callable[..., Gate]
HEAD = "[nova] gate 900001,1 failed: "
BOOMS, BANGS = "#1001 It booms (x1/24h, recheck ok)", "#1002 It bangs (x1/24h)"
ODD = 'unknown "Error: odd"'


async def test_a_change_speaks_when_its_hold_of_90_s_is_over(gate: Gate) -> None:
    gate.fails("u1", "boom")
    await gate.tick(2)
    assert gate.irc.told == []
    assert [row.due for row in await gate.rows()] == [START + 1.5 * MINUTE]
    await gate.tick()
    assert gate.irc.told == gate.matrix.told == [HEAD + "tempest: " + BOOMS]


async def test_the_jobs_of_one_buildset_are_one_message(gate: Gate) -> None:
    gate.fails("u1", "boom")
    await gate.tick()
    gate.fails("u2", "boom", job="unit")
    gate.fails("u3", "bang", job="docs")
    gate.fails("u4", "boom", change="900002")
    await gate.tick(4)
    booms = "#1001 It booms (x3/24h, recheck ok)"
    assert gate.irc.told == [
        HEAD + f"docs: {BANGS}; tempest, unit: {booms}",
        HEAD.replace("900001", "900002") + "tempest: " + booms,
    ]


async def test_it_waits_until_each_failure_seen_is_known_or_settled(gate: Gate) -> None:
    gate.fails("u1", "boom")
    gate.fails("u2", "Error: odd", job="unit")
    await gate.tick(3)
    assert gate.irc.told == []
    await gate.tick()
    assert gate.irc.told == [HEAD + f"tempest: {BOOMS}; unit: {ODD}"]


async def test_it_waits_5_minutes_at_most_and_tells_the_rest_in_one_further_line(gate: Gate) -> None:
    gate.fails("u1", "boom")
    gate.fails("u2", "Error: odd", job="unit")
    for _ in range(5):
        await gate.tick()
        gate.grows("u2", "more")
    assert gate.irc.told == []
    await gate.tick()
    first = HEAD + f"tempest: {BOOMS}"
    assert gate.irc.told == [first + " +1 other job"]
    await gate.tick(5)
    assert gate.irc.told == [first + " +1 other job", "also: " + HEAD + f"unit: {ODD}"]
    assert gate.matrix.told == [first + " +1 other job", "edit of $1: " + first + f"; unit: {ODD}"]


async def test_a_further_job_is_an_edit_or_one_also_line(gate: Gate) -> None:
    gate.fails("u1", "boom")
    await gate.tick(4)
    gate.fails("u2", "bang", job="unit")
    await gate.tick(4)
    first = HEAD + f"tempest: {BOOMS}"
    assert gate.irc.told == [first, "also: " + HEAD + f"unit: {BANGS}"]
    assert gate.matrix.told == [first, "edit of $1: " + first + f"; unit: {BANGS}"]


async def test_a_further_signature_of_an_explained_build_is_an_edit_and_silent_on_irc(gate: Gate) -> None:
    gate.fails("u1", "boom")
    await gate.tick(4)
    gate.grows("u1", "bang")
    await gate.tick(4)
    first = HEAD + f"tempest: {BOOMS}"
    assert gate.irc.told == [first]
    assert gate.matrix.told == [first, "edit of $1: " + HEAD + f"tempest: {BOOMS} {BANGS}"]


async def test_a_further_job_and_an_explained_one_are_told_in_one_line(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    await gate.tick(4)
    gate.irc.ready = False
    gate.grows("u1", "boom")
    gate.fails("u2", "bang", job="unit")
    await gate.tick(2)
    gate.irc.ready = True
    await gate.tick(3)
    assert gate.irc.told == [HEAD + f"tempest: {ODD}", "also: " + HEAD + f"tempest: {BOOMS}; unit: {BANGS}"]


async def test_irc_hears_at_most_three_lines_of_a_change_and_matrix_every_edit(gate: Gate) -> None:
    for number in range(1, 6):
        gate.fails(f"u{number}", "boom", job=f"job{number}")
        await gate.tick(4)
    assert [line.partition("failed: ")[2].partition(":")[0] for line in gate.irc.told] == ["job1", "job2", "job3"]
    assert len(gate.matrix.told) == 5
    assert gate.matrix.told[-1].startswith("edit of $1: " + HEAD + "job1, job2, job3, job4, job5: ")


async def test_a_job_that_opens_again_is_not_told_twice(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    await gate.tick(4)
    gate.grows("u1", "more")
    gate.fails("u2", "boom", job="unit")
    await gate.tick(8)
    assert gate.irc.told == [HEAD + f"tempest: {ODD}", "also: " + HEAD + f"unit: {BOOMS}"]
    assert gate.matrix.told[-1] == "edit of $1: " + HEAD + f"unit: {BOOMS}; tempest: {ODD}"


async def test_what_is_corrected_before_it_was_said_is_said_once(gate: Gate) -> None:
    gate.irc.ready = gate.matrix.ready = False
    gate.fails("u1", "Error: odd")
    await gate.tick(5)
    gate.grows("u1", "boom")
    await gate.tick(2)
    gate.irc.ready = gate.matrix.ready = True
    await gate.tick(3)
    assert gate.irc.told == gate.matrix.told == [HEAD + f"tempest: {BOOMS}"]
    assert await gate.stages() == [(0, Stage.SAID, "said")]


async def test_what_comes_while_a_message_is_being_said_corrects_it_afterwards(gate: Gate) -> None:
    gate.fails("u1", "boom")
    await gate.tick(2)
    gate.now += MINUTE
    claimed = await gate.store.write(lambda tx: tx.claim("oftc", gate.now, gate.render, lambda _: 0))
    assert claimed is not None
    gate.fails("u2", "bang", job="unit")
    await gate.look()
    assert await gate.stages() == [(0, Stage.SENDING, "")]
    await gate.tick(3)
    assert gate.irc.told == [HEAD + f"tempest: {BOOMS}", "also: " + HEAD + f"unit: {BANGS}"]


async def test_without_a_buildset_a_patchset_in_a_pipeline_is_the_unit(gate: Gate) -> None:
    gate.fails("u1", "boom", buildset="")
    gate.fails("u2", "boom", buildset="", job="unit")
    gate.fails("u3", "boom", buildset="", patchset="2")
    await gate.tick(4)
    assert [line.partition(" (")[0] for line in gate.irc.told] == [
        HEAD + "tempest, unit: #1001 It booms",
        "[nova] gate 900001,2 failed: tempest: #1001 It booms",
    ]


async def test_without_a_buildset_a_job_that_comes_a_second_time_is_a_recheck(gate: Gate) -> None:
    gate.fails("u1", "boom", buildset="")
    await gate.tick(4)
    gate.fails("u2", "bang", buildset="")
    gate.fails("u3", "bang", buildset="", job="unit")
    await gate.tick(4)
    assert gate.irc.told == [HEAD + f"tempest: {BOOMS}", HEAD + "tempest, unit: #1002 It bangs (x2/24h)"]


# -- who hears it ---------------------------------------------------------------------------------------------


def feed(*rooms: str, **filters: str) -> Feed:
    return Feed(rooms=rooms, **{name: (Pattern(value),) for name, value in filters.items()})


@pytest.mark.parametrize(
    ("name", "wanted", "other"),
    [
        ("pipelines", "gate", {"pipeline": "check"}),
        ("projects", "openstack/nova", {"project": "openstack/nova-specs"}),
        ("branches", "^stable/", {"branch": "master"}),
        ("jobs", "^tempest-full$", {"job": "tempest-full-py3"}),
    ],
)
async def test_a_feed_hears_what_its_filter_lets_through(
    gates: Gates, name: str, wanted: str, other: dict[str, str]
) -> None:
    gate = gates(feeds={"one": feed(IRC, **{name: wanted})})
    gate.fails("u1", "boom", branch="stable/2026.1", job="tempest-full")
    gate.fails("u2", "boom", change="900002", **({"branch": "stable/2026.1", "job": "tempest-full"} | other))
    await gate.tick(4)
    assert len(gate.irc.told) == 1
    assert " 900001,1 " in gate.irc.told[0]


async def test_a_feed_hears_only_of_its_signatures_and_events(gates: Gates) -> None:
    gate = gates(
        feeds={"one": feed(IRC, signatures="1001"), "two": Feed(rooms=(MATRIX,), events=("unknown",))},
    )
    gate.fails("u1", "boom")
    gate.fails("u2", "bang", change="900002")
    gate.fails("u3", "Error: odd", change="900003")
    await gate.tick(5)
    assert gate.irc.told == [HEAD + f"tempest: {BOOMS}"]
    assert gate.matrix.told == [HEAD.replace("900001", "900003") + f"tempest: {ODD}"]


async def test_feeds_that_name_one_room_are_joined_by_or_and_the_others_are_counted(gates: Gates) -> None:
    gate = gates(feeds={"a": feed(IRC, jobs="unit"), "b": feed(IRC, jobs="docs")})
    for number, job in enumerate(("unit", "docs", "tempest", "lint")):
        gate.fails(f"u{number}", "boom", job=job)
    gate.fails("u9", "boom", job="voteless", voting=False)
    await gate.tick(4)
    booms = "#1001 It booms (x2/24h [4], recheck ok)"
    assert gate.irc.told == [HEAD + f"docs, unit: {booms} +2 other jobs"]


async def test_a_feed_that_is_added_stays_silent_for_what_was_listed_before(gates: Gates) -> None:
    gate = gates(feeds={"irc": feed(IRC)})
    gate.fails("u1", "boom")
    gate.fails("u2", "Error: odd", change="900002")
    await gate.tick(2)
    gate.start(feeds={"irc": feed(IRC), "late": feed(MATRIX)})
    gate.fails("u3", "bang", change="900003")
    await gate.tick(6)
    assert len(gate.irc.told) == 3
    assert gate.matrix.told == [HEAD.replace("900001", "900003") + f"tempest: {BANGS}"]


async def test_a_room_that_is_added_to_a_feed_costs_the_others_nothing_that_waits(gates: Gates) -> None:
    gate = gates(feeds={"one": feed(IRC)})
    gate.fails("u1", "boom")
    await gate.tick()
    gate.start(feeds={"one": feed(IRC, MATRIX)})
    await gate.tick(4)
    assert len(gate.irc.told) == 1
    assert gate.matrix.told == []


async def test_a_feed_whose_filter_changes_stays_silent_for_what_was_listed_before(gates: Gates) -> None:
    gate = gates(feeds={"one": feed(IRC, jobs="unit")})
    gate.fails("u1", "boom")
    await gate.tick(2)
    gate.start(feeds={"one": feed(IRC)})
    await gate.tick(3)
    assert gate.irc.told == []


async def test_what_waits_for_a_room_that_no_feed_names_any_more_expires(gate: Gate) -> None:
    gate.irc.ready = False
    gate.fails("u1", "boom")
    await gate.tick(3)
    gate.start(feeds={"matrix": Feed(rooms=(MATRIX,))})
    await gate.tick()
    assert await gate.stages() == [(0, Stage.EXPIRED, "no feed")]
    assert len(gate.matrix.told) == 1


async def test_an_unknown_failure_is_loud_on_matrix_and_a_known_one_is_not(gate: Gate) -> None:
    gate.fails("u1", "boom")
    gate.fails("u2", "Error: odd", change="900002")
    await gate.tick(5)
    assert [post.loud for post in gate.matrix.posts] == [False, True]


async def test_a_room_mentions_whom_its_config_names_and_a_worse_correction_wakes_them(gates: Gates) -> None:
    people = Mentions(known=("@bob:x",), unknown=("@ada:x", "@bob:x"))
    manner = RoomManner(loud=Loud(known=True), mentions=people)
    gate = gates(announce=Announce(rooms={MATRIX: manner, IRC: RoomManner()}))
    gate.fails("u1", "boom")
    await gate.tick(3)
    gate.fails("u2", "Error: odd", job="grenade")
    await gate.tick(5)
    gate.grows("u2", "bang")
    await gate.tick(5)
    first, worse, explained = gate.matrix.posts
    assert (first.loud, first.mentions, first.wakes) == (True, ("@bob:x",), False)
    assert (worse.replaces, worse.mentions, worse.wakes) == (Said("$1"), ("@bob:x", "@ada:x"), True)
    assert (explained.replaces, explained.mentions, explained.wakes) == (Said("$1"), ("@bob:x",), False)
    assert {post.mentions for post in gate.irc.posts} == {()}


async def test_changes_within_half_a_minute_are_one_edit(gate: Gate) -> None:
    gate.fails("u1", "boom")
    await gate.tick(3)
    said = []
    for number in range(2, 14):
        gate.fails(f"u{number}", "boom", job=f"job-{number}")
        await gate.tick(every=MINUTE / 12)
        said.append(len(gate.matrix.told))
    assert said == [2] * 6 + [3] * 6
    jobs = ", ".join(f"job-{number}" for number in range(2, 9))
    assert gate.matrix.told[-1].startswith(f"edit of $1: {HEAD}{jobs}, tempest: ")


async def test_a_correction_whose_original_is_gone_is_what_later_ones_correct(gate: Gate) -> None:
    gate.fails("u1", "boom")
    await gate.tick(3)
    gate.matrix.gone.add("$1")
    gate.fails("u2", "bang", job="grenade")
    await gate.tick(3)
    gate.fails("u3", "bang", job="unit")
    await gate.tick(3)
    assert [post.replaces for post in gate.matrix.posts] == [None, Said("$1"), Said("$2")]


async def test_counts_are_of_24_hours(gates: Gates) -> None:
    gate = gates(look_back=48 * HOUR)
    gate.fails("u1", "boom", ended=25 * HOUR, change="900002")
    gate.fails("u2", "boom", ended=23 * HOUR, change="900003")
    gate.fails("u3", "boom")
    await gate.tick(4)
    assert gate.irc.told[-1] == HEAD + "tempest: #1001 It booms (x2/24h, recheck ok)"


async def test_a_failure_without_a_change_is_named_by_its_branch_or_ref(gate: Gate) -> None:
    gate.fails("u1", "boom", change="", patchset="", buildset="a")
    gate.index.add(
        Build("u2", "publish", "TIMED_OUT", "openstack/nova", "gate", ref="refs/tags/1.0"), "bang", at=gate.now
    )
    await gate.tick(4)
    assert sorted(gate.irc.told) == [
        f"[nova] gate master failed: tempest: {BOOMS}",
        f"[nova] gate refs/tags/1.0 failed: publish (TIMED_OUT): {BANGS}",
    ]


def test_the_signatures_of_these_tests_differ() -> None:
    assert len({BOOM.digest, BANG.digest, signature("1", "x").digest}) == 3
