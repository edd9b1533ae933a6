"""Who speaks, and what they may do in the room, on a real Synapse."""

from __future__ import annotations

from typing import Any

import pytest

from bot.talk import CREATOR_LEVEL
from tests.chat.human_matrix import Human, until
from tests.chat.matrix_bot import Bot
from tests.chat.matrix_scene import Scene

pytestmark = pytest.mark.xdist_group("synapse")


async def level(bot: Bot, person: Human, room_id: str) -> int:
    """The level with which the bot hears the person now."""
    sent = await person.do(person.send, room_id, "!whoami")
    await until(lambda: bot.heard and bot.heard[-1].id == sent)
    heard = bot.heard[-1]
    assert (heard.person.account, heard.person.verified) == (person.id, False)
    return heard.person.level


def powers(owner: str, version: str, **users: int) -> dict[str, Any]:
    """Of a v12 room the creator may not be listed."""
    listed: dict[str, int] = {} if version == "12" else {owner: 100}
    return {"users": {**listed, **users}, "events": {"m.room.message": 0}}


@pytest.mark.parametrize("version", ["10", "11", "12"])
async def test_levels_are_the_rooms(scene: Scene, people: tuple[Human, Human], version: str) -> None:
    ada, eve = people
    room_id = await ada.do(ada.create, room_version=version)
    await eve.do(eve.join, room_id)
    async with scene.bot(f"net:{room_id}").running() as bot:
        await bot.ready()
        assert await level(bot, ada, room_id) == (CREATOR_LEVEL if version == "12" else 100)
        assert await level(bot, eve, room_id) == 0
        await ada.do(ada.state, room_id, "m.room.power_levels", powers(ada.id, version, **{eve.id: 50}))
        assert await level(bot, eve, room_id) == 50
        await ada.do(ada.state, room_id, "m.room.power_levels", powers(ada.id, version))
        assert await level(bot, eve, room_id) == 0
    async with scene.bot(f"net:{room_id}").running() as bot:
        await bot.ready()
        assert await level(bot, eve, room_id) == 0
        assert await level(bot, ada, room_id) == (CREATOR_LEVEL if version == "12" else 100)


async def test_power_counts_in_configured_rooms_and_the_list_everywhere(scene: Scene) -> None:
    human = scene.human
    for acting, private in (({"people": [human.id]}, True), ({}, False)):
        async with scene.bot(acting=acting).running() as bot:
            await bot.ready()
            assert await level(bot, human, scene.room_id) == CREATOR_LEVEL
            assert bot.heard[-1].person.may_act
            talk = await human.do(human.create, public=False, invite=scene.user, direct=True)
            await until(lambda talk=talk: scene.user in human.members(talk))
            assert await level(bot, human, talk) == CREATOR_LEVEL
            assert bot.heard[-1].person.may_act is private


async def test_creator_of_an_upgraded_room_and_those_named_beside_them(
    scene: Scene, people: tuple[Human, Human]
) -> None:
    ada, eve = people
    room_id = await ada.do(ada.create, room_version="11")
    upgraded = await ada.do(ada.upgrade, room_id, "12")
    shared = await ada.do(ada.create, room_version="12", creation_content={"additional_creators": [eve.id]})
    await eve.do(eve.join, shared)
    async with scene.bot(f"net:{upgraded}", f"net:{shared}").running() as bot:
        await bot.ready()
        assert await level(bot, ada, upgraded) == CREATOR_LEVEL
        assert await level(bot, eve, shared) == CREATOR_LEVEL
