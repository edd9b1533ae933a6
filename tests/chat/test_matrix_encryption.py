"""Keys of encryption at a real Synapse: kept up, kept safe, and nobody's odd ones in anybody's way."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from nio import ToDeviceMessage
from pydantic import SecretStr

from bot.chat.matrix.checks import MORE_LIBRARIES
from bot.chat.matrix.cryptofolder import PICKLE_KEY, SEEDS, CryptoFolder
from bot.chat.matrix.login import log_in
from bot.chat.matrix.verify import look
from bot.errors import PermanentError, TemporaryError
from tests.chat.crypto_scene import NO_SHIELD, CryptoScene, plainly
from tests.chat.human_matrix import Human, until
from tests.chat.matrix_bot import PASSWORD, config, milliseconds, post, timings

pytestmark = pytest.mark.xdist_group("encryption")

ENCRYPTED = {"algorithm": "m.megolm.v1.aes-sha2"}
GARBAGE = "never a key"
POLLS_OFTEN = timings(sync=milliseconds(300))  # no server answers a poll early because of one-time keys


async def encrypted_room(encrypted: CryptoScene, human: Human, content: dict[str, Any] | None = None) -> None:
    """A room that the human encrypts (with this content), the bot invited."""
    encrypted.room_id = await human.do(human.create, public=False, invite=encrypted.user)
    await human.do(human.state, encrypted.room_id, "m.room.encryption", ENCRYPTED if content is None else content)


async def refusal(running: asyncio.Task[None] | None) -> str:
    """The sentence with which the bot gives up."""
    assert running is not None
    await asyncio.wait([running], timeout=20)
    error = running.exception()
    assert isinstance(error, PermanentError), error
    return str(error)


async def take_one_time_keys(human: Human, bot: str, device: str, most: int = 200) -> int:
    """As everybody does who talks to the bot for the first time; how many there were."""
    for taken in range(most):
        if not await has_one_time_keys(human, bot, device):
            return taken
    return most


async def has_one_time_keys(human: Human, bot: str, device: str) -> bool:
    """Takes one."""
    body = {"one_time_keys": {bot: {device: "signed_curve25519"}}}
    answer = await human.do(human.call, "POST", "keys/claim", body)
    return bool(answer["one_time_keys"].get(bot, {}).get(device))


# -- what goes out --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [ENCRYPTED, {"algorithm": "m.of.tomorrow"}, {}])
async def test_nothing_is_said_in_plain_text_in_an_encrypted_room(
    encrypted: CryptoScene, content: dict[str, Any]
) -> None:
    human = await asyncio.to_thread(encrypted.plain)
    await encrypted_room(encrypted, human, content)
    async with encrypted.bot(encryption=False).running() as bot:
        await bot.ready()
        shut = "the room is encrypted: set encryption: true for this network"
        await until(lambda: bot.chat.status().rooms == {encrypted.room: shut})
        with pytest.raises(TemporaryError, match=shut):  # it waits in the outbox
            await bot.chat.say(post(encrypted.room, "secret", "d1r0"))
    async with encrypted.running() as bot:
        if content == {"algorithm": "m.of.tomorrow"}:
            with pytest.raises(PermanentError, match=r"in a way that is not known: m\.of\.tomorrow"):
                await bot.chat.say(post(encrypted.room, "secret", "d1r1"))
        else:
            await bot.chat.say(post(encrypted.room, "secret", "d1r1"))
    assert await human.do(human.bodies, encrypted.room_id, encrypted.user) == []


async def test_the_same_post_twice_is_one_event_though_its_cipher_differs(encrypted: CryptoScene) -> None:
    human = await asyncio.to_thread(encrypted.plain)
    await encrypted_room(encrypted, human)
    said = []
    for _ in range(2):
        async with encrypted.running() as bot:
            said += [await bot.chat.say(post(encrypted.room, "job failed", "d1r0")) for _ in range(2)]
    events = await human.do(human.events, encrypted.room_id)
    sent = [event["event_id"] for event in events if event["type"] == "m.room.encrypted"]
    assert sent == [said[0].id] and {one.id for one in said} == set(sent)


async def test_odd_keys_of_one_member_keep_the_message_from_nobody_else(encrypted: CryptoScene) -> None:
    """Anybody may upload anything as a key, and send anything to a device."""
    odd = await asyncio.to_thread(encrypted.plain)
    device = {
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "device_id": "PHONE",
        "user_id": odd.id,
        "keys": {"ed25519:PHONE": GARBAGE, "curve25519:PHONE": GARBAGE},
        "signatures": {odd.id: {"ed25519:PHONE": GARBAGE}},
    }
    one_time = {"signed_curve25519:AAAA": {"key": GARBAGE, "signatures": {odd.id: {"ed25519:PHONE": GARBAGE}}}}
    await odd.do(odd.call, "POST", "keys/upload", {"device_keys": device, "one_time_keys": one_time})
    async with encrypted.human() as human:
        await encrypted.room_of(human, odd.id)
        await odd.do(odd.join, encrypted.room_id)
        async with encrypted.running() as bot:
            assert plainly(await encrypted.says(bot, human, "one")) == NO_SHIELD
            for kind, content in odd_to_device(bot.chat.status().device):
                messages = {"messages": {encrypted.user: {bot.chat.status().device: content}}}
                await odd.do(odd.call, "PUT", f"sendToDevice/{kind}/{time.monotonic_ns()}", messages)
            await human.send(encrypted.room_id, "!new")
            await until(lambda: bot.texts() == ["!new"])
            assert plainly(await encrypted.says(bot, human, "two")) == NO_SHIELD
            assert bot.chat.status().error == ""


def odd_to_device(device: str) -> list[tuple[str, dict[str, Any]]]:
    olm = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "sender_key": GARBAGE}
    return [
        ("m.room.encrypted", {**olm, "ciphertext": {GARBAGE: {"type": 0, "body": GARBAGE}}}),
        ("m.room.encrypted", {**olm, "ciphertext": GARBAGE}),
        ("m.room.encrypted", {}),
        ("m.room_key", {"algorithm": "m.megolm.v1.aes-sha2", "session_key": GARBAGE}),
        ("m.room_key_request", {"action": "request", "requesting_device_id": device, "request_id": "1"}),
        ("m.key.verification.start", {"method": "m.sas.v1", "from_device": "PHONE", "transaction_id": "1"}),
        ("m.room_key.withheld", {"session_id": [], "code": {}}),
    ]


async def test_a_key_event_that_is_refused_keeps_no_other_back(encrypted: CryptoScene) -> None:
    human = await asyncio.to_thread(encrypted.plain)
    await encrypted_room(encrypted, human)
    async with encrypted.running() as bot:
        assert bot.chat._encryption is not None
        waiting = bot.chat._encryption._client.outgoing_to_device_messages
        waiting += [ToDeviceMessage("m.dummy", user, "PHONE", {}) for user in ("no Matrix id", human.id)]
        await human.do(human.send, encrypted.room_id, "!new")
        await until(lambda: not waiting)
    answer = await human.do(human.call, "GET", "sync?timeout=0")
    assert [one["sender"] for one in answer["to_device"]["events"] if one["type"] == "m.dummy"] == [encrypted.user]


async def test_only_signed_devices_get_the_key_where_the_config_says_so(encrypted: CryptoScene) -> None:
    async with encrypted.human() as signed, encrypted.human(mode="unsigned") as unsigned:
        await encrypted.room_of(signed, unsigned.id)
        await unsigned.do("join", room=encrypted.room_id)
        async with encrypted.running(ignore_unverified_devices=False) as bot:
            await encrypted.says(bot, signed, "for the signed")
            await until(lambda: unsigned.unreadable(encrypted.room_id))
            for human in (signed, unsigned):
                await human.send(encrypted.room_id, "!new")
            await until(lambda: len(bot.heard) == 2)
            assert {heard.person.account: heard.person.verified for heard in bot.heard} == {
                signed.id: True,
                unsigned.id: False,
            }
        async with encrypted.running() as bot:
            await encrypted.says(bot, unsigned, "for all")


# -- keys are kept up -----------------------------------------------------------------------------------------


async def test_one_time_keys_that_ran_out_are_made_again(encrypted: CryptoScene) -> None:
    human = await asyncio.to_thread(encrypted.plain)
    await encrypted_room(encrypted, human)
    async with encrypted.running(timings=POLLS_OFTEN) as bot:
        device = bot.chat.status().device
        assert await take_one_time_keys(human, encrypted.user, device) >= 50
        await until(lambda: has_one_time_keys(human, encrypted.user, device))
    await take_one_time_keys(human, encrypted.user, device)
    async with encrypted.running():
        await until(lambda: has_one_time_keys(human, encrypted.user, device))


async def test_an_old_copy_of_the_folder_makes_a_new_device(encrypted: CryptoScene) -> None:
    """It would give its next one-time keys the names of those that are at the homeserver already."""
    human = await asyncio.to_thread(encrypted.plain)
    await encrypted_room(encrypted, human)
    async with encrypted.running() as bot:
        old = bot.chat.status().device
    copy = (encrypted.crypto / f"{old}.db").read_bytes()
    await take_one_time_keys(human, encrypted.user, old, 10)
    async with encrypted.running(timings=POLLS_OFTEN) as bot:
        newer = bot.chat.status().synced
        await until(lambda: bot.chat.status().synced not in (None, newer))
    (encrypted.crypto / f"{old}.db").write_bytes(copy)
    await take_one_time_keys(human, encrypted.user, old, 5)
    async with encrypted.running() as bot:
        await until(lambda: bot.chat.status().device != old and bot.chat.status().ready)
        assert "are older than those on the homeserver" in bot.chat.status().notices[0]


async def test_a_broken_session_with_a_device_is_made_anew(encrypted: CryptoScene) -> None:
    """What came through it is lost, and its sender told so; the next key comes through a new one."""
    async with encrypted.human() as human:
        await encrypted.room_of(human)
        async with encrypted.running() as bot:
            await encrypted.says(bot, human, "hello")
            await human.send(encrypted.room_id, "!one")
            await until(lambda: bot.texts() == ["!one"])
            device = bot.chat.status().device
        with sqlite3.connect(encrypted.crypto / f"{device}.db") as store:
            store.execute("DELETE FROM olmsessions")
        async with encrypted.running() as bot:
            await human.do("discard", room=encrypted.room_id)
            await human.send(encrypted.room_id, "!two")
            await until(lambda: any("could not read that" in text for text in human.said(encrypted.room_id)))
            await human.do("discard", room=encrypted.room_id)
            await human.send(encrypted.room_id, "!three")
            await until(lambda: bot.texts() == ["!three"])


# -- the folder -----------------------------------------------------------------------------------------------


async def test_nobody_else_may_read_the_folder(encrypted: CryptoScene) -> None:
    human = await asyncio.to_thread(encrypted.plain)
    await encrypted_room(encrypted, human)
    async with encrypted.running() as bot:
        device = bot.chat.status().device
    assert stat.S_IMODE(encrypted.crypto.stat().st_mode) == 0o700
    for name in (PICKLE_KEY, SEEDS, f"{device}.db"):
        assert stat.S_IMODE((encrypted.crypto / name).stat().st_mode) == 0o600
    key = (encrypted.crypto / PICKLE_KEY).read_text().strip()
    assert len(key) == 64 and key not in (encrypted.crypto / f"{device}.db").read_bytes().decode("latin-1")
    with sqlite3.connect(encrypted.crypto / f"{device}.db") as store:
        assert store.execute("SELECT count(*) FROM accounts").fetchone() == (1,)


async def test_a_key_that_is_not_the_store_s_stops_the_network_with_a_sentence(encrypted: CryptoScene) -> None:
    human = await asyncio.to_thread(encrypted.plain)
    await encrypted_room(encrypted, human)
    async with encrypted.running():
        pass
    (encrypted.crypto / PICKLE_KEY).write_text("another\n")
    async with encrypted.bot().running() as bot:
        assert f"{PICKLE_KEY} is not the key of GW" in await refusal(bot.task)
    (encrypted.crypto / PICKLE_KEY).unlink()
    async with encrypted.bot().running() as bot:
        assert f"{PICKLE_KEY} is gone: put both back from one backup" in await refusal(bot.task)


async def test_a_store_that_is_none_stops_the_network_with_a_sentence(encrypted: CryptoScene) -> None:
    human = await asyncio.to_thread(encrypted.plain)
    await encrypted_room(encrypted, human)
    async with encrypted.running() as bot:
        device = bot.chat.status().device
    (encrypted.crypto / f"{device}.db").write_bytes(b"no database" * 1000)
    async with encrypted.bot().running() as bot:
        assert f"{device}.db cannot be used: " in await refusal(bot.task)


async def test_a_store_that_cannot_be_written_for_a_while_costs_no_message(encrypted: CryptoScene) -> None:
    async with encrypted.human() as human:
        await encrypted.room_of(human)
        async with encrypted.running() as bot:
            await encrypted.says(bot, human, "hello")
            with sqlite3.connect(encrypted.crypto / f"{bot.chat.status().device}.db") as store:
                store.execute("BEGIN EXCLUSIVE")
                await human.do("discard", room=encrypted.room_id)
                await human.send(encrypted.room_id, "!new")
                await until(lambda: "store of encryption" in bot.chat.status().trouble)
                with suppress(TemporaryError):
                    await encrypted.says(bot, human, "meanwhile")
                store.rollback()
            await until(lambda: bot.texts() == ["!new"])
            assert plainly(await encrypted.says(bot, human, "after")) == NO_SHIELD


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PermanentError, match=r"the keys of encryption cannot be kept in .*file/crypto: "):
        CryptoFolder(tmp_path / "file" / "crypto").open()


WITHOUT_EXTRA = """
import sys
for name in ("vodozemac", "peewee", "cachetools", "atomicwrites"):
    sys.modules[name] = None  # as if it were not installed
from pathlib import Path
from bot.chat.matrix import adapter
from bot.chat.matrix.client import new_client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.slowed import Slowed
config = MatrixConfig(type="matrix", homeserver="http://127.0.0.1:9", user="@gw:example.org", token="t")
new_client(config, Slowed())
try:
    new_client(config, Slowed(), (Path("."), "key"))
except adapter.PermanentError as error:
    print(error)
"""


def test_without_the_extra_all_else_works_and_the_error_names_it() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRA], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"{MORE_LIBRARIES}\n", done.stderr


# -- a pasted token -------------------------------------------------------------------------------------------


def pasted(encrypted: CryptoScene, device: str) -> SecretStr:
    """A token that an operator made by hand."""
    bot = Human.__new__(Human)
    bot._url, bot._token = encrypted.synapse.url, ""
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": encrypted.user}}
    answer = bot.call("POST", "login", {**login, "password": PASSWORD, "device_id": device})
    return SecretStr(answer["access_token"])


async def test_with_a_token_the_device_is_signed_while_no_password_is_wanted(encrypted: CryptoScene) -> None:
    human = await asyncio.to_thread(encrypted.plain)
    await encrypted_room(encrypted, human)
    token = await asyncio.to_thread(pasted, encrypted, "BYHAND")
    async with encrypted.running(token=token) as bot:
        status = bot.chat.status()
        assert (status.device, status.encryption) == ("BYHAND", "signed by the bot's identity")
    (encrypted.crypto / SEEDS).unlink()
    async with encrypted.running(token=token) as bot:
        assert "put password or password_file into the config file for one start" in bot.chat.status().encryption
    async with encrypted.running() as bot:  # with the password, on a device of its own choice
        assert bot.chat.status().encryption == "signed by the bot's identity"
    (encrypted.crypto / "BYHAND.db").unlink()
    async with encrypted.bot(token=token).running() as bot:
        assert "make a new login for" in await refusal(bot.task)


async def test_a_lost_folder_of_a_login_by_hand_asks_for_another_which_is_all_that_it_needs(
    encrypted: CryptoScene,
) -> None:
    human = await asyncio.to_thread(encrypted.plain)
    await encrypted_room(encrypted, human)
    async with encrypted.running():  # the store has token and device after it, as after a login by hand
        pass
    shutil.rmtree(encrypted.crypto)
    async with encrypted.bot(password=None).running() as bot:
        assert "or are others: gatewatch matrix login net, with the password, or with" in await refusal(bot.task)
    settings = config(encrypted.synapse.url, encrypted.user, password=None, encryption=True)
    with pytest.raises(PermanentError, match="is not logged in: gatewatch matrix login net"):
        await look("net", settings, encrypted.keep, CryptoFolder(encrypted.crypto))
    first = await log_in("net", settings, encrypted.keep, PASSWORD, by_token=False, crypto=encrypted.crypto)
    async with encrypted.running(password=None) as bot:
        assert bot.chat.status().encryption == "signed by the bot's identity"
        assert bot.chat.status().device == first
    shutil.rmtree(encrypted.crypto)  # and nobody started the bot meanwhile: the login finds it out
    assert await log_in("net", settings, encrypted.keep, PASSWORD, by_token=False, crypto=encrypted.crypto) != first
    async with encrypted.running(password=None) as bot:
        assert (bot.chat.status().encryption, bot.chat.status().notices) == ("signed by the bot's identity", ())
