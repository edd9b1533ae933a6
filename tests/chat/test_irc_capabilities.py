"""Agreeing on capabilities: with InspIRCd, and with servers that are odd about it."""

from __future__ import annotations

import pytest

from bot.chat.irc.adapter import IrcChat
from bot.chat.irc.capabilities import WANTED, Capabilities
from tests.chat.fake_irc import OPEN, fake, polite
from tests.chat.irc_bot import TIMINGS, Running, running
from tests.servers.ircd import Ircd

pytestmark = pytest.mark.xdist_group("inspircd")


def agreed(bot: Running) -> Capabilities:
    chat = bot.chat
    assert isinstance(chat, IrcChat)
    assert chat._links[0].session is not None
    return chat._links[0].session.capabilities


def on(bot: Running) -> set[str]:
    return {name for name in WANTED if agreed(bot).has(name)}


async def test_all_that_inspircd_offers_is_on(services: Ircd) -> None:
    async with running(services) as bot:
        await bot.ready()
        assert on(bot) == WANTED


async def test_a_list_of_several_lines_and_a_refusal_of_all_at_once() -> None:
    def server(line: str) -> list[bytes]:
        match line:
            case "CAP LS 302":
                return [b":s CAP * LS * :server-time batch=1 away-notify", b":s CAP * LS :setname sts=duration=1"]
            case "CAP REQ :batch server-time setname":
                return [b":s CAP * NAK :batch server-time setname"]
            case "CAP REQ :setname":
                return [b":s CAP * NAK :setname"]
            case "CAP END":
                return polite("USER")
        if line.startswith("CAP REQ"):
            return [line.replace("CAP REQ", ":s CAP * ACK").encode()]
        return [] if line.startswith("USER") else polite(line)

    async with fake(server) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        assert on(bot) == {"batch", "server-time"}
        assert agreed(bot).offered("batch") == "1"
        assert far_end.lines.index("CAP END") > far_end.lines.index("CAP REQ :setname")


async def test_they_come_and_go_while_connected() -> None:
    def server(line: str) -> list[bytes]:
        if line.startswith("CAP REQ"):
            return [line.replace("CAP REQ", ":s CAP gatewatch ACK").encode()]
        return polite(line)

    async with fake(server) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        assert on(bot) == set()
        far_end.say(b":s CAP gatewatch NEW :chghost away-notify")
        await bot.until(lambda: on(bot) == {"chghost"})
        far_end.say(b":s CAP gatewatch DEL :chghost")
        await bot.until(lambda: on(bot) == set())
        assert agreed(bot).offered("chghost") is None


async def test_a_server_that_answers_late() -> None:
    async with fake(polite) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        far_end.say(b":s CAP gatewatch LS :echo-message")
        await bot.until(lambda: "CAP REQ :echo-message" in far_end.lines)
        far_end.say(b":s CAP gatewatch ACK :echo-message")
        await bot.until(lambda: on(bot) == {"echo-message"})


@pytest.mark.parametrize("says", [b":s 421 gatewatch CAP :Unknown command", b":s 451 * :You have not registered"])
async def test_a_server_that_knows_nothing_of_them(says: bytes) -> None:
    def server(line: str) -> list[bytes]:
        return [says] if line.startswith("CAP LS") else polite(line)

    async with fake(server) as (_, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()


async def test_a_request_without_an_answer_holds_it_up_for_a_while_only() -> None:
    def server(line: str) -> list[bytes]:
        match line:
            case "CAP LS 302":
                return [b":s CAP * LS :batch"]
            case "CAP END":
                return polite("USER")
        return [] if line.startswith("USER") else polite(line)

    timings = {**TIMINGS, "step": 0.2}
    async with fake(server) as (_, where), running(where, "#gate", **OPEN, timings=timings) as bot:
        await bot.ready()
        assert on(bot) == set()


async def test_what_waits_for_its_answer_is_not_asked_for_again() -> None:
    async with fake(polite) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        for _ in range(50):
            far_end.say(b":s CAP gatewatch NEW :chghost setname")
        far_end.say(b"PING :read")
        await bot.until(lambda: "PONG read" in far_end.lines)
        assert [line for line in far_end.lines if line.startswith("CAP REQ")] == ["CAP REQ :chghost setname"]
        far_end.say(b":s CAP gatewatch ACK :chghost setname")
        far_end.say(b":s CAP gatewatch DEL :setname")
        far_end.say(b":s CAP gatewatch NEW :setname")
        await bot.until(lambda: "CAP REQ :setname" in far_end.lines)
