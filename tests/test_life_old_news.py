"""LIFE 3, old news, by example: what is too old to be said singly becomes one catch-up message per room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot import poller
from bot.config import Feed
from bot.errors import TemporaryError
from bot.incidents import Waits
from bot.records import Stage
from tests.fakes import BANG, BOOM, DAY, HOUR, IRC, MATRIX, MINUTE, Gate, signature

Gates = Callable[..., Gate]
HEAD = "[nova] gate 900001,1 failed: "
BOOMS = "#1001 It booms (x1/24h, recheck ok)"


def full(gate: Gate, builds: int, *messages: str) -> None:
    """An index that has many failures of the last day, each of a change of its own."""
    for number in range(builds):
        ended = 4 * HOUR + timedelta(seconds=number)
        gate.fails(
            f"old{number}", *(messages or ("boom" if number % 4 else "Error: odd",)), ended=ended, change=f"{number}"
        )


async def test_a_first_start_on_a_full_index_is_one_catch_up_message_per_room(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "BATCH", 25)
    full(gate, 60)
    await gate.tick()
    summary = "catching up, last 24 h: 60 failed builds, 75 % known, worst #1001 x45"
    assert gate.irc.told == gate.matrix.told == [summary]
    await gate.tick(5)
    assert gate.irc.told == gate.matrix.told == [summary]
    assert await gate.stages() == [(0, Stage.SAID, "said")]


async def test_the_catch_up_waits_until_the_backlog_is_empty(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "BATCH", 25)
    full(gate, 60, "boom")
    with monkeypatch.context() as patch:
        write = gate.store.write

        async def then_speaks(work):  # type: ignore[no-untyped-def]
            done = await write(work)
            patch.setattr(gate.store, "write", write)
            await gate.speak()
            patch.setattr(gate.store, "write", then_speaks)
            return done

        patch.setattr(gate.store, "write", then_speaks)
        await gate.look()
    await gate.speak()
    assert gate.irc.told == ["catching up, last 24 h: 60 failed builds, 100 % known, worst #1001 x60"]


async def test_after_a_crash_amid_the_backlog_there_still_is_one_catch_up(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "BATCH", 25)
    full(gate, 60, "boom")
    with monkeypatch.context() as patch:
        write = gate.store.write

        async def breaks(work):  # type: ignore[no-untyped-def]
            if len(await gate.store.read(lambda tx: tx.failures_since(gate.now - DAY))) == 50:
                raise TemporaryError("disk full")
            return await write(work)

        patch.setattr(gate.store, "write", breaks)
        with pytest.raises(TemporaryError):
            await gate.look()
    await gate.speak()
    assert gate.irc.told == []
    gate.start()
    gate.now += MINUTE
    await gate.tick(3)
    assert gate.irc.told == ["catching up, last 24 h: 60 failed builds, 100 % known, worst #1001 x60"]


async def test_an_old_build_that_grows_or_turns_out_known_says_nothing(gate: Gate) -> None:
    full(gate, 3, "Error: odd")
    await gate.tick()
    gate.grows("old1", "boom")
    await gate.tick(6)
    assert gate.irc.told == gate.matrix.told == ["catching up, last 24 h: 3 failed builds, 0 % known"]


async def test_a_catch_up_while_signatures_do_not_answer_waits_for_them(gate: Gate) -> None:
    full(gate, 3, "boom")
    gate.index.silent = {BOOM.id, BANG.id}
    await gate.tick(2)
    assert gate.irc.told == []
    gate.index.silent = set()
    await gate.tick(3)
    assert gate.irc.told == ["catching up, last 24 h: 3 failed builds, 100 % known, worst #1001 x3"]


async def test_known_changes_are_said_while_the_catch_up_waits_for_a_complete_look(gates: Gates) -> None:
    gate = gates(fold_over=3)
    gate.index.partly = "1 of 5 shards failed"
    full(gate, 1, "boom")
    await gate.tick(10)
    for number in range(6):
        gate.fails(f"u{number}", "boom", change=f"9000{number}")
    await gate.tick(5)
    (told,) = gate.irc.told
    assert told.startswith("digest: 6 changes failed")
    gate.index.partly = ""
    await gate.tick(2)
    assert gate.irc.told[1:] == ["catching up, last 24 h: 7 failed builds, 100 % known, worst #1001 x7"]


async def test_what_is_new_on_a_first_start_is_said_singly_beside_the_catch_up(gate: Gate) -> None:
    full(gate, 2, "bang")
    gate.fails("u1", "boom", ended=2 * HOUR)
    await gate.tick(2)
    assert sorted(gate.irc.told) == [
        HEAD + f"tempest: {BOOMS}",
        "catching up, last 24 h: 3 failed builds, 100 % known, worst #1002 x2, #1001 x1",
    ]


async def test_a_room_that_no_old_news_passes_to_hears_no_catch_up(gates: Gates) -> None:
    gate = gates(feeds={"irc": Feed(rooms=(IRC,)), "matrix": Feed(rooms=(MATRIX,), events=("unknown",))})
    full(gate, 3, "boom")
    await gate.tick(3)
    assert len(gate.irc.told) == 1
    assert gate.matrix.told == []


async def test_a_restart_after_three_days_is_one_catch_up_that_names_the_gap(gate: Gate) -> None:
    gate.fails("u1", "boom")
    await gate.tick(5)
    stopped = gate.now - MINUTE
    gate.now += 3 * DAY
    gate.start()
    full(gate, 4)
    await gate.tick(5)
    assert gate.irc.told == [
        HEAD + f"tempest: {BOOMS}",
        "catching up, last 24 h: 4 failed builds, 75 % known, worst #1001 x3; nothing was seen "
        f"{stopped.day} Nov {stopped:%H:%M} to 22 Nov 12:05 UTC",
    ]


async def test_a_gap_is_named_also_when_nothing_failed_since(gate: Gate) -> None:
    await gate.tick()
    gate.now += 3 * DAY
    gate.start()
    await gate.tick(3)
    assert gate.irc.told == [
        "catching up, last 24 h: 0 failed builds; nothing was seen 20 Nov 12:00 to 22 Nov 12:01 UTC"
    ]


async def test_a_restart_after_an_hour_has_no_catch_up(gate: Gate) -> None:
    await gate.tick()
    gate.now += HOUR
    gate.start()
    await gate.tick(3)
    assert gate.irc.told == []


async def test_an_index_that_was_down_for_six_hours_gives_one_catch_up(gate: Gate) -> None:
    await gate.tick()
    gate.index.down = "connection refused"
    await gate.tick(3, every=HOUR)
    gate.fails("old1", "boom", ended=MINUTE)
    await gate.tick(4, every=HOUR)
    gate.index.down = ""
    gate.fails("u1", "boom", change="900002")
    await gate.tick(5)
    assert gate.irc.told == [
        "catching up, last 24 h: 2 failed builds, 100 % known, worst #1001 x2",
        HEAD.replace("900001", "900002") + "tempest: #1001 It booms (x2/24h, recheck ok)",
    ]


async def test_rows_that_grow_old_while_a_network_is_down_are_folded_into_one_catch_up(gate: Gate) -> None:
    gate.irc.ready = False
    for number in range(3):
        gate.fails(f"u{number}", "boom", change=str(number))
    await gate.tick(3)
    await gate.tick(6, every=HOUR)
    gate.fails("u9", "bang", change="9")
    await gate.tick(3)
    gate.irc.ready = True
    await gate.tick(3)
    assert gate.irc.told == [
        "catching up, last 24 h: 4 failed builds, 100 % known, worst #1001 x3, #1002 x1",
        "[nova] gate 9,1 failed: tempest: #1002 It bangs (x1/24h)",
    ]
    assert [stage for _, stage, _ in await gate.stages()].count(Stage.FOLDED) == 3
    assert len(gate.matrix.told) == 4


async def test_a_row_in_doubt_that_grows_old_expires(gate: Gate) -> None:
    gate.irc.faults = [TemporaryError("connection reset", doubt=True)]
    gate.fails("u1", "boom")
    await gate.tick(3)
    gate.irc.ready = False
    await gate.tick(4, every=HOUR)
    gate.irc.ready = True
    await gate.tick(3)
    assert gate.irc.told == []
    assert await gate.stages() == [(0, Stage.EXPIRED, "in doubt too long")]


async def test_a_longer_look_back_and_a_new_pipeline_are_old_news(gates: Gates) -> None:
    gate = gates(look_back=12 * HOUR)
    gate.fails("u1", "boom", ended=20 * HOUR)
    await gate.tick(2)
    assert gate.irc.told == []
    gate.look_back = DAY
    gate.start()
    await gate.tick(2)
    assert gate.irc.told == ["catching up, last 24 h: 1 failed build, 100 % known, worst #1001 x1"]


async def test_old_news_found_later_is_a_second_catch_up_of_its_own(gate: Gate) -> None:
    full(gate, 2, "boom")
    await gate.tick(3)
    gate.fails("late", "bang", ended=5 * HOUR, change="900009")
    await gate.tick(3)
    assert gate.irc.told == [
        "catching up, last 24 h: 2 failed builds, 100 % known, worst #1001 x2",
        "catching up, last 24 h: 3 failed builds, 100 % known, worst #1001 x2, #1002 x1",
    ]


async def test_say_within_says_what_is_old(gates: Gates) -> None:
    gate = gates(waits=Waits(say_within=6 * HOUR), signatures=[signature("1003", 'message:"boom"')])
    gate.fails("u1", "boom", ended=4 * HOUR)
    await gate.tick(2)
    assert gate.irc.told == [HEAD + "tempest: #1003 (x1/24h)"]


async def test_a_build_that_was_open_when_the_bot_stopped_for_days_is_not_old_news_of_its_own(gate: Gate) -> None:
    gate.fails("u1", "Error: odd")
    await gate.tick(2)
    gate.now += 3 * DAY
    gate.start()
    await gate.tick(30)
    assert len(gate.irc.told) == 1
    assert "0 failed builds; nothing was seen" in gate.irc.told[0]
