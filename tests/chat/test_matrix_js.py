"""The bot in encrypted rooms with a person at matrix-js-sdk (Rust crypto), as Element has it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import shutil
from typing import Any

import pytest
from Crypto.Cipher import AES

from bot.chat.matrix.cryptofolder import SEEDS
from bot.chat.matrix.timeline import TIMELINE
from bot.talk import Message, Post
from tests.chat.crypto_scene import NO_SHIELD, CryptoScene, plainly
from tests.chat.human_js import JsHuman
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import PASSWORD, post
from tests.chat.test_matrix_pictures import picture, size

pytestmark = pytest.mark.xdist_group("encryption")

UNSIGNED_DEVICE = 2  # EventShieldReason.UNSIGNED_DEVICE, as the client numbers it


@pytest.mark.parametrize(("mode", "version"), [("normal", "11"), ("strict", "12")])
async def test_both_ways_without_a_shield(encrypted: CryptoScene, mode: str, version: str) -> None:
    encrypted.version = version
    async with encrypted.human(mode=mode) as human:
        await encrypted.room_of(human)
        async with encrypted.running() as bot:
            said = await bot.chat.say(post(encrypted.room, "job failed", "d1r0", html="<b>job</b> failed"))
            shown = await human.reads(encrypted.room_id, "job failed")
            assert plainly(shown) == NO_SHIELD
            assert shown["content"]["formatted_body"] == "<b>job</b> failed"
            await human.send(encrypted.room_id, "!why 1")
            await until(lambda: bot.texts() == ["!why 1"])
            assert bot.heard[0].person.verified
            await bot.chat.say(post(encrypted.room, "2 jobs failed", "d1r1", replaces=said))
            edit = await human.reads(encrypted.room_id, "* 2 jobs failed")
            assert edit["relation"] == {"rel_type": "m.replace", "event_id": said.id}
            assert plainly(edit) == NO_SHIELD
        assert human.unreadable(encrypted.room_id) == []


async def test_a_device_that_nobody_signed_is_hidden_from_strict_clients(encrypted: CryptoScene) -> None:
    """The account has an identity that somebody else made: the bot leaves that alone, and says what to do."""
    async with JsHuman.at(encrypted.synapse.url, encrypted.user, PASSWORD):
        pass
    async with encrypted.human(mode="strict") as strict, encrypted.human() as normal:
        await encrypted.room_of(strict, normal.id)
        await normal.do("join", room=encrypted.room_id)
        async with encrypted.running() as bot:
            shown = await encrypted.says(bot, normal, "job failed")
            assert (shown["encrypted"], shown["why"]) == (True, UNSIGNED_DEVICE)
            await until(lambda: strict.unreadable(encrypted.room_id))
            await strict.send(encrypted.room_id, "!why 1")
            hint = await until(lambda: [one for one in normal.said(encrypted.room_id) if "does not trust" in one])
            assert "gatewatch matrix verify" in hint[0]
            status = bot.chat.status()
            assert "has a cross-signing identity that the bot did not make" in status.encryption
            assert status.encryption == f"not signed: {status.notices[0]}"
            assert bot.texts() == []


async def test_what_was_said_while_the_bot_was_down_and_a_new_device(encrypted: CryptoScene) -> None:
    async with encrypted.human() as human:
        await encrypted.room_of(human)
        async with encrypted.running() as bot:
            first = await bot.chat.say(post(encrypted.room, "before", "d1r0"))
            await human.reads(encrypted.room_id, "before")
            fingerprint = bot.chat.status().fingerprint
        await human.do("discard", room=encrypted.room_id)
        await human.send(encrypted.room_id, "!new")
        async with encrypted.human(human.id) as phone, encrypted.running() as bot:
            await until(lambda: bot.texts() == ["!new"])
            again = await bot.chat.say(post(encrypted.room, "before", "d1r0"))
            assert again.id == first.id
            for reader in (human, phone):
                assert plainly(await encrypted.says(bot, reader, f"after, {reader.device}")) == NO_SHIELD
            assert bot.chat.status().fingerprint == fingerprint
        assert [text for text in human.said(encrypted.room_id) if text == "before"] == ["before"]


async def test_more_than_one_answer_holds_with_several_keys(encrypted: CryptoScene) -> None:
    async with encrypted.human() as human:
        await encrypted.room_of(human)
        async with encrypted.running() as bot:
            await encrypted.says(bot, human, "hello")
        asked = [f"!why {number}" for number in range(TIMELINE + 10)]
        for number, text in enumerate(asked):
            if number % 20 == 0:
                await human.do("discard", room=encrypted.room_id)
            await human.send(encrypted.room_id, text)
        async with encrypted.running() as bot:
            await until(lambda: len(bot.heard) >= len(asked))
            assert bot.texts() == asked


async def test_a_private_talk_is_encrypted_as_clients_begin_them(encrypted: CryptoScene) -> None:
    async with encrypted.human() as human:
        await encrypted.room_of(human)
        async with encrypted.running() as bot:
            await encrypted.says(bot, human, "hello")
            talk = (await human.do("create", version="11", invite=[encrypted.user], direct=True))["room_id"]
            await until(lambda: human.joined(talk, encrypted.user))
            await human.send(talk, "help")
            heard = (await until(lambda: bot.heard))[0]
            assert (heard.private, heard.text) == (True, "help")
            await bot.chat.say(Post(heard.room, "r1", Message("here I am"), answers=heard))
            assert plainly(await human.reads(talk, "here I am")) == NO_SHIELD
            await human.do("ask", user=encrypted.user, room=talk)
            answer = await until(lambda: [text for text in human.said(talk) if "cannot compare emoji" in text])
            status = bot.chat.status()
            assert f"my session {status.device} in my profile: its key has to be {status.fingerprint}." in answer[0]


@pytest.mark.parametrize("lost", ["all", "all but the seeds"])
async def test_a_lost_folder_makes_a_new_device_which_is_trusted_too(encrypted: CryptoScene, lost: str) -> None:
    async with encrypted.human(mode="strict") as human:
        await encrypted.room_of(human)
        async with encrypted.running() as bot:
            await encrypted.says(bot, human, "before")
            old = bot.chat.status()
        seeds = (encrypted.crypto / SEEDS).read_bytes()
        shutil.rmtree(encrypted.crypto)
        if lost != "all":
            encrypted.crypto.mkdir()
            (encrypted.crypto / SEEDS).write_bytes(seeds)
        async with encrypted.running() as bot:
            assert plainly(await encrypted.says(bot, human, "after")) == NO_SHIELD
            await human.send(encrypted.room_id, "!new")
            await until(lambda: bot.texts() == ["!new"])
            new = bot.chat.status()
            assert new.device != old.device and new.fingerprint != old.fingerprint
            [notice] = new.notices
            assert f"the bot is the new device {new.device} now" in notice


async def test_a_message_without_its_key_gets_one_hint(encrypted: CryptoScene) -> None:
    async with encrypted.human() as human:
        await encrypted.room_of(human)
        async with encrypted.running() as bot:
            await encrypted.says(bot, human, "hello")
            for number in range(3):
                await human.do("raw", method="PUT", path=odd(encrypted.room_id, number), body=NO_KEY)
            await until(lambda: hints(human, encrypted.room_id))
            await human.send(encrypted.room_id, "!new")
            await until(lambda: bot.texts() == ["!new"])
            await encrypted.says(bot, human, "the end")
            assert len(hints(human, encrypted.room_id)) == 1


async def test_a_room_is_encrypted_while_the_bot_is_in_it(encrypted: CryptoScene) -> None:
    async with encrypted.human() as human:
        answer = await human.do("raw", method="POST", path="/createRoom", body={"invite": [encrypted.user]})
        encrypted.room_id = answer["room_id"]
        async with encrypted.running() as bot:
            assert not (await encrypted.says(bot, human, "in plain text"))["encrypted"]
            content = {"algorithm": "m.megolm.v1.aes-sha2"}
            path = f"/rooms/{encrypted.room_id}/state/m.room.encryption"
            await human.do("raw", method="PUT", path=path, body=content)
            await human.send(encrypted.room_id, "!new")
            await until(lambda: bot.texts() == ["!new"])
            assert plainly(await encrypted.says(bot, human, "in secret")) == NO_SHIELD


async def test_a_reply_stays_in_its_thread(encrypted: CryptoScene) -> None:
    async with encrypted.human() as human:
        await encrypted.room_of(human)
        async with encrypted.running() as bot:
            await encrypted.says(bot, human, "hello")  # the human's client knows now that the bot is there
            root = await human.send(encrypted.room_id, "shall we look?")
            relation = {"rel_type": "m.thread", "event_id": root}
            await human.send(encrypted.room_id, "!top", **{"m.relates_to": relation})
            heard = (await until(lambda: bot.heard))[0]
            assert heard.thread == root
            await bot.chat.say(Post(encrypted.room, "r1", Message("nothing"), answers=heard))
            shown = await human.reads(encrypted.room_id, "nothing")
            assert shown["relation"]["event_id"] == root and shown["relation"]["rel_type"] == "m.thread"


async def test_a_picture_is_encrypted_too(encrypted: CryptoScene) -> None:
    shown = picture(1000, 450, "two bars")
    async with encrypted.human() as human:
        await encrypted.room_of(human)
        async with encrypted.running() as bot:
            await encrypted.says(bot, human, "hello")  # the human's client knows now that the bot is there
            await human.send(encrypted.room_id, "!top")
            heard = (await until(lambda: bot.heard))[0]
            await bot.chat.say(Post(encrypted.room, "r1", Message("the top", picture=shown), answers=heard))
            image = await human.reads(encrypted.room_id, "two bars")
    assert plainly(image) == NO_SHIELD
    content = image["content"]
    assert (content["msgtype"], "url" in content) == ("m.image", False)
    anybody = await asyncio.to_thread(encrypted.plain)
    _, uploaded = await anybody.do(anybody.download, content["file"]["url"])
    assert opened(uploaded, content["file"]) == shown.png
    _, smaller = await anybody.do(anybody.download, content["info"]["thumbnail_file"]["url"])
    assert size(opened(smaller, content["info"]["thumbnail_file"])) == ("PNG", (800, 360))


def opened(uploaded: bytes, file: dict[str, Any]) -> bytes:
    """https://spec.matrix.org/v1.15/client-server-api/#sending-encrypted-attachments"""
    assert hashlib.sha256(uploaded).digest() == unpadded(file["hashes"]["sha256"])
    counter = unpadded(file["iv"])
    cipher = AES.new(unpadded(file["key"]["k"]), AES.MODE_CTR, nonce=counter[:8], initial_value=counter[8:])
    return cipher.decrypt(uploaded)


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4))


NO_KEY = {
    "algorithm": "m.megolm.v1.aes-sha2",
    "ciphertext": "AwgAEpABm6",
    "device_id": "GONE",
    "sender_key": "mC2Q5yl1wVQ9BCyPqR5sMBnC0mMUXnDKLIbhpeOAKQU",
    "session_id": "no such session",
}


def odd(room_id: str, number: int) -> str:
    return f"/rooms/{room_id}/send/m.room.encrypted/odd{number}"


def hints(human: JsHuman, room_id: str) -> list[str]:
    return [text for text in human.said(room_id) if "could not read that" in text]
