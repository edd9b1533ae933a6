"""Hostile events by the thousand through sync, inbox and commands: what asks is answered, once, and nothing else is.

`make soak` sends 200,000; the seed is kept, so that what is found once is found again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.chat.matrix.adapter import MatrixChat
from bot.commands import Ask, Limiter, answer
from bot.records import Kind
from bot.replies import Replies
from bot.store import Store
from bot.talk import Heard, Message, Said
from tests.chat.fake_matrix import ROOM, FarEnd, earlier_keep
from tests.chat.hostile_events import ANNOUNCEMENT, IGNORED, ME, Hostile
from tests.chat.matrix_bot import config, timings
from tests.chat.test_irc_fuzz import resident
from tests.commands.conftest import failure, plain_ask

__all__ = ["plain_ask"]  # the fixture

EVENTS = int(os.environ.get("GATEWATCH_FUZZED_MATRIX", "5000"))
SEED = 20261125
AT_ONCE = 50  # events of one answer, as many as the bot asks for
MOST_GROWTH = 25.0  # MB of the whole process after a tenth of the events
REACTIONS = {"❓": "why", "?": "why"}

# All that an answer may have of HTML; nothing of it mentions anybody.
TAG = re.compile(r"<[^>]*>")
ALLOWED = re.compile(r'</?(b|i|em|strong|code|pre|br|p|ul|li)\s*/?>|</a>|<a href="https?://(?!matrix\.to)[^"<>]*">')


@dataclass
class Server(FarEnd):
    """A homeserver that sends hostile events, and looks at each answer of the bot once."""

    hostile: Hostile = field(default_factory=lambda: Hostile(SEED))
    asked: int = 0
    waiting: dict[str, Any] = field(default_factory=dict)  # events by the transaction ids of the answers to come
    answered: int = 0
    strange: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.answers |= {"sync": self.next, "send": self.said}

    async def take(self, request: web.Request) -> web.StreamResponse:
        answered = await super().take(request)
        for record in (self.requests, self.since, self.at, self.bodies):
            record.clear()  # else they would be the growth that is looked for
        return answered

    async def next(self, request: web.Request) -> web.StreamResponse:
        place = request.query.get("since", "")
        if request.query.get("full_state") is not None or self.asked >= EVENTS:
            return await self.quiet(request)
        events = []
        for _ in range(AT_ONCE):
            event, asks = self.hostile.event()
            events.append(event)
            if asks:
                self.waiting[key_of(event["event_id"])] = event
        self.asked += AT_ONCE
        timeline = {"events": events, "limited": False, "prev_batch": place}
        joined = {"!room:example.org": {"timeline": timeline, "summary": {"m.joined_member_count": 5}}}
        return web.json_response({"next_batch": f"f{self.asked}", "rooms": {"join": joined}})

    async def said(self, request: web.Request) -> web.StreamResponse:
        key, content = request.path.rpartition("/")[2], await request.json()
        if key not in self.waiting or not is_harmless(content):
            self.strange.append((key, content))
        self.waiting.pop(key, None)
        self.answered += 1
        return web.json_response({"event_id": f"$a{self.answered}"})

    async def sent(self, running: asyncio.Task[None], count: int) -> None:
        """Until so many events were taken, and what asks among them was answered; for as long as it goes on."""
        before = (-1, -1)
        while (self.asked < count or (self.asked >= EVENTS and self.waiting)) and before != (self.asked, self.answered):
            before = (self.asked, self.answered)
            for _ in range(100):
                await asyncio.sleep(0.05)
                if running.done() or (self.asked, self.answered) != before:
                    break
        assert not running.done(), running.exception()


def key_of(event_id: str) -> str:
    """The transaction id of the answer to an event."""
    return sha256(f"reply\nnet\n{event_id}".encode()).hexdigest()[:32]


def is_harmless(content: Any) -> bool:
    """It says that nobody is mentioned, its HTML mentions nobody, and it notifies nobody."""
    tags = TAG.findall(content.get("formatted_body", ""))
    return content["m.mentions"] == {} and content["msgtype"] == "m.notice" and all(map(ALLOWED.fullmatch, tags))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """One announcement, of change 912001."""
    now = datetime.now(UTC)
    store = Store.open(f"sqlite:///{tmp_path / 'bot.db'}", now=now)

    def announce(tx: Any) -> None:
        tx.put([failure(1, 1, unit="set1")])
        tx.said(tx.enqueue(Kind.CHANGE, "set1", ROOM, 0, now, now).id, Said(ANNOUNCEMENT), now)

    await store.write(announce)
    yield store
    await store.close()


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]


@pytest.mark.xdist_group("matrixfuzz")
async def test_hostile_events(store: Store, plain_ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    server, keep = Server(), earlier_keep()
    async with server.serving():
        settings = config(server.url, ME, ignore=[IGNORED], timings=timings(sync=timedelta(seconds=5)))
        chat = MatrixChat("net", settings, [ROOM], keep)

        async def commands(heard: Heard, now: datetime) -> Message | None:
            ask = replace(plain_ask, heard=heard, now=now, store=store, kind="matrix", reactions=REACTIONS)
            return await answer(ask, (heard.called,), Limiter(1, 1))  # so nobody asks too much, or the same again

        replies = Replies(commands, store, {"net": chat}, {"net": True}, lambda: datetime.now(UTC))
        running, began = asyncio.create_task(chat.run(replies.hear)), time.monotonic()
        try:
            await server.sent(running, EVENTS // 10)
            settled = resident()
            await server.sent(running, EVENTS)
            grown, took = resident() - settled, time.monotonic() - began
            status = chat.status()
        finally:
            running.cancel()
            await asyncio.wait([running])
    for event in list(server.waiting.values())[:5]:
        print(f"not answered: {str(event)[:500]}")
    print(f"{server.asked} events in {took:.0f} s, {server.answered} answered, grown by {grown:.1f} MB")
    assert (status.state, status.error, status.rooms) == ("connected", "", {ROOM: "joined"})
    assert (server.strange, complaints(caplog), list(server.waiting.values())) == ([], [], [])
    assert server.answered > EVENTS / 20  # else it tried nothing
    assert grown < MOST_GROWTH
