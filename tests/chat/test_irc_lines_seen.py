"""Lines of every kind, counted to the byte, as a human's client gets them from each daemon."""

from __future__ import annotations

import random

import pytest

from bot.chat.irc.lines import announcement, reply, size, space_for
from tests.chat.human_irc import Human, human
from tests.chat.irc_bot import TIMINGS, post, question, running
from tests.servers.ircd import Ircd

pytestmark = pytest.mark.xdist_group("inspircd")

PATIENT = {**TIMINGS, "confirm": 30}  # ircd-hybrid takes its time over long lines
ALPHABETS = ("abc XYZ.,;:!", "äöü ßñç ", "漢字 かな ", "👍🏽 ☠️ a", "https://a.org/x ")


def drawn(draw: random.Random, space: int) -> str:
    """Around the length of a line, to the byte: some fit exactly, some are one too long."""
    alphabet = draw.choice(ALPHABETS)
    text = ""
    wanted = space + draw.choice((-1, 0, 1, space // 2))
    while size(text) < wanted:
        text += draw.choice(alphabet)
    return text


async def space_in(ann: Human, nick: str, channel: str) -> int:
    """As a person counts it: from the bot's name as the server showed it in its JOIN."""
    shown = await ann.wait_for(lambda line: line.startswith(f":{nick}!") and " JOIN " in line and channel in line)
    return space_for(shown.split()[0][1:], "PRIVMSG", channel)


@pytest.mark.parametrize("daemon", ["ircd", "services", "ngircd"])
async def test_every_line_arrives_as_it_was_cut(request: pytest.FixtureRequest, daemon: str) -> None:
    where: Ircd = request.getfixturevalue(daemon)
    draw = random.Random(3)
    async with (
        human("ann", where.tls_port, where.ca_file, channel="#bytes") as ann,
        running(where, "#bytes", nick="watch", timings=PATIENT) as bot,
    ):
        await bot.ready()
        space = await space_in(ann, "watch", "#bytes")
        texts = [drawn(draw, space) for _ in range(5)]
        for text in texts:
            await bot.chat.say(post("#bytes", text))
        long = " ".join(texts)[: 2 * space]
        await bot.chat.say(post("#bytes", long, **question("#bytes")))
        expected = [announcement(text, space) for text in texts] + reply(long, space, 4)
        await ann.until(lambda: len(ann.heard("#bytes")) == len(expected), within=30)
    assert ann.heard("#bytes") == expected
    assert max(map(size, expected)) >= space - 1


async def test_a_new_host_leaves_other_room(services: Ircd) -> None:
    async with (
        human("ann", services.tls_port, services.ca_file, channel="#host") as ann,
        running(services, "#host", nick="watch") as bot,
    ):
        await bot.ready()
        before = await space_in(ann, "watch", "#host")
        ann.send("OPER oper operpw")
        await ann.wait_for(lambda line: " 381 " in line)
        host = f"a.much.longer.host.{'x' * 30}.example.org"
        ann.send(f"CHGHOST watch {host}")
        await bot.until(lambda: host in bot.chat._links[0].session._host.userhost)  # type: ignore[union-attr]
        space = before - len(host) + len("127.0.0.1")
        await bot.chat.say(post("#host", "ä" * 300))
        await ann.until(lambda: len(ann.heard("#host")) == 1)
        shown = ann.lines[-1].split()[0]
        assert host in shown
        assert ann.heard("#host") == [announcement("ä" * 300, space)]
