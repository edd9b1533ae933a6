"""Whose account a line has where only WHOIS tells, by a server that holds its answers back; what is not for the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.chat.fake_irc import OPEN, Fake, fake, polite
from tests.chat.irc_bot import TIMINGS, Running, running


@dataclass
class Held:
    """A server that answers WHOIS only by `tell`, and a bot in #gate with ann."""

    bot: Running
    far_end: Fake

    def say(self, *lines: str) -> None:
        for line in lines:
            self.far_end.say(line.encode())

    def tell(self, nick: str, account: str = "", userhost: str = "a@h") -> None:
        user, _, host = userhost.partition("@")
        logged_in = [f":s 330 gatewatch {nick} {account} :is logged in as"] if account else []
        self.say(f":s 311 gatewatch {nick} {user} {host} * :x", *logged_in, f":s 318 gatewatch {nick} :end")

    async def is_asked(self, count: int) -> None:
        await self.bot.until(lambda: self.questions() == count)

    def questions(self) -> int:
        return len([line for line in self.far_end.lines if line.startswith("WHOIS")])

    async def hears(self, *expected: tuple[str, str, str]) -> None:
        """Nick, account and doubt of each line, in order."""
        await self.bot.until(lambda: len(self.bot.heard) >= len(expected))
        people = [line.person for line in self.bot.heard]
        assert [(one.name, one.account, one.doubt) for one in people] == list(expected)


@pytest.fixture
async def held() -> AsyncIterator[Held]:
    def silent(line: str) -> list[bytes]:
        return [] if line.startswith("WHOIS") else polite(line)

    timings = {**TIMINGS, "whois": 2}
    async with fake(silent) as (far_end, where), running(where, "#gate", **OPEN, timings=timings) as bot:
        await bot.ready()
        held = Held(bot, far_end)
        held.say(":ann!a@h JOIN #gate")
        yield held


async def test_a_question_that_waits_holds_up_nobody(held: Held) -> None:
    held.say(":ann!a@h PRIVMSG #gate :!one")
    await held.is_asked(1)
    held.say("@account=robert :bob!b@h PRIVMSG #gate :!two")
    await held.hears(("bob", "robert", ""))
    held.tell("ann", "annie")
    await held.hears(("bob", "robert", ""), ("ann", "annie", ""))


async def test_one_person_is_asked_for_once(held: Held) -> None:
    held.say(":ann!a@h PRIVMSG #gate :!one", ":ann!a@h PRIVMSG #gate :!two")
    await held.is_asked(1)
    held.tell("ANN", "annie")
    await held.hears(*[("ann", "annie", "")] * 2)
    held.say(":ann!a@h PRIVMSG #gate :!three")
    await held.hears(*[("ann", "annie", "")] * 3)
    assert held.questions() == 1


@pytest.mark.parametrize("between", [":ann!a@h NICK gone", ":ann!a@h QUIT", ":ann!a@h PART #gate", ":s KICK #gate ann"])
async def test_an_answer_about_whoever_has_the_nick_by_now_is_not_believed(held: Held, between: str) -> None:
    held.say(":ann!a@h PRIVMSG #gate :!one")
    await held.is_asked(1)
    held.say(between, ":real!r@h JOIN #gate", ":real!r@h NICK ann")
    held.tell("ann", "annie", "r@h")
    await held.hears(("ann", "", "ann is somebody else by now"))


async def test_of_a_stranger_only_an_answer_with_the_same_host_is_believed(held: Held) -> None:
    held.say(":eve!e@h PRIVMSG gatewatch :top")
    await held.is_asked(1)
    held.tell("eve", "evelyn", "other@h")
    await held.hears(("eve", "", "eve is somebody else by now"))
    held.say(":eve!e@h PRIVMSG gatewatch :top")
    await held.is_asked(2)
    held.tell("eve", "evelyn", "e@h")
    await held.hears(("eve", "", "eve is somebody else by now"), ("eve", "evelyn", ""))


@pytest.mark.parametrize(
    ("answer", "doubt"),
    [
        (":s 263 gatewatch WHOIS :try again later", "the server does not say who ann is (try again later)"),
        (":s 401 gatewatch ann :No such nick", "the server knows of no ann any more"),
        (":s 318 gatewatch somebody :End", "the server did not say within 2 s who ann is"),
    ],
)
async def test_without_an_answer_the_line_is_heard_with_the_reason(held: Held, answer: str, doubt: str) -> None:
    held.say(":ann!a@h PRIVMSG #gate :!one")
    await held.is_asked(1)
    held.say(answer)
    await held.hears(("ann", "", doubt))


async def test_strangers_cannot_make_the_bot_ask_without_end(held: Held) -> None:
    for number in range(30):
        held.say(f":n{number}!u@h PRIVMSG gatewatch :top")
    await held.bot.until(lambda: len(held.bot.heard) >= 30)
    doubts = {line.person.doubt for line in held.bot.heard}
    assert "too many people asked at the same time" in doubts and "" not in doubts
    assert held.questions() <= 6


NOT_FOR_IT = (
    "@bot :ann!a@h PRIVMSG #gate :!bot's tag",
    "@time=2020-01-01T00:00:00Z :ann!a@h PRIVMSG #gate :!long ago",
    "@batch=7 :ann!a@h PRIVMSG #gate :!played back",
    "@batch=7 :ann!a@h PRIVMSG gatewatch :played back",
    ":gatewatch!u@h PRIVMSG #gate :!own echo",
    ":ann!a@h NOTICE #gate :!notice",
    ":ann!a@h NOTICE gatewatch :notice",
    ":ann!a@h PRIVMSG #gate :\x01ACTION !waves\x01",
    ":ann!a@h PRIVMSG gatewatch :\x01ACTION waves\x01",
    ":s PRIVMSG #gate :!a server",
    ":ann!a@h PRIVMSG #other :!elsewhere",
)


async def test_what_is_not_for_the_bot(held: Held) -> None:
    held.say(":s BATCH +7 chathistory #gate", *NOT_FOR_IT, ":s BATCH -7")
    held.say("@batch=7;account=annie :ann!a@h PRIVMSG #gate :!now")
    await held.hears(("ann", "annie", ""))
    assert held.questions() == 0


async def test_programs_are_answered_once_in_a_while(held: Held) -> None:
    for _ in range(5):
        held.say(":ann!a@h PRIVMSG gatewatch :\x01CLIENTINFO\x01")
    held.say("PING :read")
    await held.bot.until(lambda: "PONG read" in held.far_end.lines)
    answers = [line for line in held.far_end.lines if line.startswith("NOTICE")]
    assert answers and set(answers) == {"NOTICE ann :\x01CLIENTINFO CLIENTINFO PING VERSION\x01"} and len(answers) <= 2


async def test_by_each_of_its_nicks_it_is_meant_unless_somebody_else_there_has_it() -> None:
    """A room may go by another nick than people know the bot by."""
    async with fake(polite) as (far_end, where), running(where, "#gate", **OPEN, further_nicks=["gatewatch2"]) as bot:
        await bot.ready()
        for line in (":gatewatch2: top", ":gatewatch, top", ":GateWatch2: help", ":gatewatch3: no"):
            far_end.say(f":ann!a@h PRIVMSG #gate {line}".encode())
        far_end.say(b":gatewatch2!x@elsewhere JOIN #gate")
        far_end.say(b":ann!a@h PRIVMSG #gate :gatewatch2: not you")
        far_end.say(b":ann!a@h PRIVMSG #gate :!last")
        await bot.until(lambda: bool(bot.heard) and bot.heard[-1].text == "!last")
        assert [(line.called, line.text) for line in bot.heard] == [
            ("gatewatch2", "gatewatch2: top"),
            ("gatewatch", "gatewatch, top"),
            ("GateWatch2", "GateWatch2: help"),
            ("", "!last"),
        ]
