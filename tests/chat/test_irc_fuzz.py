"""Hostile lines by the thousand through a real socket into a bot at work: it stays, and says nothing but what it may.

`make soak` sends a million; the seed is kept, so that what is found once is found again.
"""

from __future__ import annotations

import logging
import os
import re
import resource
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.chat.fake_irc import OPEN, Fake, fake, polite
from tests.chat.hostile_lines import Hostile
from tests.chat.irc_bot import TIMINGS, Running, post, running

LINES = int(os.environ.get("GATEWATCH_FUZZED_IRC", "20000"))
SEED = 20261125
AT_ONCE = 250  # lines between two questions whether it is still there
TILL_LOST = 25  # lines, after which it is mostly out of the channel or under another nick
MOST_GROWTH = 5.0  # MB of the whole process after a tenth of the lines; the people it may remember are a part of it

# All that lines of others may make the bot send; nothing of it can be more than one command.
ALLOWED = re.compile(
    rb"PONG( .*)?|PING :gatewatch-(idle|\d+)|WHOIS [^ ,]+|WHO #gate %tcuhnfa,317|JOIN #gate|NICK gatewatch[_0-9]*"
    rb"|NOTICE [^ ,]+ :\x01(VERSION gatewatch|PING.{0,33}|CLIENTINFO CLIENTINFO PING VERSION)\x01"
    rb"|PRIVMSG NickServ :REGAIN gatewatch"  # where it was told that services know it
    rb"|PART [^ ]+ :not asked for|MODE [^ ]+ \+\w|CAP (LS 302|END|REQ :[a-z -]+)|USER gatewatch 0 \* :.*"
)
# And a bot with an account, which it shows to the server and to services.
ACCOUNT = {"sasl": {"password": "sesame"}, "nickserv": {"password": "sesame"}, "timings": {**TIMINGS, "step": 0.2}}
ALLOWED_WITH_ACCOUNT = re.compile(
    ALLOWED.pattern
    + rb"|AUTHENTICATE (PLAIN|SCRAM-SHA-(256|512)|\*|\+|[A-Za-z0-9+/=]+)"
    + rb"|PRIVMSG NickServ :(IDENTIFY|REGAIN) gatewatch sesame"
)


QUICK = {"burst": 50, "per_second": 50}
IN_ITS_PLACE = (
    b":s 001 gatewatch :hello",
    b":s 005 gatewatch PREFIX=(ov)@+ CHANMODES=beI,k,l,imnpst CASEMAPPING=rfc1459 BOT=B WHOX :are supported",
    b":gatewatch!u@h JOIN #gate",
    b":s 353 gatewatch = #gate :@ann +bob",
    b":s 366 gatewatch #gate :end",
)


# For a bot with an account: SASL comes and goes, and services have forgotten it.
ASKED_TO_LOG_IN = (
    b":s 901 gatewatch gatewatch!u@h :You are now logged out",
    b":s CAP gatewatch DEL :sasl",
    b":s CAP gatewatch NEW :sasl=PLAIN",
    b":s CAP gatewatch ACK :sasl",
)


def with_services(line: str) -> list[bytes]:
    """A server that says that NickServ is a service."""
    is_service = [b":s 312 gatewatch NickServ services.test :services"] if line == "WHOIS NickServ" else []
    return is_service + polite(line)


@dataclass
class Watched:
    """What the bot wrote, looked at line by line and then forgotten."""

    allowed: re.Pattern[bytes]
    in_its_place: Sequence[bytes]
    strange: list[bytes] = field(default_factory=list)
    answered: int = -1
    said: Counter[bytes] = field(default_factory=Counter)
    heard: int = 0

    def answers(self, far_end: Fake) -> int:
        """The last question that was answered, after a look at all that came."""
        for raw in far_end.raw:
            self._take(raw)
        far_end.raw.clear()
        far_end.lines.clear()
        return self.answered

    def _take(self, raw: bytes) -> None:
        line = raw.removesuffix(b"\r\n")
        if line.startswith(b"PONG fuzz"):
            self.answered = int(line.removeprefix(b"PONG fuzz"))
            return
        self.said[line.split(b" ")[0]] += 1
        if not self.allowed.fullmatch(line) or re.search(rb"[\r\n\0]", line):
            self.strange.append(line)


def resident() -> float:
    """MB that the process has now."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


async def send(bot: Running, far_end: Fake, hostile: Hostile, seen: Watched, number: int) -> None:
    """Put the bot in its place, send some lines, and so on; then wait for it to have read them."""
    for _ in range(AT_ONCE // TILL_LOST):
        far_end.say(b"\r\n".join([*seen.in_its_place, *(hostile.line() for _ in range(TILL_LOST))]))
    far_end.say(b"PING :fuzz%d" % number)
    await bot.until(lambda: seen.answers(far_end) == number, within=30)
    seen.heard += len(bot.heard)
    bot.heard.clear()


@pytest.mark.xdist_group("ircfuzz")
@pytest.mark.parametrize(
    ("values", "allowed", "further", "tried"),
    [
        ({}, ALLOWED, (), {b"WHOIS"}),
        (ACCOUNT, ALLOWED_WITH_ACCOUNT, ASKED_TO_LOG_IN, {b"AUTHENTICATE", b"PRIVMSG"}),
    ],
    ids=["nobody", "with an account"],
)
async def test_hostile_lines(
    values: Mapping[str, Any],
    allowed: re.Pattern[bytes],
    further: Sequence[bytes],
    tried: set[bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "bot.chat.irc")  # a million complaints would be the growth that is looked for
    hostile, began, settled = Hostile(SEED), time.monotonic(), 0.0
    seen = Watched(allowed, (*IN_ITS_PLACE, *further))
    async with fake(with_services) as (far_end, where), running(where, "#gate", **OPEN, **values, pace=QUICK) as bot:
        await bot.ready()
        since = bot.chat.status().since
        rounds = LINES // AT_ONCE
        for number in range(rounds):
            await send(bot, far_end, hostile, seen, number)
            assert (far_end.connections, seen.strange) == (1, []), number
            if number == rounds // 10:
                settled = resident()
        grown = resident() - settled
        took = time.monotonic() - began
        await still_works(bot, far_end)
        assert (far_end.connections, bot.chat.status().since) == (1, since)
    said = ", ".join(f"{count} {word.decode()}" for word, count in sorted(seen.said.items()))
    print(f"heard {seen.heard}, said {said}")
    print(f"{rounds * AT_ONCE} lines in {took:.0f} s, grown by {grown:.1f} MB to {settled + grown:.0f} MB")
    assert grown < MOST_GROWTH
    assert seen.heard and {b"NOTICE", b"PART", b"PONG", *tried} <= seen.said.keys()  # else it tried nothing


async def still_works(bot: Running, far_end: Fake) -> None:
    """When the server makes sense again, so does the bot."""
    no_echo = b":s CAP gatewatch DEL :echo-message"  # somebody may have said that there is one
    far_end.say(b"\r\n".join([*IN_ITS_PLACE, no_echo]))
    await bot.joined("test:#gate")
    far_end.say(b":ann!a@h PRIVMSG #gate :gatewatch: after all that")
    await bot.until(lambda: any("after all that" in line.text for line in bot.heard))
    await bot.chat.say(post("#gate", "yes"))
    assert "PRIVMSG #gate :yes" in far_end.lines
