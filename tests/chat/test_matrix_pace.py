"""The pace that a homeserver's refusals teach: how far apart, for how long, who goes first."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.chat.matrix import pace as pacing
from bot.chat.matrix.pace import Pace
from bot.errors import TemporaryError


def between(pace: Pace) -> float:
    return pace.between.total_seconds()


async def gone(pace: Pace, *firsts: bool) -> list[tuple[int, float]]:
    """All take at once, in this order: who went when, in seconds from now."""
    began = pace.now()
    went: list[tuple[int, float]] = []

    async def take(number: int, first: bool) -> None:
        await pace.take("net:#room", first=first)
        went.append((number, pace.now() - began))

    await asyncio.gather(*(take(number, first) for number, first in enumerate(firsts)))
    return went


async def test_without_a_refusal_all_go_at_once() -> None:
    went = await gone(Pace("net"), *[False] * 100)
    assert [number for number, _ in went] == list(range(100))
    assert went[-1][1] < 1


async def test_after_a_refusal_they_go_one_by_one_as_far_apart_as_the_server_needs() -> None:
    pace = Pace("net")
    at = pace.now()
    pace.accepted(at - 0.06)
    pace.refused(at, 0.04)
    assert between(pace) == pytest.approx(0.1 * pacing.MARGIN)
    went = await gone(pace, *[False] * 4)
    assert [number for number, _ in went] == [0, 1, 2, 3]
    assert all(since >= 0.03 + 0.1 * place for place, (_, since) in enumerate(went)), went


async def test_replies_overtake_who_waits_already() -> None:
    pace = Pace("net")
    pace.refused(pace.now(), 0.05)
    went = await gone(pace, False, False, True, True)
    assert [number for number, _ in went] == [2, 3, 0, 1]


async def test_however_many_replies_wait_every_third_message_is_another() -> None:
    pace = Pace("net")
    pace.refused(pace.now(), 0.02)
    went = await gone(pace, False, False, *[True] * 7)
    assert [number for number, _ in went] == [2, 3, 0, 4, 5, 1, 6, 7, 8]


async def test_what_was_sent_long_before_says_nothing_of_the_pace() -> None:
    pace = Pace("net")
    pace.accepted(pace.now() - pacing.OWN - 1)
    pace.refused(pace.now(), 5.0)
    assert between(pace) == pytest.approx(5.0 * pacing.MARGIN)


async def test_what_went_side_by_side_and_was_taken_shortens_no_pace() -> None:
    pace = Pace("net")
    at = pace.now()
    pace.accepted(at + 3.0)
    pace.refused(at, 5.0)
    assert between(pace) == pytest.approx(5.0 * pacing.MARGIN)


async def test_a_pace_is_believed_for_a_while() -> None:
    now = 1000.0
    pace = Pace("net", lambda: now)
    pace.refused(now, 5.0)
    now += pacing.BELIEVED - 1
    assert pace.between
    now += 1
    assert pace.between == timedelta(0)
    assert len(await gone(pace, *[False] * 50)) == 50


async def test_the_longest_interval_that_was_seen_lately_is_the_pace() -> None:
    now = 1000.0
    pace = Pace("net", lambda: now)
    for wait in (3.6, 5.0, 1.0):
        pace.refused(now, wait)
    assert between(pace) == pytest.approx(5.0 * pacing.MARGIN)
    now += pacing.BELIEVED
    pace.refused(now, 1.0)
    assert between(pace) == pytest.approx(1.0 * pacing.MARGIN)


async def test_too_long_a_wait_is_an_error_that_says_how_long() -> None:
    pace = Pace("net")
    pace.refused(pace.now(), 0.05)
    waiting = asyncio.create_task(pace.take("net:#room", first=False))
    await asyncio.sleep(0)
    pace.refused(pace.now(), 3600)
    for _ in range(2):
        with pytest.raises(
            TemporaryError, match=r"net:#room: the homeserver takes no message for another (300|299) s"
        ) as error:
            await (waiting if not waiting.done() else pace.take("net:#room", first=True))
        assert error.value.retry_after == pytest.approx(pacing.BELIEVED, abs=1)
        assert not error.value.doubt


async def test_a_429_without_a_time_is_a_pace_too() -> None:
    pace = Pace("net")
    pace.refused(pace.now(), None)
    assert between(pace) == pytest.approx(pacing.NOT_SAID * pacing.MARGIN)


async def test_who_is_cancelled_leaves_its_turn_to_the_next() -> None:
    pace = Pace("net")
    pace.refused(pace.now(), 0.05)
    tasks = [asyncio.create_task(pace.take("net:#room", first=False)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.wait_for(asyncio.gather(*tasks[1:]), 5)
    assert tasks[0].cancelled()


async def test_the_operator_is_told_once_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    pace = Pace("net")
    for _ in range(3):
        pace.refused(pace.now(), 0.01)
    assert caplog.text.count("matrix messages are limited network=net") == 1
    assert "override_ratelimit, see docs/matrix.md" in caplog.text


async def test_no_message_waits_longer_than_a_pace_is_believed_in() -> None:
    now = [1000.0]
    pace = Pace("net", clock=lambda: now[0])
    assert pace.refused(now[0], 3600.0) == pacing.BELIEVED
    with pytest.raises(TemporaryError, match="takes no message for another") as away:
        await pace.take("net:#room", first=False)
    assert (away.value.retry_after or 0) <= pacing.BELIEVED
    now[0] += pacing.BELIEVED
    await gone(pace, False, False, False)
    assert between(pace) == 0
