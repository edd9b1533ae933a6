"""LIFE 1 by example: when a failed build is seen, settled, and opened again. Ticks are a minute apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot import poller
from bot.errors import TemporaryError
from bot.incidents import Waits
from bot.records import Failure, State
from bot.store import Tx
from tests.fakes import BANG, BOOM, DAY, HOUR, IRC, MINUTE, Gate, signature

Gates = Callable[..., Gate]
HEAD = "[nova] gate 900001,1 failed: "


async def failure(gate: Gate, uuid: str) -> Failure:
    (found,) = await gate.store.read(lambda tx: tx.failures([uuid]))
    return found


async def test_a_build_is_settled_by_the_same_count_at_polls_150_s_apart(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    await gate.tick(3)
    assert not (await failure(gate, "u1")).settled  # 120 s
    await gate.tick()
    assert (await failure(gate, "u1")).settled
    assert gate.irc.told == [HEAD + 'tempest: unknown "Error: odd"']


async def test_lines_that_come_start_the_wait_for_settling_anew(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    await gate.tick(2)
    gate.grows("u1", "more")
    await gate.tick(3)
    assert not (await failure(gate, "u1")).settled
    await gate.tick()
    assert (await failure(gate, "u1")).settled


async def test_a_build_that_was_long_over_is_settled_and_said_at_once(gate: Gate) -> None:
    gate.fails("u1", "Error: odd", ended=61 * MINUTE)
    gate.fails("u2", "Error: odd", ended=59 * MINUTE, change="900002")
    await gate.tick()
    assert gate.irc.told == gate.matrix.told == [HEAD + 'tempest: unknown "Error: odd"']


async def test_nothing_settles_on_a_listing_that_is_not_whole(gate: Gate) -> None:
    gate.index.partly = "1 of 5 shards failed"
    gate.fails("u1", "Error: odd", ended=2 * HOUR)
    gate.fails("u2", "Error: odd", change="900002")
    await gate.tick(30)
    assert gate.irc.told == []
    gate.index.partly = ""
    await gate.tick()
    assert sorted(gate.irc.told) == [
        HEAD + 'tempest: unknown "Error: odd"',
        HEAD.replace("900001", "900002") + 'tempest: unknown "Error: odd"',
    ]


async def test_a_listing_that_is_not_whole_still_gives_its_known_failures(gate: Gate) -> None:
    gate.index.partly = "1 of 5 shards failed"
    gate.fails("u1", "boom")
    await gate.tick(3)
    assert gate.irc.told == [HEAD + "tempest: #1001 It booms (x1/24h, recheck ok)"]
    assert gate.ticks[-1].trouble == "1 of 5 shards failed"


async def test_fewer_documents_do_not_open_a_build_again(gate: Gate) -> None:
    gate.fails("u1", "one", "two", ended=2 * HOUR)
    await gate.tick()
    gate.index.lines_there["u1"].pop()
    await gate.tick()
    assert (await failure(gate, "u1")).settled


async def test_an_unknown_build_that_opens_again_and_turns_out_known_is_corrected_once(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    await gate.tick(4)
    gate.grows("u1", "boom")
    await gate.tick(5)
    first, known = HEAD + 'tempest: unknown "Error: odd"', HEAD + "tempest: #1001 It booms (x1/24h, recheck ok)"
    assert gate.irc.told == [first, "now: " + known]
    assert gate.matrix.told == [first, "edit of $1: " + known]


async def test_an_unknown_build_that_opens_again_and_stays_unknown_says_nothing_more(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    await gate.tick(30)
    gate.grows("u1", "more")
    await gate.tick(10)
    assert gate.irc.told == gate.matrix.told == [HEAD + 'tempest: unknown "Error: odd"']


async def test_a_build_that_opens_again_while_another_is_explained_is_not_told_again(gate: Gate) -> None:
    gate.fails("u1", "Error: odd", job="docs")
    gate.fails("u2", "Error: odder", job="unit")
    await gate.tick(30)
    gate.grows("u1", "more")
    gate.grows("u2", "boom")
    await gate.tick(10)
    explained = "unit: #1001 It booms (x1/24h, recheck ok)"
    assert gate.irc.told == [
        HEAD + 'docs: unknown "Error: odd"; unit: unknown "Error: odder"',
        "now: " + HEAD + explained,
    ]
    assert gate.matrix.told[-1] == "edit of $1: " + HEAD + explained + '; docs: unknown "Error: odd"'


async def test_lines_that_come_late_are_looked_through_for_a_more_telling_one(gate: Gate) -> None:
    gate.fails("u1", "nothing of note")
    await gate.tick(4)
    gate.grows("u1", "Error: odd")
    await gate.tick(4)
    reason = (await failure(gate, "u1")).reason
    assert reason is not None and reason.message == "Error: odd"


async def test_a_build_that_opens_again_before_its_message_is_out_is_still_said(gate: Gate) -> None:
    gate.irc.ready = False
    gate.fails("u1", "Error: odd")
    await gate.tick(4)
    gate.grows("u1", "more")
    await gate.tick(2)
    gate.irc.ready = True
    await gate.tick(3)
    assert gate.irc.told == [HEAD + 'tempest: unknown "Error: odd"']


async def test_logs_not_ready_is_said_once_after_the_wait_and_corrected_when_they_settle(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    for _ in range(20):
        await gate.tick()
        gate.grows("u1", "more")
    assert gate.irc.told == []
    for _ in range(5):
        await gate.tick()
        gate.grows("u1", "more")
    not_ready = HEAD + "tempest: logs not ready"
    assert gate.irc.told == gate.matrix.told == [not_ready]
    await gate.tick(4)
    unknown = HEAD + 'tempest: unknown "Error: odd"'
    assert gate.irc.told == [not_ready, "now: " + unknown]
    assert gate.matrix.told == [not_ready, "edit of $1: " + unknown]


async def test_logs_that_were_not_ready_may_turn_out_known(gate: Gate) -> None:
    gate.fails("u1")
    for _ in range(22):
        await gate.tick()
        gate.grows("u1", "more")
    gate.grows("u1", "bang")
    await gate.tick()
    not_ready, known = HEAD + "tempest: logs not ready", HEAD + "tempest: #1002 It bangs (x1/24h)"
    assert gate.irc.told == [not_ready, "now: " + known]
    assert gate.matrix.told == [not_ready, "edit of $1: " + known]


async def test_a_non_voting_failure_is_stored_and_never_said(gate: Gate) -> None:
    gate.fails("u1", "boom", voting=False)
    gate.fails("u2", "Error: odd", job="other", voting=False)
    gate.fails("u3", "boom", change="900002")
    await gate.tick(30)
    assert (await failure(gate, "u1")).state is (await failure(gate, "u2")).state is State.NONVOTING
    assert gate.irc.told == [HEAD.replace("900001", "900002") + "tempest: #1001 It booms (x1/24h, recheck ok)"]


async def test_a_signature_may_explain_non_voting_builds_too(gates: Gates) -> None:
    gate = gates(signatures=[signature("1003", 'message:"boom"', nonvoting=True), BANG])
    gate.fails("u1", "boom", voting=False)
    gate.fails("u2", "bang", voting=False, job="other")
    await gate.tick(3)
    assert gate.irc.told == [HEAD + "tempest: #1003 (x1/24h)"]


async def test_builds_of_other_pipelines_and_those_that_passed_are_not_looked_at(gate: Gate) -> None:
    gate.fails("u1", "boom", pipeline="check")
    gate.fails("u2", "boom", result="SUCCESS")
    await gate.tick(3)
    assert gate.irc.told == []
    assert gate.ticks[0].listed == 0


async def test_a_quiet_tick_asks_for_the_listing_and_for_nothing_else(gate: Gate) -> None:
    gate.fails("u1", "boom")
    gate.fails("u2", "Error: odd", job="other")
    await gate.tick(6)
    gate.index.calls.clear()
    await gate.tick(3)
    assert gate.index.calls == ["builds"] * 3


async def test_metadata_is_asked_of_new_builds_only(gate: Gate) -> None:
    gate.fails("u1")
    await gate.tick(5)
    assert gate.index.calls.count("described") == 1


async def test_a_build_whose_metadata_comes_a_tick_later_is_new_then(gate: Gate) -> None:
    gate.index.undescribed = "timed out"
    gate.fails("u1", "boom")
    await gate.tick()
    assert await gate.store.read(lambda tx: tx.failures(["u1"])) == []
    assert gate.ticks[0].trouble == "timed out"
    gate.index.undescribed = ""
    await gate.tick(3)
    assert (await failure(gate, "u1")).asked == 1
    assert gate.irc.told == [HEAD + "tempest: #1001 It booms (x1/24h, recheck ok)"]


async def test_a_tick_takes_500_builds_a_transaction_and_goes_on_until_all_are_done(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert poller.BATCH == 500
    monkeypatch.setattr(poller, "BATCH", 5)
    for number in range(11):
        gate.fails(f"u{number}", "boom", change=str(number))
    await gate.look()
    assert gate.ticks[0].new == 11
    assert gate.index.calls.count("described") == 3
    assert len(await gate.rows()) == 11


async def test_a_crash_between_two_batches_keeps_what_was_done(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "BATCH", 5)
    for number in range(6):
        gate.fails(f"u{number}", "boom", ended=timedelta(seconds=60 - number), change=str(number))
    with monkeypatch.context() as patch:
        write = gate.store.write

        async def full(work: Callable[[Tx], object]) -> object:
            if len(await gate.store.read(lambda tx: tx.failures_since(gate.now - HOUR))) == 5:
                raise TemporaryError("disk full")
            return await write(work)

        patch.setattr(gate.store, "write", full)
        with pytest.raises(TemporaryError):
            await gate.look()
    assert len(await gate.rows()) == 5
    gate.start()
    await gate.look()
    assert gate.ticks[-1].new == 1
    assert len(await gate.rows()) == 6


async def test_a_build_that_leaves_the_look_back_is_closed_as_it_stands(gates: Gates) -> None:
    gate = gates(look_back=2 * HOUR, waits=Waits(say_within=DAY))
    gate.index.silent = {BOOM.id}
    gate.fails("u1", "Error: odd", ended=timedelta(minutes=110))
    await gate.tick(9)
    gate.now += HOUR
    await gate.tick(30)
    assert (await failure(gate, "u1")).state is State.PENDING
    assert gate.irc.told == []


async def test_hits_are_searched_from_a_day_before_the_look_back_so_that_counts_do_not_shrink(gate: Gate) -> None:
    build = gate.fails("u1", "boom", ended=30 * HOUR)
    gate.index.add(build, "the end", at=gate.now - 61 * MINUTE)
    await gate.tick()
    assert gate.irc.told == [HEAD + "tempest: #1001 It booms (x1/24h, recheck ok)"]
    assert [row.room for row in await gate.rows()] == [IRC]


async def test_what_had_been_said_of_a_change_that_left_the_look_back_stands(gate: Gate) -> None:
    gate.fails("u1", "boom")
    gate.fails("u2", "Error: odd", job="unit")
    for _ in range(6):
        await gate.tick()
        gate.grows("u2", "more")
    first = HEAD + "tempest: #1001 It booms (x1/24h, recheck ok) +1 other job"
    assert gate.irc.told == gate.matrix.told == [first]
    gate.now += 3 * DAY
    gate.start()
    await gate.tick(25)
    assert (await failure(gate, "u2")).state is State.PENDING
    for told in (gate.irc.told, gate.matrix.told):
        assert len(told) == 2
        assert "nothing was seen" in told[1]
