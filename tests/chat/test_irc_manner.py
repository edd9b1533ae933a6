"""How rooms are spoken to: formatting where they take it, NOTICE where the config says so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.chat.irc.manner import Manner, strong_in
from bot.errors import PermanentError
from bot.talk import Message, Post
from tests.chat.fake_irc import OPEN, fake, polite
from tests.chat.human_irc import human
from tests.chat.irc_bot import TIMINGS, post, question, running, section
from tests.servers.ircd import Ircd

pytestmark = pytest.mark.xdist_group("inspircd")

TEXT = "[nova] gate 912345,3 failed: tempest: #2098765 It booms"
HTML = '<b><a href="https://review.example.org/912345">[nova] gate 912345,3</a></b> failed: <b>#2098765</b> It booms'
BOLD = "\x02[nova] gate 912345,3\x0f failed: tempest: \x02#2098765\x0f It booms"
BOLD_ROOMS: dict[str, Any] = {"formatting": "bold", "rooms": {"#plain": {"formatting": "none"}}}


def alert(room: str) -> Post:
    return Post(f"test:{room}", "1", Message(TEXT, HTML))


def test_what_is_strong_in_a_message() -> None:
    assert strong_in(HTML) == ("[nova] gate 912345,3", "#2098765")
    assert strong_in("<ul><li>&lt;b&gt; <strong>a &amp; b</strong>") == ("a & b",)
    assert strong_in("") == ()


def test_a_room_says_otherwise_than_its_network(ircd: Ircd) -> None:
    manner = Manner("test", section(ircd, notice=True, formatting="bold", rooms={"#Loud": {"notice": False}}))
    assert (manner.command("#gate"), manner.command("#loud")) == ("NOTICE", "PRIVMSG")
    assert (manner.formatting("#gate"), manner.formatting("#LOUD")) == ("none", "bold")


async def test_bold_where_a_room_may_have_it(ircd: Ircd) -> None:
    async with (
        human("ann", ircd.tls_port, ircd.ca_file) as ann,
        running(ircd, "#bold", "#plain", **BOLD_ROOMS) as bot,
    ):
        await bot.ready()
        await ann.join("#bold")
        await ann.join("#plain")
        await bot.chat.say(alert("#plain"))
        await bot.chat.say(alert("#bold"))
        await bot.chat.say(post("#bold", "\x02user\x02 \x0304text"))
        await ann.hears("#bold", "user text")
    assert ann.heard("#plain") == [TEXT]
    assert ann.heard("#bold") == [BOLD, "user text"]


@pytest.mark.parametrize(("server", "formatting"), [("ircd", "bold"), ("services", "colour")])
async def test_a_room_that_refuses_formatting_gets_the_line_at_once_and_none_any_more(
    request: pytest.FixtureRequest, server: str, formatting: str, caplog: pytest.LogCaptureFixture
) -> None:
    where: Ircd = request.getfixturevalue(server)
    room = f"#no-{formatting}"
    async with human("ann", where.tls_port, where.ca_file) as ann, running(where, room, formatting=formatting) as bot:
        await ann.join(room)
        ann.send(f"MODE {room} +c")
        await ann.wait_for(lambda line: f"MODE {room} " in line and "+c" in line)
        await bot.ready()
        await bot.chat.say(alert(room))
        await bot.chat.say(alert(room))
        await ann.until(lambda: ann.heard(room) == [TEXT, TEXT])
    assert caplog.text.count("irc room takes no formatting") == 1


async def test_a_ban_on_speech_is_no_matter_of_formatting(services: Ircd) -> None:
    async with (
        human("ann", services.tls_port, services.ca_file) as ann,
        running(services, "#hush", formatting="bold") as bot,
    ):
        await ann.join("#hush")
        await bot.ready()
        ann.send("MODE #hush +m")
        await ann.wait_for(lambda line: "MODE #hush " in line and "+m" in line)
        with pytest.raises(PermanentError, match=r"test:#hush: the channel does not let the bot speak .*404"):
            await bot.chat.say(alert("#hush"))


def echoing(line: str, swallowed: str = "nothing") -> list[bytes]:
    """A server with echo-message, which swallows some lines."""
    if line.startswith("CAP LS"):
        return [b":s CAP * LS :echo-message"]
    if line.startswith("CAP REQ"):
        return [line.replace("CAP REQ", ":s CAP * ACK").encode()]
    if line.startswith(("PRIVMSG", "NOTICE")) and swallowed not in line:
        return [f":gatewatch!u@h {line}".encode()]
    return polite(line)


async def test_where_the_server_echoes_nothing_else_is_asked() -> None:
    async with fake(echoing) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        await bot.chat.say(alert("#gate"))
        await bot.chat.say(post("#gate", "one\ntwo", **question("#gate")))
        assert [line for line in far_end.lines if line.startswith("PRIVMSG")] == [
            f"PRIVMSG #gate :{TEXT}",
            "PRIVMSG #gate :one",
            "PRIVMSG #gate :two",
        ]
        assert not [line for line in far_end.lines if line.startswith("PING")]
        assert bot.heard == []


async def test_an_echo_tells_the_lag() -> None:
    def slow(line: str) -> list[bytes]:
        if not line.startswith("PRIVMSG"):
            return echoing(line)
        asyncio.get_running_loop().call_later(0.2, far_end.say, *echoing(line))
        return []

    async with fake(slow) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        assert bot.chat.status().lag is None
        await bot.chat.say(alert("#gate"))
        lag = bot.chat.status().lag
        assert not [line for line in far_end.lines if line.startswith("PING")]
    assert lag is not None and 0.2 <= lag.total_seconds() < 2


async def test_a_line_that_the_server_swallows_is_a_permanent_failure() -> None:
    def server(line: str) -> list[bytes]:
        return echoing(line, swallowed="spam")

    async with fake(server) as (_, where), running(where, "#gate", **OPEN, timings={**TIMINGS, "echo": 0.2}) as bot:
        await bot.ready()
        with pytest.raises(PermanentError, match="test:#gate: the server took the line and passed it on to nobody"):
            await bot.chat.say(post("#gate", "spam"))
        await bot.chat.say(post("#gate", "news"))
        assert bot.chat.status().ready


async def test_inspircd_confirms_by_echo_at_a_token_each(services: Ircd) -> None:
    """At this pace PINGs would take ten tokens more, a minute and a half."""
    pace = {"burst": 20, "per_second": 0.1}
    lines = [f"news {number}" for number in range(10)]
    async with human("ann", services.tls_port, services.ca_file) as ann, running(services, "#echo", pace=pace) as bot:
        await ann.join("#echo")
        await bot.ready()
        for line in lines:
            await bot.chat.say(post("#echo", line))
        await ann.hears("#echo", lines[-1])
    assert ann.heard("#echo") == lines
