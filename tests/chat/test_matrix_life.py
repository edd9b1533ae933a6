"""The bot's life with a real Synapse that freezes, or whose tokens expire."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import PermanentError
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import PASSWORD, milliseconds, timings
from tests.chat.matrix_scene import Scene

pytestmark = pytest.mark.xdist_group("synapse")
SHORT = {"sync": milliseconds(500), "request": milliseconds(700), "first_sync": milliseconds(5000)}


async def test_frozen_server_is_waited_for(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    async with scene.bot(timings=timings(**SHORT)).running() as bot:
        await bot.ready()
        await scene.say("!before")
        await until(lambda: bot.heard)
        scene.synapse.hold()
        try:
            await until(lambda: "net: sync: no answer within" in bot.chat.status().trouble)
            assert not bot.chat.status().ready
        finally:
            scene.synapse.go_on()
        await bot.ready()
        await scene.say("!after")
        await until(lambda: len(bot.heard) == 2)
    assert bot.texts() == ["!before", "!after"]
    assert caplog.text.count("matrix broken") == 1


async def test_leaves_while_the_server_is_frozen(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        scene.synapse.hold()
    scene.synapse.go_on()  # leaving took under two seconds, see Bot.running
    assert bot.chat.status().state == "stopped"


async def test_place_that_the_server_does_not_know_is_given_up(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """As after another server has taken the place of an old one."""
    async with scene.bot().running() as bot:
        await bot.ready()
    await until(lambda: scene.keep.value(".since"))
    scene.keep.values[f"matrix.net.{scene.user}.since"] = "another server's"
    await scene.say("!meanwhile")
    async with scene.bot().running() as bot:
        await bot.ready()
        await scene.say("!now")
        await until(lambda: bot.heard)
    assert bot.texts() == ["!now"]
    assert "does not know the place in the stream" in caplog.text
    assert "Invalid stream token" in caplog.text


async def _short_lived(scene: Scene) -> None:
    """As after a login three seconds ago at the most: the bot has a token that expires, which is a soft logout."""
    identifier = {"type": "m.id.user", "user": scene.user}
    body = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    more = {"device_id": "GWSHORTLIVED", "refresh_token": True}
    answer = await scene.human.do(scene.human.call, "POST", "login", {**body, **more})
    assert answer["expires_in_ms"] <= 3000
    for name, value in (("device", answer["device_id"]), ("token", answer["access_token"])):
        scene.keep.values[f"matrix.net.{scene.user}.{name}"] = value


async def test_expired_token_leads_to_one_login_on_the_same_device(scene: Scene) -> None:
    async with scene.bot(timings=timings(**SHORT)).running() as bot:  # joins the room
        await bot.ready()
    await _short_lived(scene)
    expiring = scene.keep.value(".token")
    async with scene.bot(timings=timings(**SHORT)).running() as bot:
        await bot.ready()
        await scene.say("!before")
        await until(lambda: scene.keep.value(".token") not in ("", expiring))
        await scene.say("!after")
        await until(lambda: "!after" in bot.texts())
        await bot.ready()
        assert (bot.chat.status().device, scene.keep.value(".device")) == ("GWSHORTLIVED", "GWSHORTLIVED")
    assert bot.texts() == ["!before", "!after"]


async def test_expired_token_without_a_password_stops_the_network(scene: Scene) -> None:
    await _short_lived(scene)
    bot = scene.bot(timings=timings(**SHORT), password=None)
    with pytest.raises(PermanentError, match=r"refuses the token of .*: log in again: gatewatch matrix login net"):
        async with asyncio.timeout(20):
            await bot.chat.run(bot.hear)
    assert bot.chat.status().state == "refused"
