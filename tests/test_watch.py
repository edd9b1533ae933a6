"""What the scheduler calls: nothing that fails in a look stops the bot, and operators hear of it once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.errors import TemporaryError
from bot.model import Complete, Ran, Totals
from bot.records import State
from bot.watch import Watch
from tests.fakes import BANG, BOOM, DAY, HOUR, MINUTE, START, Gate, Noted, signature


@pytest.fixture
def troubles(gate: Gate) -> Noted:
    return Noted(gate)


@pytest.fixture
def watch(gate: Gate, troubles: Noted) -> Iterator[Watch]:
    yield Watch(gate.poller, gate.source, gate.store, troubles, lambda: gate.now)


async def test_a_complete_look_is_noted(gate: Gate, watch: Watch, troubles: Noted) -> None:
    gate.fails("u1", "boom")
    await watch.look()
    assert (watch.looks.complete, watch.looks.trouble) == (START, "")
    assert troubles.lines == []


async def test_a_search_that_is_down_is_one_line_and_one_when_it_is_over(
    gate: Gate, watch: Watch, troubles: Noted
) -> None:
    await watch.look()
    gate.index.down = "connection refused"
    for _ in range(5):
        gate.now += MINUTE
        await watch.look()
    assert (watch.looks.complete, watch.looks.trouble) == (START, "connection refused")
    gate.index.down = ""
    gate.now += MINUTE
    await watch.look()
    assert troubles.lines == ["trouble: search: connection refused", "over: search works again after 5 min"]
    assert watch.looks.complete == gate.now


async def test_a_hiccup_is_no_line(gate: Gate, watch: Watch, troubles: Noted) -> None:
    gate.index.silent = {BANG.id}
    gate.fails("u1", "Error: odd")
    for minute in range(6):
        gate.index.silent = {BANG.id} if minute < 2 else set()
        await watch.look()
        assert (watch.looks.trouble == "") == (minute > 2)  # asked again in minutes 1 and 3
        gate.now += MINUTE
    assert troubles.lines == []


async def test_a_signature_that_goes_on_not_answering_is_one_line_and_one_when_it_does(
    gate: Gate, watch: Watch, troubles: Noted
) -> None:
    gate.index.shaky = {BANG.id}
    gate.fails("u1", "Error: odd")
    for _ in range(10):
        await watch.look()
        gate.now += MINUTE
    line = "trouble: search: signature #1002 did not answer 3 times in a row: 1 of 5 shards failed"
    assert troubles.lines == [line]
    gate.index.shaky = set()
    for _ in range(10):
        await watch.look()
        gate.now += MINUTE
    assert troubles.lines == [line, "over: search works again after 12 min"]


async def test_signatures_that_fail_by_turns_are_no_line_and_hide_nothing(
    gate: Gate, watch: Watch, troubles: Noted
) -> None:
    for minute in range(30):
        gate.index.silent = {(BOOM, BANG)[minute % 2].id}
        gate.fails(f"u{minute}", "boom" if minute % 3 else "Error: odd", change=str(minute))
        await watch.look()
        await gate.speak()
        gate.now += MINUTE
    assert troubles.lines == []
    assert not any("could not be asked" in line for line in gate.irc.told)
    failures = await gate.store.read(lambda tx: tx.failures_since(START - DAY))
    wrong = [one.build.uuid for one in failures if (one.state is State.UNKNOWN) and int(one.build.change) % 3]
    assert (wrong, sum(one.state is State.KNOWN for one in failures)) == ([], 20)


async def test_when_no_signature_answers_it_is_said_at_once(gate: Gate, watch: Watch, troubles: Noted) -> None:
    gate.index.silent = {BOOM.id, BANG.id}
    gate.fails("u1", "Error: odd")
    for _ in range(5):
        await watch.look()
        assert troubles.lines == ["trouble: search: timed out"]
        gate.now += MINUTE
    gate.index.silent = set()
    for _ in range(5):
        await watch.look()
        gate.now += MINUTE
    assert troubles.lines[1:] == ["over: search works again after 7 min"]


async def test_a_changed_signature_that_goes_on_not_answering_is_a_line_too(
    gate: Gate, watch: Watch, troubles: Noted
) -> None:
    gate.fails("u1", "Error: odd", ended=2 * HOUR)
    await watch.look()
    gate.index.silent = {"1003"}
    gate.start(signatures=[BOOM, BANG, signature("1003", 'message:"odd"')])
    watch = Watch(gate.poller, gate.source, gate.store, troubles, lambda: gate.now)
    for _ in range(8):
        gate.now += MINUTE
        await watch.look()
    assert troubles.lines == ["trouble: search: signature #1003 did not answer 3 times in a row: timed out"]


async def test_telling_lines_that_go_on_not_coming_are_a_line(gate: Gate, watch: Watch, troubles: Noted) -> None:
    gate.index.speechless = "timed out"
    gate.fails("u1", "Error: odd", ended=2 * HOUR)
    for minute in range(6):
        await watch.look()
        assert bool(troubles.lines) == (minute >= 3)
        gate.now += MINUTE
    assert troubles.lines == [
        "trouble: search: the telling lines of 1 build did not come 3 times in a row: timed out",
    ]


async def test_a_refused_signature_is_told_once_with_what_to_do(gate: Gate, watch: Watch, troubles: Noted) -> None:
    gate.index.refused = {BANG.id: "too long"}
    for number in range(3):
        gate.fails(f"u{number}", "boom", change=str(number))
        await watch.look()
        gate.now += MINUTE
    assert troubles.lines == ["signature 1002: switched off until its file or the index's fields change: too long"]


async def test_a_store_that_fails_is_one_line_and_the_next_look_goes_on(
    gate: Gate, watch: Watch, troubles: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_work: Any) -> None:
        raise TemporaryError("disk full")

    gate.fails("u1", "boom")
    with monkeypatch.context() as patch:
        patch.setattr(gate.store, "write", full)
        for _ in range(3):
            await watch.look()
            await watch.count()
    assert troubles.lines == ["trouble: store: disk full"]
    await watch.look()
    assert troubles.lines[1:] == ["over: store works again after 0 s"]
    assert len(await gate.rows()) == 1


async def test_a_defect_in_a_look_is_logged_with_its_traceback_and_told_once(
    gate: Gate, watch: Watch, troubles: Noted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(_now: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(gate.poller, "tick", breaks)
        await watch.look()
        await watch.look()
    assert troubles.lines == ["trouble: tick: internal error, the log has the traceback; it goes on at the next turn"]
    assert "ZeroDivisionError" in caplog.text
    await watch.look()
    assert troubles.lines[1:] == ["over: tick works again after 0 s"]


async def test_totals_are_kept_and_what_is_too_old_is_forgotten(
    gate: Gate, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ran(_window: Any) -> Complete[Totals]:
        return Complete((Ran("gate", "nova", "unit", "SUCCESS", 7), Ran("gate", "nova", "docs", "SUCCESS", 2)))

    gate.fails("u1", "boom")
    await gate.tick(3)
    monkeypatch.setattr(gate.source, "ran", ran)
    gate.now += 15 * DAY
    await watch.count()
    assert await gate.store.read(lambda tx: tx.failures(["u1"])) == []
    kept = await gate.store.read(lambda tx: tx.ran_since(START))
    assert [(one.pipeline, one.result, one.builds) for _, one in kept] == [("gate", "SUCCESS", 9)]


async def test_totals_that_do_not_come_are_not_zero(gate: Gate, watch: Watch) -> None:
    gate.index.down = "connection refused"
    await watch.count()
    assert await gate.store.read(lambda tx: tx.ran_since(START - DAY)) == []
