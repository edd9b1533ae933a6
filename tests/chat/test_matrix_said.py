"""What is said, where and how loud, on a real Synapse: mentions, living messages, threads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from bot.chat.matrix import redacting
from bot.chat.matrix.config import RoomSpeech
from bot.clock import utc_now
from bot.talk import EVERYBODY, Message, Post, Said
from tests.chat.crypto_scene import CryptoScene
from tests.chat.human_matrix import Human, until
from tests.chat.matrix_bot import post
from tests.chat.matrix_scene import Scene

pytestmark = pytest.mark.xdist_group("synapse")


def counts(human: Human, room_id: str) -> tuple[int, int]:
    """What the person was notified of in the room, and highlighted, since they read last (never, here)."""
    only = json.dumps({"room": {"rooms": [room_id], "timeline": {"limit": 1}}, "presence": {"types": []}})
    answer = human.call("GET", f"sync?timeout=0&filter={quote(only)}")
    unread = answer["rooms"]["join"][room_id]["unread_notifications"]
    return unread["notification_count"], unread["highlight_count"]


async def seen(scene: Scene) -> tuple[int, int]:
    return await scene.human.do(counts, scene.human, scene.room_id)


async def event(scene: Scene, id: str) -> Any:
    return await scene.human.do(scene.human.call, "GET", f"rooms/{scene.room_id}/event/{quote(id)}")


async def test_who_is_notified_and_highlighted(scene: Scene) -> None:
    """A known failure tells nobody, an unknown one everybody, a mention highlights; of edits only a worse one tells."""
    ada = scene.human.id
    async with scene.bot().running() as bot:
        await bot.ready()
        start, light = await seen(scene)

        async def rises(post: Post) -> tuple[int, int]:
            before = await seen(scene)
            await bot.chat.say(post)
            after = await seen(scene)
            return after[0] - before[0], after[1] - before[1]

        known = post(scene.room, f"{ada}: ada failed", "1")
        assert await rises(known) == (0, 0)
        assert await rises(post(scene.room, f"{ada}: ada failed", "2", loud=True)) == (1, 0)
        assert await rises(post(scene.room, "failed", "3", loud=True, mentions=(ada,))) == (1, 1)
        said = await bot.chat.say(known)
        edit = replace(known, key="4", loud=True, mentions=(ada,), replaces=said)
        assert await rises(edit) == (0, 0)
        assert await rises(replace(edit, key="5", wakes=True)) == (1, 1)
        await scene.human.do(scene.human.state, scene.room_id, "m.room.power_levels", {"notifications": {"room": 0}})
        assert await rises(post(scene.room, "failed", "6", loud=True, mentions=(EVERYBODY,))) == (1, 1)
        assert await seen(scene) == (start + 4, light + 3)


async def test_worse_edit_mentions_outside_and_any_edit_inside(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        said = await bot.chat.say(post(scene.room, "1 failed", "1"))
        edit = post(scene.room, "2 failed", "2", loud=True, mentions=("@eve:x", EVERYBODY), replaces=said, wakes=True)
        await bot.chat.say(edit)
        await bot.chat.say(replace(edit, key="3", wakes=False))
    _, worse, quiet = await scene.human.do(scene.human.messages, scene.room_id, scene.user)
    whole = {"user_ids": ["@eve:x"], "room": True}
    assert worse["content"]["m.mentions"] == worse["content"]["m.new_content"]["m.mentions"] == whole
    assert (quiet["content"]["m.mentions"], quiet["content"]["m.new_content"]["m.mentions"]) == ({}, whole)
    assert {one["content"]["m.new_content"]["msgtype"] for one in (worse, quiet)} == {"m.text"}


@pytest.mark.parametrize("fate", ["redacted", "foreign", "vanished", "no id"])
async def test_what_cannot_be_edited_is_said_anew(scene: Scene, fate: str) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        said = await bot.chat.say(post(scene.room, "1 failed", "1"))
        if fate == "redacted":
            path = f"rooms/{scene.room_id}/redact/{quote(said.id)}/x"
            await scene.human.do(scene.human.call, "PUT", path, {"reason": "off topic"})
        elif fate == "foreign":
            said = Said(await scene.say("1 failed"))
        elif fate == "vanished":
            said = Said("$" + "x" * 43)
        else:
            said = Said("not an event id")
        edit = post(scene.room, "2 failed", "2", loud=True, mentions=("@eve:x",), replaces=said)
        anew = await bot.chat.say(edit)
        assert anew.anew
        assert await bot.chat.say(edit) == anew
        last = await bot.chat.say(replace(edit, key="3", message=Message("3 failed"), replaces=Said(anew.id)))
        assert not last.anew
    content = (await event(scene, anew.id))["content"]
    assert content == {"msgtype": "m.notice", "body": "2 failed", "m.mentions": {}, "org.gatewatch.key": "2.anew"}
    assert (await scene.said())[-2:] == ["2 failed", "* 3 failed"]


async def test_an_edit_that_is_out_of_what_is_gone_is_said_anew(scene: Scene) -> None:
    """The answer to it was lost, and before the next try somebody redacted the message."""
    async with scene.bot().running() as bot:
        await bot.ready()
        said = await bot.chat.say(post(scene.room, "1 failed", "1"))
        edit = post(scene.room, "2 failed", "2", replaces=said)
        unseen = await bot.chat.say(edit)
        await scene.human.do(scene.human.redact, scene.room_id, said.id)
        for again in (edit, replace(edit, doubt_since=utc_now())):
            anew = await bot.chat.say(again)
            assert anew.anew and anew.id != unseen.id
    assert (await event(scene, anew.id))["content"]["body"] == "2 failed"
    assert (await scene.said()) == ["* 2 failed", "2 failed"]


async def test_encrypted_messages_are_edited_while_they_are_there(encrypted: CryptoScene) -> None:
    human = await asyncio.to_thread(encrypted.plain)
    encrypted.room_id = await human.do(human.create, public=False, invite=encrypted.user)
    algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
    await human.do(human.state, encrypted.room_id, "m.room.encryption", algorithm)
    async with encrypted.running() as bot:
        said = await bot.chat.say(post(encrypted.room, "1 failed", "1"))
        edit = post(encrypted.room, "2 failed", "2", replaces=said)
        edited = await bot.chat.say(edit)
        path = f"rooms/{encrypted.room_id}/redact/{quote(said.id)}/x"
        await human.do(human.call, "PUT", path, {})
        anew = await bot.chat.say(replace(edit, key="3"))
    assert (edited.anew, anew.anew) == (False, True)
    events = await human.do(human.events, encrypted.room_id)
    there = {
        one["event_id"]: one["content"].get("m.relates_to", {}) for one in events if one["sender"] == encrypted.user
    }
    assert there[edited.id] == {"rel_type": "m.replace", "event_id": said.id}
    assert there[anew.id] == {}


async def test_threads_hold_corrections_that_say_something_and_replies(scene: Scene) -> None:
    rooms = {f"#{scene.alias}:localhost.test": RoomSpeech(threads=True)}
    async with scene.bot(rooms=rooms).running() as bot:
        await bot.ready()
        said = await bot.chat.say(post(scene.room, "1 failed", "1"))
        worse = Message("2 failed", changed="also: <b>")
        edit = Post(scene.room, "2", worse, True, (scene.human.id,), replaces=said, wakes=True)
        before = await seen(scene)
        for _ in range(2):  # in doubt it is said again
            await bot.chat.say(edit)
        after = await seen(scene)
        await bot.chat.say(replace(edit, key="3", message=Message("2 failed, #1"), wakes=False))
        asked = await scene.say("!top")
        await until(lambda: bot.heard)
        await bot.chat.say(post(scene.room, "nothing", "4", answers=bot.heard[0]))
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)
    contents = [one["content"] for one in await scene.human.do(scene.human.messages, scene.room_id, scene.user)]
    assert [one["body"] for one in contents] == ["1 failed", "* 2 failed", "also: <b>", "* 2 failed, #1", "nothing"]
    assert [one["m.mentions"] for one in contents] == [{}, {}, {"user_ids": [scene.human.id]}, {}, {}]
    assert (contents[2]["msgtype"], contents[4]["msgtype"]) == ("m.text", "m.notice")
    for content, root in ((contents[2], said.id), (contents[4], asked)):
        assert content["m.relates_to"] == {
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": root},
        }


async def test_what_is_corrected_while_it_is_taken_back_goes_too(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        said = await bot.chat.say(post(scene.room, "secret 1", "1"))
        read, corrected = redacting.own_events, list[str]()

        async def then_correct(client: Any, *arguments: Any) -> AsyncIterator[Any]:
            async for event in read(client, *arguments):
                yield event
            if not corrected:
                corrected.append((await bot.chat.say(post(scene.room, "secret 2", "2", replaces=said))).id)

        monkeypatch.setattr(redacting, "own_events", then_correct)
        taken = await redacting.take_back("net", bot.chat._config, scene.keep, (scene.room_id, said.id), "")
    assert (taken, len(corrected)) == (2, 1)
    assert (await event(scene, corrected[0]))["content"] == {}
    assert await scene.said() == []
