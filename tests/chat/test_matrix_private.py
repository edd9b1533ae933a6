"""A verb alone is a command in private only: a room of many people must not look private."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chat.fake_matrix import USER, Answer, FarEnd, earlier_keep, line, refuses, says
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import Bot, config

ADA, EVE, TALK = "@ada:example.org", "@eve:example.org", "!talk:example.org"


def members(*people: str) -> Answer:
    return says({"joined": {person: {"display_name": None, "avatar_url": None} for person in people}})


def counts(joined: int, invited: int) -> dict[str, Any]:
    return {"m.joined_member_count": joined, "m.invited_member_count": invited}


@pytest.mark.parametrize(
    ("summary", "answer", "asked", "heard"),
    [
        ({}, members(USER, ADA), 1, ["top", "!help"]),
        ({}, members(USER, ADA, EVE), 1, ["!help"]),
        ({}, refuses("M_FORBIDDEN", 403), 2, ["!help"]),
        (counts(2, 0), refuses("M_FORBIDDEN", 403), 0, ["top", "!help"]),
        (counts(2, 1), refuses("M_FORBIDDEN", 403), 0, ["!help"]),
        ({"m.joined_member_count": 2}, members(USER, ADA, EVE), 1, ["!help"]),
    ],
)
async def test_private_is_where_the_server_shows_nobody_else(
    summary: dict[str, Any], answer: Answer, asked: int, heard: list[str]
) -> None:
    far_end = FarEnd()
    timeline = {"events": [line("top", ADA), line("!help", ADA)], "limited": False, "prev_batch": "p"}
    room = {"timeline": timeline, "summary": summary}
    far_end.plays(tok1=says({"next_batch": "n1", "rooms": {"join": {TALK: room}}}))
    far_end.answers["joined_members"] = answer
    async with far_end.serving():
        chat = Bot(config(far_end.url, USER, leave_unknown=False), [], earlier_keep())
        async with chat.running() as bot:
            await until(lambda: "!help" in bot.texts())
    assert bot.texts() == heard
    assert far_end.count("GET joined_members") == asked
