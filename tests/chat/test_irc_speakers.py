"""Who speaks: real clients on InspIRCd with Anope, with all that it offers and with WHOIS alone; ircd-hybrid."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.chat.irc.isupport import Isupport
from bot.clock import utc_now
from bot.talk import Person
from tests.chat.human_irc import Human, human
from tests.chat.irc_bot import Running, running
from tests.chat.test_irc_services import known
from tests.servers.ircd import Ircd

pytestmark = pytest.mark.xdist_group("inspircd")


@pytest.fixture(params=["told", "asked"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Told: by capabilities and WHOX. Asked: the server offers neither, as OFTC's does not, so WHOIS has to do."""
    if request.param == "asked":
        monkeypatch.setattr("bot.chat.irc.capabilities.WANTED", frozenset())
        monkeypatch.setattr(Isupport, "whox", False)
    return str(request.param)


@asynccontextmanager
async def stranger(services: Ircd, nick: str, channel: str) -> AsyncIterator[Human]:
    """Somebody of whom services know nothing."""
    async with human(nick, services.tls_port, services.ca_file) as person:
        await person.join(channel)
        yield person


async def person_of(bot: Running, who: Human, target: str, text: str) -> Person:
    """What the bot makes of somebody who says this."""
    who.say(target, text)
    await bot.until(lambda: any(line.text == text for line in bot.heard))
    return next(line.person for line in bot.heard if line.text == text)


@pytest.mark.parametrize("wrong", [timedelta(hours=-2), timedelta(hours=2)])
async def test_a_wrong_clock_makes_nobody_unheard(services: Ircd, wrong: timedelta) -> None:
    """On a server that says when each line was said."""
    async with (
        stranger(services, "bob", "#clock") as bob,
        running(services, "#clock", clock=lambda: utc_now() + wrong) as bot,
    ):
        await bot.ready()
        assert bot.chat._links[0].session is not None
        assert bot.chat._links[0].session.capabilities.has("server-time")
        assert (await person_of(bot, bob, "#clock", "!one")).name == "bob"


async def test_account_and_standing_of_who_speaks(services: Ircd, way: str) -> None:
    async with known(services, f"ann{way}") as ann, stranger(services, "bob", f"#who{way}") as bob:
        channel = f"#who{way}"
        await ann.join(channel)
        async with running(services, channel) as bot:
            await bot.ready()
            person = await person_of(bot, ann, channel, "!one")
            assert (person.name, person.account, person.level, person.doubt) == (ann.nick, ann.nick, 0, "")
            assert person.userhost.startswith(f"{ann.nick}@")
            person = await person_of(bot, bob, channel, "!two")  # who came first is the operator
            assert (person.name, person.account, person.level, person.doubt) == ("bob", "", 50, "")
            bob.send(f"MODE {channel} +v-o {ann.nick} bob")
            await bob.wait_for(lambda line: f"MODE {channel} +v-o" in line)
            assert [(await person_of(bot, who, channel, f"!3{who.nick}")).level for who in (ann, bob)] == [25, 0]
            person = await person_of(bot, ann, "gatewatch", "private")
            assert (person.account, person.level) == (ann.nick, 0)


@pytest.mark.parametrize("daemon", ["hybrid_services", "atheme"])
async def test_the_account_is_known_on_every_kind_of_services(
    request: pytest.FixtureRequest, daemon: str, way: str
) -> None:
    where: Ircd = request.getfixturevalue(daemon)
    async with known(where, f"gil{way}") as gil, stranger(where, "bob", f"#services{way}") as bob:
        await gil.join(f"#services{way}")
        async with running(where, f"#services{way}") as bot:
            await bot.ready()
            people = [await person_of(bot, who, f"#services{way}", f"!{who.nick}") for who in (gil, bob)]
            assert [(one.account, one.doubt) for one in people] == [(gil.nick, ""), ("", "")]


async def test_a_nick_that_changes_hands_between_two_lines(services: Ircd, way: str) -> None:
    nick, channel = f"cat{way}", f"#hands{way}"
    async with known(services, nick) as cat, stranger(services, "mallory", channel) as mallory:
        await cat.join(channel)
        async with running(services, channel) as bot:
            await bot.ready()
            assert (await person_of(bot, cat, channel, "!mine")).account == nick
            cat.send("NICK away")
            await mallory.wait_for(lambda line: "NICK :away" in line or "NICK away" in line)
            mallory.send(f"NICK {nick}")
            await cat.wait_for(lambda line: line.startswith(":mallory!") and " NICK " in line)
            person = await person_of(bot, mallory, channel, "!mine now")
            assert (person.name, person.account) == (nick, "")
            person = await person_of(bot, cat, channel, "!still me")
            assert (person.name, person.account) == ("away", nick)


async def test_who_logs_out_has_no_account(services: Ircd) -> None:
    async with known(services, "dan") as dan:
        await dan.join("#out")
        async with running(services, "#out") as bot:
            await bot.ready()
            assert (await person_of(bot, dan, "#out", "!in")).account == "dan"
            dan.say("NickServ", "LOGOUT")
            await dan.wait_for(lambda line: " 901 " in line)
            assert (await person_of(bot, dan, "#out", "!out")).account == ""


async def test_a_bot_is_not_heard(services: Ircd, way: str) -> None:
    channel = f"#bots{way}"
    async with stranger(services, "robot", channel) as robot, stranger(services, "eve", channel) as eve:
        robot.send("MODE robot +B")
        await robot.wait_for(lambda line: "MODE robot" in line and "+B" in line)
        async with running(services, channel, ignore=["eve"]) as bot:
            await bot.ready()
            eve.say(channel, "!ignored")
            robot.say(channel, "!robot")
            robot.say("gatewatch", "robot")
            async with stranger(services, "fay", channel) as fay:
                await person_of(bot, fay, channel, "!human")
    assert [line.text for line in bot.heard] == ["!human"]


@pytest.mark.xdist_group("ircd")
async def test_on_ircd_hybrid(ircd: Ircd) -> None:
    async with human("ann", ircd.tls_port, ircd.ca_file) as ann, human("bob", ircd.tls_port, ircd.ca_file) as bob:
        await ann.join("#who")
        await bob.join("#who")
        ann.send("MODE #who +v bob")
        async with running(ircd, "#who") as bot:
            await bot.ready()
            people = [await person_of(bot, who, "#who", f"!{who.nick}") for who in (ann, bob)]
            assert [(one.name, one.account, one.level, one.doubt) for one in people] == [
                ("ann", "", 50, ""),
                ("bob", "", 25, ""),
            ]
            async with human("robot", ircd.tls_port, ircd.ca_file) as robot:
                await robot.join("#who")
                robot.send("MODE robot +B")
                await robot.wait_for(lambda line: "MODE robot" in line and "B" in line)
                robot.say("#who", "!robot")
                robot.say("gatewatch", "robot")
                await person_of(bot, bob, "#who", "!human")
                robot.send("PING :said")  # answered behind the lines before it
                await robot.wait_for(lambda line: "PONG" in line)
                await person_of(bot, ann, "#who", "!human too")
            assert not [line for line in bot.heard if "robot" in line.text]
