"""The bot's own troubles: said once to the log and the operators, and once when they are over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from bot.errors import PermanentError, TemporaryError
from bot.minding import Minder
from bot.talk import JOINED
from bot.troubles import AGAIN, WAITING, Troubles
from tests.fakes import START, Network, until


class Ops:
    """Troubles with an operators' room, and a clock that is set by hand."""

    def __init__(self, room: str = "oftc:#ops") -> None:
        self.now = START
        self.chat = Network("oftc", edits=False)
        self.troubles = Troubles(room, {"oftc": self.chat}, lambda: self.now)


@contextmanager
def running(troubles: Troubles) -> Iterator[None]:
    task = asyncio.create_task(troubles.run(every=0.001))
    yield
    task.cancel()


async def test_a_trouble_is_said_once_however_often_it_comes_and_once_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ops = Ops()
    with running(ops.troubles):
        for _ in range(5):
            ops.troubles.begin("search", "connection refused")
        assert [(one.part, one.since) for one in ops.troubles.open] == [("search", START)]
        ops.now += timedelta(minutes=5)
        ops.troubles.end("search")
        ops.troubles.end("search")
        await until(lambda: len(ops.chat.told) == 2)
    assert ops.chat.told == ["trouble: search: connection refused", "over: search works again after 5 min"]
    assert ops.troubles.open == []
    assert caplog.text.count("trouble part='search'") == 1


@pytest.mark.parametrize(("seconds", "words"), [(90, "90 s"), (3600, "60 min"), (3 * 86400, "72 h")])
async def test_how_long_it_lasted(seconds: int, words: str) -> None:
    ops = Ops()
    with running(ops.troubles):
        ops.troubles.begin("store", "disk full")
        ops.now += timedelta(seconds=seconds)
        ops.troubles.end("store")
        await until(lambda: len(ops.chat.told) == 2)
    assert ops.chat.told[1] == f"over: store works again after {words}"


async def test_it_counts_from_when_it_began_and_not_from_when_it_was_said() -> None:
    ops = Ops()
    with running(ops.troubles):
        ops.troubles.begin("network oftc", "no route", since=START - timedelta(seconds=45))
        ops.now += timedelta(seconds=30)
        ops.troubles.end("network oftc")
        await until(lambda: len(ops.chat.told) == 2)
    assert ops.chat.told[1] == "over: network oftc works again after 75 s"


async def test_a_part_is_named_once_in_its_line() -> None:
    ops = Ops()
    with running(ops.troubles):
        ops.troubles.begin("network oftc", "oftc: no route")
        ops.troubles.once("room oftc:#nova", "oftc:#nova: banned")
        await until(lambda: len(ops.chat.told) == 2)
    assert ops.chat.told == ["trouble: network oftc: no route", "room oftc:#nova: banned"]


async def test_the_same_event_is_told_again_after_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    ops = Ops()
    with running(ops.troubles):
        for sentence in ("banned", "banned", "muted", "muted"):
            ops.troubles.once("room oftc:#nova", sentence)
        ops.now += AGAIN + timedelta(seconds=1)
        ops.troubles.once("room oftc:#nova", "muted")
        await until(lambda: len(ops.chat.told) == 3)
    assert ops.chat.told == [f"room oftc:#nova: {sentence}" for sentence in ("banned", "muted", "muted")]
    assert caplog.text.count("notice part='room oftc:#nova'") == 5


async def test_parts_are_in_trouble_each_by_itself_and_it_can_come_back() -> None:
    ops = Ops()
    with running(ops.troubles):
        ops.troubles.begin("search", "down")
        ops.troubles.begin("store", "disk full")
        ops.troubles.end("search")
        ops.troubles.begin("search", "down again")
        ops.troubles.once("signature 1001", "switched off")
        await until(lambda: len(ops.chat.told) == 5)
    assert ops.chat.told[3:] == ["trouble: search: down again", "signature 1001: switched off"]
    assert [one.part for one in ops.troubles.open] == ["store", "search"]


async def test_lines_wait_for_the_operators_network_and_go_ahead_of_announcements() -> None:
    ops = Ops()
    ops.chat.ready = False
    ops.chat.faults = [TemporaryError("connection reset", doubt=True)]
    with running(ops.troubles):
        ops.troubles.once("store", "disk full")
        await asyncio.sleep(0.01)
        assert ops.chat.posts == []
        ops.chat.ready = True
        await until(lambda: bool(ops.chat.told))
    assert ops.chat.told == ["store: disk full"]
    assert len({post.key for post in ops.chat.posts}) == 1  # in doubt: the same again
    assert all(post.first for post in ops.chat.posts)


async def test_a_line_that_is_refused_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    ops = Ops()
    ops.chat.faults = [PermanentError("banned from #ops")]
    with running(ops.troubles):
        ops.troubles.once("a", "first")
        ops.troubles.once("b", "second")
        await until(lambda: bool(ops.chat.told))
    assert ops.chat.told == ["b: second"]
    assert "operators not told room=oftc:#ops why='banned from #ops'" in caplog.text


async def test_only_the_newest_lines_wait() -> None:
    ops = Ops()
    for number in range(WAITING + 5):
        ops.troubles.once("part", str(number))
    with running(ops.troubles):
        await until(lambda: len(ops.chat.told) == WAITING)
    assert ops.chat.told[0] == "part: 5"


async def test_without_an_operators_room_the_log_has_it_all(caplog: pytest.LogCaptureFixture) -> None:
    ops = Ops(room="")
    ops.troubles.begin("search", "down")
    await ops.troubles.run()
    assert "trouble part='search' why='down'" in caplog.text


def test_what_several_see_is_over_when_none_of_them_does_any_more(caplog: pytest.LogCaptureFixture) -> None:
    troubles = Troubles("", {}, lambda: START)
    troubles.begin("store", "disk full")
    troubles.begin("store", "disk full", by="deliveries to oftc")
    troubles.end("store", by="deliveries to oftc")
    assert [one.part for one in troubles.open] == ["store"]
    troubles.end("store")
    assert troubles.open == []
    assert caplog.text.count("trouble part='store'") == 1


async def test_a_shut_room_s_new_reason_is_told_once_it_has_stayed() -> None:
    ops = Ops()
    minder = Minder({"oftc": ops.chat}, ops.troubles, timedelta(seconds=45), lambda: ops.now)
    with running(ops.troubles):
        for why in ("removed by ann", "removed by ann", "no such room", "not invited", "not invited", "removed by ann"):
            ops.chat.rooms = {"oftc:#nova": why}
            minder.look()
            ops.now += timedelta(seconds=50)
        minder.look()
        assert [one.sentence for one in ops.troubles.open] == ["removed by ann"]
        ops.chat.rooms = {"oftc:#nova": JOINED}
        minder.look()
        await until(lambda: len(ops.chat.told) == 3)
    assert ops.chat.told == [
        "trouble: room oftc:#nova: removed by ann",
        "trouble: room oftc:#nova: not invited",
        "over: room oftc:#nova works again after 5 min",
    ]
