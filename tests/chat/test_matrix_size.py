"""The largest messages of the worst characters, on a real Synapse: plain, as an edit, in a thread, encrypted.

An event may have 65,536 bytes (https://spec.matrix.org/v1.15/client-server-api/#size-limits).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.talk import Heard, Person, Post, Said
from tests.chat.human_matrix import Event, Refused
from tests.chat.matrix_bot import Bot, config, post
from tests.chat.matrix_scene import Scene

pytestmark = pytest.mark.xdist_group("synapse")

EVENT = 65_536
SANE = 8_000  # bytes of text, and as many characters at most
HUGE = 30_000
# By what they cost: two bytes of JSON for one, twelve of JSON in ASCII, six that a browser might take for a line's end,
# an entity's five in HTML; and what may not come through at all.
WORST = {
    "quotes": '"',
    "backslashes": "\\",
    "line ends": "a\r\n",
    "tabs": "a\t",
    "emoji": "🙈",
    "separators": "a\u2028",
    "markup": "&<>'",
    "controls": "a\x00\x03\x1b\x7f\x9b\ud800",
}
FORBIDDEN = {*map(chr, [*range(9), *range(11, 32), *range(0x7F, 0xA0)])}


def size(event: Event) -> int:
    """As the server counts, and what it adds for clients besides."""
    return len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from leaves(one)
    else:
        yield value


def largest(room: str, kind: str, original: Said) -> list[Post]:
    """Twice: one whose text is cut, one whose HTML is just not too long."""
    character = WORST[kind]
    asked = Heard(original.id, "net", room, False, Person("ada"), "!x", datetime.now(UTC), thread=original.id)
    html = "<b>" + character.replace("\r", "")[:2] * 1_300 + "</b>"
    posts = []
    for number, (text, markup) in enumerate(
        [(character * HUGE, f"<i>{character * HUGE}</i>"), (character * HUGE, html)]
    ):
        many = tuple(f"@{'x' * 50}{other}:example.org" for other in range(20))
        posts.append(post(room, text, f"{kind} {number} plain", html=markup, mentions=many, loud=True))
        posts.append(post(room, text, f"{kind} {number} edit", html=markup, mentions=many, replaces=original))
        posts.append(post(room, text, f"{kind} {number} reply", html=markup, answers=asked))
    return posts


async def test_largest_messages_of_the_worst_characters_arrive(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        original = await bot.chat.say(post(scene.room, "original", "o"))
        for kind in WORST:
            for one in largest(scene.room, kind, original):
                await bot.chat.say(one)
    events = await scene.human.do(scene.human.messages, scene.room_id, scene.user)
    assert len(events) == 1 + len(WORST) * 6
    for event in events[1:]:
        body = event["content"]["body"]
        assert body.endswith("…")
        assert SANE / 15 < len(body) <= len(body.encode()) <= SANE + 2  # the star of an edit
        assert size(event) < EVENT
        found = list(leaves(event["content"]))
        assert all(type(one) in (str, bool, int) for one in found)  # no floats
        assert not any(FORBIDDEN & set(one) for one in found if isinstance(one, str))
    print(f"the largest event has {max(map(size, events))} bytes")
    assert any("formatted_body" in event["content"] for event in events)


async def test_largest_messages_arrive_encrypted(scene: Scene, tmp_path: Path) -> None:
    algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
    await scene.human.do(scene.human.state, scene.room_id, "m.room.encryption", algorithm)
    bot = Bot(config(scene.synapse.url, scene.user, encryption=True), [scene.room], scene.keep, tmp_path / "crypto")
    async with bot.running():
        await bot.ready()
        original = await bot.chat.say(post(scene.room, "original", "o"))
        for kind in WORST:
            for one in largest(scene.room, kind, original):
                await bot.chat.say(one)
    events = await scene.human.do(scene.human.events, scene.room_id)
    encrypted = [event for event in events if event["type"] == "m.room.encrypted"]
    assert len(encrypted) == 1 + len(WORST) * 6
    print(f"the largest event has {max(map(size, encrypted))} bytes")
    assert max(map(size, encrypted)) < EVENT * 0.9


async def test_the_server_refuses_what_the_bot_never_sends(scene: Scene) -> None:
    """So the limit is there, and nobody's configuration of this server has moved it."""
    await scene.human.do(scene.human.send, scene.room_id, "x" * 60_000)
    with pytest.raises(Refused, match="M_TOO_LARGE"):
        await scene.human.do(scene.human.send, scene.room_id, "x" * EVENT)
