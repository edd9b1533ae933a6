"""Events in hand: one person holds up no other, and the place in the stream stays before what is in hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count

import pytest

from bot.chat.matrix import progress
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.progress import MOST_IN_HAND, Progress
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import MemoryKeep

ADA, SLOW = "@ada:example.org", "@slow:example.org"
ROOM, MUTE = "!room:example.org", "!mute:example.org"


@dataclass
class Said:
    sender: str
    number: int


class Desk:
    """Deals with what is said, except in MUTE before `open` is set."""

    def __init__(self) -> None:
        self.keep = MemoryKeep()
        self.open = asyncio.Event()
        self.done: list[tuple[str, int]] = []
        self.numbers = count()
        self.progress = Progress(self.take, Kept(self.keep, "net", "@bot:example.org"))

    async def take(self, room_id: str, event: Said) -> None:
        if room_id == MUTE:
            await self.open.wait()
        self.done.append((event.sender, event.number))

    def said(self, room_id: str, sender: str, times: int = 1) -> list[tuple[str, Said]]:
        return [(room_id, Said(sender, next(self.numbers))) for _ in range(times)]

    @property
    def since(self) -> str:
        return "".join(self.keep.values.values())


async def test_one_person_who_waits_in_one_room_holds_up_nobody() -> None:
    desk = Desk()
    async with asyncio.timeout(5):
        await desk.progress.go_on(desk.said(MUTE, SLOW, 3 * MOST_IN_HAND) + desk.said(ROOM, ADA), "n1")
        await desk.progress.go_on(desk.said(MUTE, SLOW) + desk.said(ROOM, ADA) + desk.said(ROOM, SLOW), "n2")
        await until(lambda: len(desk.done) == 3)
    assert desk.since == ""
    desk.open.set()
    await until(lambda: desk.since == "n2")
    of_slow = [number for sender, number in desk.done[3:] if sender == SLOW]
    assert of_slow == sorted(of_slow) and len(of_slow) == 3 * MOST_IN_HAND + 1


async def test_of_one_person_no_more_is_kept_than_an_answer_brings(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(progress, "MOST_OF_ONE", 10)
    desk = Desk()
    await desk.progress.go_on(desk.said(MUTE, SLOW), "n1")
    await asyncio.sleep(0)
    await desk.progress.go_on(desk.said(MUTE, SLOW, 13), "n2")
    assert caplog.text.count(f"too much of one person room={MUTE} from={SLOW}") == 3
    desk.open.set()
    await until(lambda: desk.since == "n2")
    assert len(desk.done) == 11


async def test_with_many_people_in_hand_the_stream_waits() -> None:
    desk = Desk()
    many = [one for at in range(MOST_IN_HAND) for one in desk.said(MUTE, f"@{at}:example.org")]
    await desk.progress.go_on(many, "n1")
    waits = asyncio.create_task(desk.progress.go_on(desk.said(ROOM, ADA), "n2"))
    await asyncio.sleep(0.05)
    assert not waits.done() and desk.done == []
    desk.open.set()
    await waits
    await until(lambda: desk.since == "n2")


async def test_with_many_events_in_hand_the_stream_waits_and_none_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(progress, "MOST_IN_ALL", 20)
    monkeypatch.setattr(progress, "MOST_OF_ONE", 15)
    desk = Desk()
    many = [one for at in range(3) for one in desk.said(MUTE, f"@{at}:example.org", 10)]
    waits = asyncio.create_task(desk.progress.go_on(many, "n1"))
    await asyncio.sleep(0.05)
    assert not waits.done() and sum(map(len, desk.progress._waiting.values())) == 20 - 2  # two are being dealt with
    desk.open.set()
    await waits
    await until(lambda: desk.since == "n1")
    assert len(desk.done) == 30 and "too much" not in caplog.text


async def test_closing_ends_what_is_in_hand() -> None:
    desk = Desk()
    await desk.progress.go_on(desk.said(MUTE, SLOW, 2), "n1")
    await asyncio.sleep(0)
    await desk.progress.close()
    desk.open.set()
    await asyncio.sleep(0)
    assert desk.done == [] and desk.since == ""
