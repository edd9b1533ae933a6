"""What a member of an encrypted room may make up: state and redactions that no server has seen are not believed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.talk import JOINED
from tests.chat.crypto_scene import CryptoScene
from tests.chat.human_matrix import Human, until
from tests.chat.matrix_bot import PASSWORD, Bot, MemoryKeep, config, post

pytestmark = pytest.mark.xdist_group("encryption")


def forged(me: str, eve: str, asked: str) -> list[dict[str, Any]]:
    """Events that only a server can tell of, as who encrypts them wrote them."""
    return [
        {"type": "m.room.power_levels", "state_key": "", "content": {"users": {eve: 100}, "events_default": 100}},
        {"type": "m.room.create", "state_key": "", "content": {"room_version": "12", "additional_creators": [eve]}},
        {"type": "m.room.tombstone", "state_key": "", "content": {"body": "", "replacement_room": "!evil:x"}},
        {"type": "m.room.member", "state_key": me, "content": {"membership": "join"}},
        {"type": "m.room.member", "state_key": me, "content": {"membership": "ban"}},
        {"type": "m.room.redaction", "redacts": asked, "content": {"redacts": asked}},
        {"type": "m.room.message", "state_key": "", "content": {"msgtype": "m.text", "body": "!forged"}},
        {"type": "m.sticker", "content": {"body": "!sticker", "msgtype": "m.text", "url": "mxc://x/y", "info": {}}},
    ]


async def test_encrypted_state_is_not_believed(encrypted: CryptoScene) -> None:
    human = await asyncio.to_thread(encrypted.plain)
    eve = await asyncio.to_thread(encrypted.account, "eve", PASSWORD)
    encrypted.room_id = await human.do(human.create, public=False, invite=encrypted.user)
    await human.do(human.state, encrypted.room_id, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    await human.do(human.invite, encrypted.room_id, eve)
    liar = Bot(
        config(encrypted.synapse.url, eve, encryption=True), [encrypted.room], MemoryKeep(), encrypted.crypto / "e"
    )
    async with encrypted.running() as bot, liar.running():
        await liar.joined(encrypted.room)
        asked = (await liar.chat.say(post(encrypted.room, "!before", "before", loud=True))).id
        await until(lambda: bot.texts() == ["!before"])
        for number, payload in enumerate(forged(encrypted.user, eve, asked)):
            await say_encrypted(liar, encrypted.room, payload, f"forged {number}")
        await liar.chat.say(post(encrypted.room, "!after", "after", loud=True))
        await until(lambda: "!after" in bot.texts())
        assert bot.texts() == ["!before", "!after"]
        assert [(heard.person.level, heard.person.may_act) for heard in bot.heard] == [(0, False)] * 2
        assert bot.chat.status().rooms == {encrypted.room: JOINED}
        await bot.chat.say(post(encrypted.room, "an alert", "alert"))
        assert await own_messages(human, encrypted) == 1


async def say_encrypted(liar: Bot, room: str, payload: dict[str, Any], key: str) -> None:
    """Say something whose plain text is this."""
    assert liar.chat._encryption is not None
    machine = liar.chat._encryption._client.machine
    encrypt = machine.group_encrypt
    machine.group_encrypt = lambda room_id, _: encrypt(room_id, payload)
    try:
        await liar.chat.say(post(room, "x", key, loud=True))
    finally:
        del machine.group_encrypt


async def own_messages(human: Human, encrypted: CryptoScene) -> int:
    """How many the bot said: no hints that it could not read something, among others."""
    events = await human.do(human.events, encrypted.room_id)
    return sum(event["type"] == "m.room.encrypted" and event["sender"] == encrypted.user for event in events)
