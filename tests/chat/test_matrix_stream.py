"""A run of lines over a homeserver with faults, to a bot that is killed now and then: each done once, in order.

$GATEWATCH_LINES: how many; $GATEWATCH_SEED: what is drawn. The far end is a fake with a stream of its own.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web

from bot.chat.matrix import timeline
from bot.talk import Heard
from tests.chat.fake_matrix import USER, FarEnd, earlier_keep, line
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import Bot, MemoryKeep, config, milliseconds, timings
from tests.chat.matrix_faults import FAULTS

LINES = int(os.environ.get("GATEWATCH_LINES", "300"))
SEED = int(os.environ.get("GATEWATCH_SEED", "7"))
ROOMS = ("!one:example.org", "!two:example.org")
PEOPLE = [f"@p{number}:example.org" for number in range(4)]
FAULTY, KILL_EVERY = 0.3, 40
IN_ONE_ANSWER, PAGE = 5, 4
BACKLOG = 100
SHORT = timings(
    sync=milliseconds(300),
    request=milliseconds(250),
    first_sync=milliseconds(500),
    pause=milliseconds(5),
    longest_pause=milliseconds(40),
)


class Stream:
    """Events of all rooms in one order; the place `s3` is behind the third, and a room's answer shows its newest."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._more = asyncio.Event()
        self.faults: Counter[str] = Counter()
        self.gaps = 0

    def add(self, room_id: str, event: dict[str, Any]) -> None:
        self._events.append((room_id, event))
        self._more.set()

    async def sync(self, request: web.Request) -> web.StreamResponse:
        if (fault := self._fault()) is not None:
            return await FAULTS[fault].answer(request)
        since = _number(request.query.get("since", "s0"))
        if since == len(self._events) and "full_state" not in request.query:
            self._more.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(int(request.query["timeout"]) / 1000):
                    await self._more.wait()
        rooms = {room_id: {"timeline": self._timeline(room_id, since)} for room_id in ROOMS}
        return web.json_response({"next_batch": f"s{len(self._events)}", "rooms": {"join": rooms}})

    def _timeline(self, room_id: str, since: int) -> dict[str, Any]:
        shown, first = self._back(room_id, since, len(self._events), IN_ONE_ANSWER)
        left_out = any(room == room_id for room, _ in self._events[since:first])
        self.gaps += left_out
        return {"events": shown[::-1], "limited": left_out, "prev_batch": f"s{first}"}

    async def messages(self, request: web.Request) -> web.StreamResponse:
        fault = self._fault()
        if fault not in (None, "forbidden"):  # what is forbidden is not asked for again
            return await FAULTS[fault].answer(request)
        room_id = next(room_id for room_id in ROOMS if room_id in request.path)
        start, end = _number(request.query["from"]), _number(request.query["to"])
        chunk, first = self._back(room_id, end, start, PAGE)
        page = {"start": f"s{start}", "chunk": chunk}
        return web.json_response(page | ({"end": f"s{first}"} if first > end else {}))

    def _back(self, room_id: str, end: int, start: int, most: int) -> tuple[list[dict[str, Any]], int]:
        """The room's events from `start` back to `end`, the newest first, and the place before the last of them."""
        found: list[dict[str, Any]] = []
        for at in range(start - 1, end - 1, -1):
            room, event = self._events[at]
            if room == room_id:
                found.append(event)
                if len(found) == most:
                    return found, at
        return found, end

    def _fault(self) -> str | None:
        if self._dice.random() > FAULTY:
            return None
        fault = self._dice.choice([name for name, fault in FAULTS.items() if not fault.asked])
        self.faults[fault] += 1
        return fault


def _number(place: str) -> int:
    return int(place.removeprefix("s"))


class Worker(Bot):
    """Takes a moment over each line, and remembers what is done, as the store does for `replies`."""

    def __init__(self, url: str, keep: MemoryKeep, done: list[Heard], dice: random.Random) -> None:
        super().__init__(config(url, USER, timings=SHORT), [f"net:{room_id}" for room_id in ROOMS], keep)
        self._done = done
        self._dice = dice

    async def hear(self, heard: Heard) -> None:
        if any(heard.id == other.id for other in self._done):
            return
        await asyncio.sleep(self._dice.choice([0, 0, 0.002, 0.03]))
        self._done.append(heard)


async def test_each_line_is_dealt_with_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "TRIES", 50)  # so many faults in a row are not the server's fault here
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    far_end, stream, done = FarEnd(), Stream(dice), []
    keep = earlier_keep()
    keep.values[f"matrix.net.{USER}.since"] = "s0"
    far_end.answers |= {"sync": stream.sync, "messages": stream.messages}
    kills = 0
    async with far_end.serving():
        speaking = asyncio.create_task(_speak(stream, dice, done))
        try:
            async with asyncio.timeout(60 + LINES * 0.2):
                while len(done) < LINES:
                    async with Worker(far_end.url, keep, done, dice).running() as bot:
                        goal = min(LINES, len(done) + KILL_EVERY)
                        await until(lambda goal=goal: len(done) >= goal, 60)
                        assert bot.task is not None and not bot.task.done()
                    kills += 1
        finally:
            speaking.cancel()
    print(
        f"{kills} kills, {stream.gaps} gaps, {sum(stream.faults.values())} faults in {len(far_end.requests)} requests"
    )
    assert sorted(_place(heard) for heard in done) == list(range(LINES))
    for person in PEOPLE:
        for room_id in ROOMS:
            own = [_place(one) for one in done if (one.person.account, one.room) == (person, f"net:{room_id}")]
            assert own == sorted(own)
    assert kills > 3
    assert stream.gaps > 5 and len(stream.faults) > 10


async def _speak(stream: Stream, dice: random.Random, done: list[Heard]) -> None:
    """Now in ones, now in bursts that no answer holds; never more than can be read back."""
    number = 0
    while number < LINES:
        await until(lambda number=number: number - len(done) < BACKLOG, 60)
        for _ in range(dice.choice([1, 1, 2, 30])):
            if number < LINES:
                stream.add(dice.choice(ROOMS), line(f"!{number}", dice.choice(PEOPLE)))
                number += 1
        await asyncio.sleep(0.15)


def _place(heard: Heard) -> int:
    return int(heard.text.removeprefix("!"))
