"""Hostile state, keys and invitations of other rooms: the bot lives, and hears what is said in its own."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.chat.matrix.crosssigning import Identity, new_seeds
from tests.chat.fake_matrix import ROOM, USER, FarEnd, bot_for, earlier_keep, line, refuses, says
from tests.chat.hostile_state import HostileAnswers
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import milliseconds, timings

ANSWERS = int(os.environ.get("GATEWATCH_FUZZED_MATRIX", "5000")) // 20
SEED = 20261126
ODD = tuple(f"!odd{number}:example.org" for number in range(8))


class Server(FarEnd):
    """Each of its answers is hostile, and has one line in the bot's room."""

    def __init__(self) -> None:
        super().__init__()
        self.hostile = HostileAnswers(SEED, ODD)
        self.asked = 0
        identity = Identity(USER, new_seeds()).upload("D", lambda _: "")  # somebody else's, so nothing is to be signed
        self.answers |= {
            "keys/query": says({"device_keys": {}, "master_keys": {USER: identity["master_key"]}}),
            "sync": self.next,
            "messages": self.back,
            "joined_members": says({"joined": {}}),
            "join": refuses("M_FORBIDDEN", 403),
            "leave": says({}),
            "directory": refuses("M_NOT_FOUND", 404),
        }

    async def next(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("full_state") is not None or self.asked >= ANSWERS:
            return await self.quiet(request)
        self.asked += 1
        answer: dict[str, Any] = self.hostile.answer()
        timeline = {"events": [line(f"!{self.asked}")], "limited": False, "prev_batch": "p"}
        answer["rooms"]["join"]["!room:example.org"] = {"timeline": timeline}
        return web.json_response({"next_batch": f"f{self.asked}", **answer})

    async def back(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"chunk": self.hostile.events(5), "start": "p"})


@pytest.mark.parametrize("encrypts", [False, True])
async def test_hostile_state_of_other_rooms_costs_nothing_else(
    tmp_path: Path, encrypts: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    server = Server()
    quick = timings(pause=milliseconds(1), key_wait=milliseconds(1))
    async with server.serving():
        bot = bot_for(server, earlier_keep(), tmp_path / "crypto" if encrypts else None, timings=quick)
        async with bot.running():
            assert bot.task is not None
            await until(lambda: len(bot.heard) >= ANSWERS or bot.task.done(), 60 + ANSWERS / 10)
            assert not bot.task.done(), bot.task.exception()
            heard = [text for text in bot.texts() if text.startswith("!")]
            assert heard == [f"!{number + 1}" for number in range(ANSWERS)]
            assert bot.chat.status().rooms == {ROOM: "joined"} and bot.chat.status().ready
    assert [record.getMessage() for record in caplog.records if record.name.startswith("bot.")] == []
