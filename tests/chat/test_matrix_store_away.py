"""While the store of encryption cannot be opened: what has to be encrypted waits, all else goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.chat.matrix.crosssigning import Identity, new_seeds
from bot.errors import TemporaryError
from tests.chat.fake_matrix import ROOM, USER, Answer, FarEnd, bot_for, earlier_keep, line, says
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import Bot, post

SECRET, PLAIN = "!room:example.org", "!plain:example.org"
ENCRYPTION = line("") | {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}


def rooms(after: str, **state: list[dict[str, Any]]) -> Answer:
    """A sync answer with the state of rooms by the first part of their ids."""
    timeline = {"events": [], "limited": False, "prev_batch": "p"}
    joined = {
        f"!{name}:example.org": {"state": {"events": events}, "timeline": timeline} for name, events in state.items()
    }
    return says({"next_batch": after, "rooms": {"join": joined}})


async def test_what_has_to_be_encrypted_waits_and_what_is_out_is_out(tmp_path: Path) -> None:
    far_end, keep, broken = FarEnd(), earlier_keep(), asyncio.Event()
    identity = Identity(USER, new_seeds()).upload("D", lambda _: "")  # somebody else's, so nothing is to be signed
    far_end.answers["keys/query"] = says({"device_keys": {}, "master_keys": {USER: identity["master_key"]}})
    far_end.answers["joined_rooms"] = says({"joined_rooms": [SECRET, PLAIN]})

    async def makes_it_write(request: web.Request) -> web.StreamResponse:
        await broken.wait()
        return await rooms("n2", further=[ENCRYPTION])(request)

    far_end.plays(tok1=rooms("n1", room=[ENCRYPTION], plain=[]), n1=makes_it_write)
    async with far_end.serving():
        bot = bot_for(far_end, keep, tmp_path / "crypto", rooms=[ROOM, f"net:{PLAIN}"])
        async with bot.running():
            await bot.ready()
            store = tmp_path / "crypto" / "D.db"
            sound = store.read_bytes()
            store.write_bytes(b"no database" * 1000)
            broken.set()
            await until(lambda: not bot.chat.status().fingerprint)
            await waits(bot, ROOM)
            assert (await bot.chat.say(post(f"net:{PLAIN}", "hello", "d2r0"))).id == "$said"
            store.write_bytes(sound)
            await until(lambda: bot.chat.status().fingerprint)
            await bot.chat.say(post(ROOM, "secret", "d1r0"))
    assert all("secret" not in str(body) for body in far_end.bodies)


async def waits(bot: Bot, room: str) -> None:
    """What is said there is put off, and is certainly not out."""
    with pytest.raises(TemporaryError, match="the store of encryption") as put_off:
        await bot.chat.say(post(room, "secret", "d1r0"))
    assert not put_off.value.doubt
