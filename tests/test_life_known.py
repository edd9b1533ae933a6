"""LIFE 2 by example: known, unknown, not asked. Ticks are a minute apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.model import Field
from bot.records import ALL, Failure, State
from tests.fakes import BANG, BOOM, HOUR, MESSAGE, MINUTE, Gate, signature

Gates = Callable[..., Gate]
HEAD = "[nova] gate 900001,1 failed: "
UNKNOWN = HEAD + 'tempest: unknown "Error: odd"'


async def failure(gate: Gate, uuid: str = "u1") -> Failure:
    (found,) = await gate.store.read(lambda tx: tx.failures([uuid]))
    return found


async def test_a_hit_makes_a_build_known_while_its_logs_still_come(gate: Gate) -> None:
    gate.fails("u1", "boom")
    await gate.look()
    assert (await failure(gate)).state is State.KNOWN
    assert not (await failure(gate)).settled


async def test_nothing_is_known_or_unknown_before_the_fields_of_the_index_are(gate: Gate) -> None:
    gate.index.shapeless = "timed out"
    gate.fails("u1", "boom")
    await gate.tick(30)
    assert gate.index.asked == [] and gate.irc.told == []
    assert all(one.trouble == "the index's fields are not known yet: timed out" for one in gate.ticks[:2])
    gate.index.shapeless = ""
    await gate.tick(31)
    assert gate.irc.told == [HEAD + "tempest: #1001 It booms (x1/24h, recheck ok)"]


async def test_unknown_needs_every_signature_to_have_answered(gate: Gate) -> None:
    gate.index.silent = {BANG.id}
    gate.fails("u1", "Error: odd")
    await gate.tick(6)
    assert (await failure(gate)).settled
    assert gate.irc.told == []
    gate.index.silent = set()
    await gate.tick(2)
    assert gate.irc.told == [UNKNOWN]


async def test_a_partial_answer_keeps_its_hits(gate: Gate) -> None:
    gate.index.shaky = {BOOM.id}
    gate.fails("u1", "boom")
    await gate.tick(3)
    assert gate.irc.told == [HEAD + "tempest: #1001 It booms (x1/24h, recheck ok)"]


async def test_a_partial_answer_without_hits_never_says_unknown(gate: Gate) -> None:
    gate.index.shaky = {BOOM.id}
    gate.fails("u1", "Error: odd")
    await gate.tick(15)
    assert (await failure(gate)).state is State.PENDING
    assert gate.irc.told == []


async def test_after_the_wait_the_message_says_how_many_signatures_did_not_answer(gate: Gate) -> None:
    gate.index.silent = {BANG.id}
    gate.fails("u1", "Error: odd")
    await gate.tick(20)
    assert gate.irc.told == []
    await gate.tick(5)
    assert gate.irc.told == [UNKNOWN + " (1 of 2 signatures could not be asked)"]


async def test_what_answers_after_the_message_corrects_it(gate: Gate) -> None:
    gate.index.silent = {BANG.id}
    gate.fails("u1", "Error: odd", "bang")
    await gate.tick(25)
    gate.index.silent = set()
    await gate.tick(40)
    known = HEAD + "tempest: #1002 It bangs (x1/24h)"
    first = UNKNOWN + " (1 of 2 signatures could not be asked)"
    assert gate.irc.told == [first, "now: " + known]
    assert gate.matrix.told == [first, "edit of $1: " + known]


async def test_what_does_not_answer_is_asked_again_later_and_later(gate: Gate) -> None:
    gate.index.silent = {BANG.id}
    gate.fails("u1", "Error: odd")
    asked = []
    for minute in range(64):
        gate.index.asked.clear()
        await gate.look()
        gate.now += MINUTE
        asked += [minute] if gate.index.asked else []
        assert all(ids == {BANG.id} for ids in gate.index.asked[minute == 0 :])
    assert asked == [0, 1, 3, 7, 15, 31, 61]  # at last every 30 minutes


async def test_more_than_ten_signatures_that_do_not_answer_are_one_row(gates: Gates) -> None:
    many = [signature(str(number), f'message:"word{number}"') for number in range(12)]
    gate = gates(signatures=many)
    gate.index.silent = {str(number) for number in range(10)}
    gate.fails("u1", "Error: odd")
    await gate.tick()
    assert len((await failure(gate)).unsearched) == 10
    gate.index.silent |= {"10"}
    gate.fails("u2", "Error: odd", job="other")
    await gate.tick()
    (row,) = (await failure(gate, "u2")).unsearched
    assert (row.signature, row.count) == (ALL, 11)
    gate.index.silent = set()
    await gate.tick(4)
    assert (await failure(gate, "u2")).unsearched == ()


async def test_a_signature_that_is_gone_blocks_no_build(gate: Gate) -> None:
    gate.index.silent = {BANG.id}
    gate.fails("u1", "Error: odd")
    await gate.tick(4)
    gate.start(signatures=[BOOM])
    await gate.tick(5)
    assert gate.irc.told == [UNKNOWN]


async def test_a_refused_signature_is_switched_off_and_blocks_nothing(gate: Gate) -> None:
    gate.index.refused = {BANG.id: "its regular expression is too long"}
    gate.fails("u1", "Error: odd")
    await gate.tick(5)
    assert gate.irc.told == [UNKNOWN]
    assert gate.ticks[0].off == {BANG.id: "its regular expression is too long"}
    assert [one.off for one in gate.ticks[1:]] == [{}] * 4
    gate.index.asked.clear()
    gate.fails("u2", "bang", change="900002")
    await gate.tick()
    assert gate.index.asked == [{BOOM.id}]


async def test_a_refused_signature_stays_off_over_a_restart(gate: Gate) -> None:
    gate.index.refused = {BANG.id: "too long"}
    gate.fails("u1", "Error: odd")
    await gate.tick(5)
    gate.start()
    gate.fails("u2", "Error: odd", change="900002")
    gate.index.asked.clear()
    await gate.tick(2)
    assert gate.index.asked == [{BOOM.id}]
    assert gate.ticks[-2].off == {}


async def test_a_refused_signature_is_on_again_when_its_file_changes(gate: Gate) -> None:
    gate.index.refused = {BANG.id: "too long"}
    gate.fails("u1", "Error: odd")
    await gate.tick(5)
    gate.index.refused = {}
    gate.start(signatures=[BOOM, signature(BANG.id, 'message:"odd"')])
    await gate.tick(2)
    assert (await failure(gate)).state is State.KNOWN


async def test_a_refused_signature_is_on_again_when_the_fields_of_the_index_change(gate: Gate) -> None:
    gate.index.refused = {BANG.id: "no such field"}
    gate.fails("u1", "bang")
    await gate.tick(5)
    gate.index.refused = {}
    gate.index.shape = MESSAGE | {"severity": Field("severity", "keyword", "severity")}
    gate.fails("u2", "bang", change="900002")
    await gate.tick()
    gate.fails("u3", "bang", change="900003")
    await gate.tick()
    assert [(await failure(gate, uuid)).state for uuid in ("u1", "u2", "u3")] == [State.KNOWN] * 3


async def test_a_signature_that_still_is_refused_with_other_fields_is_off_again(gate: Gate) -> None:
    gate.index.refused = {BANG.id: "no such field"}
    gate.fails("u1", "bang")
    await gate.tick()
    gate.index.shape = MESSAGE | {"severity": Field("severity", "keyword", "severity")}
    await gate.tick()
    gate.index.asked.clear()
    gate.fails("u2", "bang", change="900002")
    await gate.tick()
    assert gate.ticks[1].off == {BANG.id: "no such field"}
    assert gate.index.asked == [{BOOM.id}]


async def test_with_all_signatures_off_a_failure_is_unknown(gate: Gate) -> None:
    gate.index.refused = {BOOM.id: "no", BANG.id: "no"}
    gate.fails("u1", "Error: odd")
    await gate.tick(5)
    assert gate.irc.told == [UNKNOWN]
    gate.fails("u2", "Error: odd", change="900002")
    await gate.tick(5)
    assert gate.irc.told == [UNKNOWN, UNKNOWN.replace("900001", "900002")]


async def test_without_any_signature_a_failure_is_unknown(gates: Gates) -> None:
    gate = gates(signatures=[])
    gate.fails("u1", "Error: odd")
    await gate.tick(5)
    assert gate.irc.told == [UNKNOWN]
    gate.index.calls.clear()
    await gate.tick()
    assert gate.index.calls == ["builds"]


async def test_a_signature_that_says_nothing_explains_a_build(gates: Gates) -> None:
    gate = gates(signatures=[signature("1003", 'message:"odd"', notify=False), BANG])
    gate.fails("u1", "Error: odd")
    gate.fails("u2", "Error: odd", "bang", change="900002")
    await gate.tick(30)
    assert (await failure(gate)).state is State.EXPLAINED
    assert gate.irc.told == gate.matrix.told == [HEAD.replace("900001", "900002") + "tempest: #1002 It bangs (x1/24h)"]


async def test_a_signature_resolved_long_ago_still_matches(gates: Gates) -> None:
    gate = gates(signatures=[signature("1003", 'message:"odd"', resolved_at="2014-01-01")])
    gate.fails("u1", "Error: odd")
    await gate.tick(3)
    assert gate.irc.told == [HEAD + "tempest: #1003 (x1/24h)"]


async def test_a_new_signature_is_asked_of_the_look_back_and_irc_hears_nothing(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    await gate.tick(5)
    gate.start(signatures=[BOOM, BANG, signature("1003", 'message:"odd"', title="It is odd")])
    await gate.tick(3)
    assert gate.irc.told == [UNKNOWN]
    assert gate.matrix.told == [UNKNOWN, "edit of $1: " + HEAD + "tempest: #1003 It is odd (x1/24h)"]


async def test_a_changed_signature_forgets_what_it_found_before(gate: Gate) -> None:
    gate.fails("u1", "boom")
    await gate.tick(5)
    gate.start(signatures=[signature(BOOM.id, 'message:"else"'), BANG])
    await gate.tick(5)
    assert (await failure(gate)).found == ()
    assert (await failure(gate)).state is State.UNKNOWN


async def test_a_new_signature_that_does_not_answer_is_asked_again_and_irc_still_hears_nothing(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    await gate.tick(5)
    gate.index.silent = {"1003"}
    gate.start(signatures=[BOOM, BANG, signature("1003", 'message:"odd"')])
    await gate.tick(5)
    assert (await failure(gate)).state is State.UNKNOWN
    gate.index.silent = set()
    await gate.tick(10)
    assert (await failure(gate)).state is State.KNOWN
    assert gate.irc.told == [UNKNOWN]
    assert gate.matrix.told == [UNKNOWN, "edit of $1: " + HEAD + "tempest: #1003 (x1/24h)"]


async def test_a_build_that_was_open_needs_a_new_signatures_answer_too(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    await gate.tick(2)
    gate.index.silent = {"1003"}
    gate.start(signatures=[BOOM, BANG, signature("1003", 'message:"else"')])
    await gate.tick(10)
    assert gate.irc.told == []
    gate.index.silent = set()
    await gate.tick(10)
    assert gate.irc.told == [UNKNOWN]


async def test_while_no_signature_answers_no_deadline_passes(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    await gate.tick(2)
    gate.index.down = "connection refused"
    await gate.tick(30)
    gate.index.down = ""
    for _ in range(17):
        gate.grows("u1", "more")
        await gate.tick()
    assert gate.irc.told == []
    gate.grows("u1", "more")
    await gate.tick(2)
    assert gate.irc.told == [HEAD + "tempest: logs not ready"]


async def test_the_last_minute_of_a_wait_does_not_pass_in_a_look_without_an_answer(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    for _ in range(20):
        await gate.tick()
        gate.grows("u1", "more")
    gate.index.down = "connection refused"
    await gate.tick(3)
    gate.index.down = ""
    assert gate.irc.told == []
    gate.grows("u1", "more")
    await gate.tick(2)
    assert gate.irc.told == [HEAD + "tempest: logs not ready"]


@pytest.mark.parametrize("signatures", [2, 30])
async def test_while_all_signatures_are_silent_nobody_hears_unknown(gates: Gates, signatures: int) -> None:
    many = [signature(str(number), f'message:"word{number}"') for number in range(signatures)]
    gate = gates(signatures=many)
    gate.index.silent = {one.id for one in many}
    gate.fails("u1", "Error: odd")
    await gate.tick(90)
    assert gate.irc.told == gate.matrix.told == []
    gate.index.silent = set()
    await gate.tick(31)
    assert gate.irc.told == [UNKNOWN]


async def test_a_build_without_any_answer_is_asked_as_soon_as_the_search_answers_for_another(gate: Gate) -> None:
    gate.index.silent = {BOOM.id, BANG.id}
    gate.fails("u1", "bang")
    await gate.tick(40)  # its turn comes in the 61st minute
    gate.index.silent = set()
    gate.fails("u2", "boom", change="900002")
    await gate.look()
    assert (await failure(gate)).state is State.KNOWN


async def test_a_build_that_no_signature_can_be_asked_of_stops_no_other(gate: Gate) -> None:
    answers = gate.index.hits

    async def not_of_u1(questions, uuids, window):  # type: ignore[no-untyped-def]
        gate.index.silent = {BOOM.id, BANG.id} if "u1" in uuids else set()
        return await answers(questions, uuids, window)

    gate.index.hits = not_of_u1  # type: ignore[method-assign]
    gate.fails("u1", "Error: odd")
    await gate.tick()
    for number in range(2, 30):
        gate.fails(f"u{number}", "boom", change=str(900000 + number), ended=2 * MINUTE)
        await gate.tick()
    assert UNKNOWN + " (2 of 2 signatures could not be asked)" in gate.irc.told


async def test_slow_looks_without_an_answer_are_forgiven_once(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    await gate.tick()
    gate.index.down = "timed out"
    await gate.tick(5, every=4 * MINUTE)
    waited = gate.now - (await failure(gate)).waits_from
    assert timedelta(0) <= waited <= 6 * MINUTE


async def test_no_deadline_passes_while_nobody_looks(gate: Gate) -> None:
    gate.index.silent = {BANG.id}
    gate.fails("u1", "Error: odd")
    await gate.tick(5)
    gate.now += 2 * HOUR
    gate.start()
    await gate.tick(10)
    assert gate.irc.told == []
    await gate.tick(10)
    assert gate.irc.told == [UNKNOWN + " (1 of 2 signatures could not be asked)"]


async def test_one_signature_that_never_answers_does_not_stop_the_clock(gate: Gate) -> None:
    gate.index.silent = {BANG.id}
    gate.fails("u1", "Error: odd")
    for number in range(2, 30):
        gate.fails(f"u{number}", "boom", change=str(900000 + number), ended=2 * MINUTE)
        await gate.tick()
    assert UNKNOWN + " (1 of 2 signatures could not be asked)" in gate.irc.told


async def test_a_trouble_lasts_until_what_did_not_answer_has_answered(gate: Gate) -> None:
    gate.index.silent = {BANG.id}
    gate.fails("u1", "Error: odd")
    await gate.tick(8)
    assert all(one.trouble for one in gate.ticks)
    gate.index.silent = set()
    await gate.tick(20)
    assert gate.ticks[-1].trouble == ""


async def test_a_telling_line_that_does_not_come_holds_up_nothing_and_is_looked_for_later_and_later(gate: Gate) -> None:
    gate.index.speechless = "timed out"
    gate.fails("u1", "Error: odd", ended=2 * HOUR)
    asked = []
    for minute in range(64):
        gate.index.calls.clear()
        await gate.tick()
        asked += [minute] if "lines" in gate.index.calls else []
    assert asked == [0, 1, 3, 7, 15, 31, 61]
    assert len(gate.irc.told) == 1 and "unknown" in gate.irc.told[0]
    assert all(one.trouble for one in gate.ticks)
    gate.index.speechless = ""
    await gate.tick(30)
    reason = (await failure(gate)).reason
    assert reason is not None and reason.message == "Error: odd"
    assert gate.ticks[-1].trouble == ""
