"""How the bot comes into its rooms at a homeserver that is in trouble, or does not let it: seldom, and saying why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import TemporaryError
from tests.chat.fake_matrix import ROOM, Answer, FarEnd, bad_gateway, bot_for, earlier_keep, line, refuses, stream
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import MemoryKeep, post, timings

ADA = "@ada:example.org"
NEW = "!new:elsewhere.org"
SLOW = timings(join_pause=timedelta(seconds=60), longest_join_pause=timedelta(seconds=60))


@pytest.fixture
async def far_end() -> AsyncIterator[FarEnd]:
    server = FarEnd()
    async with server.serving():
        yield server


@pytest.fixture
def keep() -> MemoryKeep:
    return earlier_keep()


def state(kind: str, **content: Any) -> dict[str, Any]:
    return line(kind, ADA) | {"type": kind, "state_key": "", "content": content}


def moved() -> Answer:
    """The room tells that it has moved."""
    return stream("n1", state("m.room.create", room_version="12"), state("m.room.tombstone", replacement_room=NEW))


# -- rooms that moved -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (bad_gateway, "HTTP 502"),
        (refuses("M_UNKNOWN", 503, retry_after_ms=60_000), "HTTP 503"),
        (refuses("M_LIMIT_EXCEEDED", 429, retry_after_ms=60_000), "too many requests"),
    ],
)
async def test_a_room_that_cannot_be_followed_now_is_tried_seldom_and_closed(
    far_end: FarEnd, keep: MemoryKeep, answer: Answer, sentence: str
) -> None:
    far_end.plays(tok1=moved())
    far_end.answers["join"] = answer
    asked_to_wait = answer is not bad_gateway
    async with bot_for(far_end, keep, **({} if asked_to_wait else {"timings": SLOW})).running() as bot:
        await until(lambda: far_end.count("POST join") > 0)
        await until(lambda: sentence in bot.chat.status().rooms[ROOM])
        assert f"the room moved to {NEW}" in bot.chat.status().rooms[ROOM]
        with pytest.raises(TemporaryError, match="cannot follow now"):
            await bot.chat.say(post(ROOM, "alert", "k"))
        await asyncio.sleep(0.5)  # the time in which the requests are counted
        assert far_end.count("POST join") == 1
