"""The bot in encrypted rooms with a person at matrix-js-sdk (Rust crypto), as Element has it: both ways, no shield."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.chat.human_js import JsHuman
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import PASSWORD, Bot, MemoryKeep, config, post
from tests.servers.synapse import Synapse

pytestmark = pytest.mark.xdist_group("synapse")

NO_SHIELD = {"encrypted": True, "shield": 0, "why": None}
HUMAN_PASSWORD = "human's"


def account(synapse: Synapse, role: str, password: str) -> str:
    return synapse.register(f"{role}{uuid.uuid4().hex[:8]}", password)


@pytest.mark.parametrize(("mode", "version"), [("normal", "11"), ("strict", "12")])
async def test_both_ways_without_a_shield(synapse: Synapse, tmp_path: Path, mode: str, version: str) -> None:
    synapse.ensure()
    user = account(synapse, "bot", PASSWORD)
    name = account(synapse, "human", HUMAN_PASSWORD)
    async with JsHuman.at(synapse.url, name, HUMAN_PASSWORD, mode) as human:
        room_id = (await human.do("create", version=version, invite=[user]))["room_id"]
        room = f"net:{room_id}"
        bot = Bot(config(synapse.url, user, encryption=True), [room], MemoryKeep(), tmp_path / "crypto")
        async with bot.running():
            await bot.joined(room)
            said = await bot.chat.say(post(room, "job failed", "d1r0", html="<b>job</b> failed"))
            shown = await human.reads(room_id, "job failed")
            assert {key: shown[key] for key in NO_SHIELD} == NO_SHIELD
            assert shown["content"]["formatted_body"] == "<b>job</b> failed"
            await human.send(room_id, "!why 1")
            await until(lambda: bot.texts() == ["!why 1"])
            assert bot.heard[0].person.verified
            await bot.chat.say(post(room, "2 jobs failed", "d1r1", replaces=said))
            edit = await human.reads(room_id, "* 2 jobs failed")
            assert edit["relation"] == {"rel_type": "m.replace", "event_id": said.id}
            assert {key: edit[key] for key in NO_SHIELD} == NO_SHIELD
        assert human.unreadable(room_id) == []
