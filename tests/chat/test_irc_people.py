"""Who is in the bot's channels, told by lines of a server; and which lines are of the past."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.chat.irc.addressing import Masks
from bot.chat.irc.connection import Event
from bot.chat.irc.isupport import Isupport
from bot.chat.irc.people import LONGEST_NAME, MOST_PEOPLE, Known, People
from bot.chat.irc.playback import MOST_BATCHES, Playback
from tests.chat.feeding import fed

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def server(*tokens: str) -> Isupport:
    isupport = Isupport()
    isupport.load(["bot", *tokens, "are supported by this server"])
    return isupport


def people(*tokens: str) -> People:
    """The bot, whose nick is `bot`, has joined #gate."""
    isupport = server(*tokens)
    all_of_them = People(isupport, lambda nick: isupport.same(nick, "bot"), lambda: 0.0)
    tell(all_of_them, ":bot!b@h JOIN #gate")
    return all_of_them


def tell(to: People, *lines: str) -> None:
    with fed(to.on_event) as connection:
        for line in lines:
            connection.process_data(line.encode() + b"\r\n")


def found(here: People, nick: str) -> Known:
    known = here.find(nick)
    assert known is not None
    return known


async def test_names_tell_who_is_there_with_all_their_signs() -> None:
    here = people("PREFIX=(qaohv)~&@%+")
    tell(here, ":s 353 bot = #Gate :@+ann!a@h +bob %eve ~own &adm cat bot")
    levels = {nick: here.level(nick, "#gate") for nick in ("ANN", "bob", "eve", "own", "adm", "cat", "dan")}
    assert levels == {"ANN": 50, "bob": 25, "eve": 25, "own": 50, "adm": 50, "cat": 0, "dan": 0}
    assert (found(here, "ann").userhost, found(here, "bob").userhost, here.find("dan")) == ("a@h", "", None)
    tell(here, ":s MODE #gate -o ann")
    assert here.level("ann", "#gate") == 25  # multi-prefix had told of the voice behind it


async def test_modes_with_other_arguments_in_between() -> None:
    here = people("PREFIX=(ov)@+", "CHANMODES=beI,k,lH,imnpst")
    tell(here, ":a!a@h JOIN #gate", ":b!b@h JOIN #gate")
    tell(here, ":s MODE #gate +nbkl-H+o *!*@x key 5 a", ":s MODE #gate +v-l+v a b")
    assert (here.level("a", "#gate"), here.level("b", "#gate")) == (50, 25)
    tell(here, ":s MODE #gate -ov+i a a", ":s MODE #gate +o", ":s MODE #gate", ":s MODE #other +o b")
    assert (here.level("a", "#gate"), here.level("b", "#gate")) == (0, 25)


async def test_accounts_from_each_place_that_tells_them() -> None:
    here = people("WHOX", "BOT=B")
    tell(
        here,
        ":ann!a@h JOIN #gate annie :Ann",
        ":bob!b@h JOIN #gate * :Bob",
        ":cat!c@h JOIN #gate",
        ":eve!e@h JOIN #gate",
    )
    assert [found(here, nick).account for nick in ("ann", "bob", "cat")] == ["annie", "", None]
    tell(here, ":bob!b@h ACCOUNT robert", ":ann!a@h ACCOUNT *", ":nobody!n@h ACCOUNT x")
    assert [found(here, nick).account for nick in ("ann", "bob")] == ["", "robert"]
    tell(here, ":s 354 bot 317 #gate c c.host cat H@B kitty", ":s 354 bot 317 #gate e e.host eve G 0")
    tell(here, ":s 354 bot 1 #gate x x bob H other", ":s 354 bot 317 #gate")
    cat, eve = found(here, "cat"), found(here, "eve")
    assert (cat.account, cat.userhost, cat.bot) == ("kitty", "c@c.host", True)
    assert (eve.account, eve.bot, found(here, "bob").account) == ("", False, "robert")
    tell(here, ":cat!c@c.host CHGHOST kit cloak/kit")
    assert cat.userhost == "kit@cloak/kit"


async def test_a_nick_keeps_its_person_and_a_person_keeps_no_nick() -> None:
    here = people("CASEMAPPING=rfc1459")
    tell(here, ":ann[!a@h JOIN #gate annie :Ann", ":eve!e@h JOIN #gate * :Eve", ":s MODE #gate +o ann{")
    ann, eve = found(here, "ann["), found(here, "eve")
    tell(here, ":ann[!a@h NICK away", ":eve!e@h NICK ANN{")
    assert (found(here, "away"), found(here, "ann[")) == (ann, eve)
    assert (here.level("away", "#gate"), here.level("ann[", "#gate")) == (50, 0)
    tell(here, ":ann{!e@h NICK Ann{")  # another way to write the same nick
    assert found(here, "ann[") is eve and eve.nick == "Ann{"


@pytest.mark.parametrize(
    "leaves",
    [
        ":ann!a@h QUIT :bye",
        ":ann!a@h QUIT",
        ":ann!a@h PART #gate",
        ":op!o@h KICK #gate ann :out",
        ":bot!b@h PART #gate",
    ],
)
async def test_who_is_out_of_sight_is_forgotten(leaves: str) -> None:
    here = people()
    tell(here, ":ann!a@h JOIN #gate annie :Ann", leaves)
    assert here.find("ann") is None
    tell(here, ":bot!b@h JOIN #gate", ":ann!a@h JOIN #gate")
    assert found(here, "ann").account is None


async def test_somebody_in_two_channels_is_one_person() -> None:
    here = people()
    tell(here, ":bot!b@h JOIN #two", ":ann!a@h JOIN #gate annie :Ann", ":ann!a@h JOIN #two", ":s MODE #two +v ann")
    tell(here, ":ann!a@h PART #gate")
    assert (found(here, "ann").account, here.level("ann", "#two"), here.level("ann", "#gate")) == ("annie", 25, 0)


async def test_channels_that_the_bot_is_not_in_are_not_kept() -> None:
    here = people()
    tell(
        here, ":ann!a@h JOIN #other", ":s 353 bot = #other :ann bob", ":s MODE #other +o ann", ":s 353 bot", ":bot KICK"
    )
    assert (here.find("ann"), here.count("#other"), len(here._people)) == (None, 0, 1)


async def test_a_server_cannot_fill_the_memory() -> None:
    here = people()
    tell(here, *(f":s 353 bot = #gate :{' '.join(f'n{row}x{i}' for i in range(100))}" for row in range(501)))
    tell(here, f":{'x' * (LONGEST_NAME + 1)}!a@h JOIN #gate")
    assert here.count("#gate") == len(here._people) == MOST_PEOPLE
    tell(here, ":bot!b@h PART #gate")
    assert len(here._people) == 0


def line(**tags: str) -> Event:
    return Event("pubmsg", "ann!a@h", "#gate", ("!top",), tags)


def test_lines_of_the_past_are_known_by_their_time_or_their_batch() -> None:
    playback = Playback(timedelta(hours=1))
    times = (
        "2026-11-25T10:59:59.000Z",
        "2026-11-25T11:00:01.000Z",
        "2026-11-25T13:00:00.000Z",
        "soon",
        "",
        "2026-11-25T10:00:00",
    )
    assert [playback.has(line(time=time), NOON) for time in times] == [True, False, False, False, False, True]
    for target, kind in (("+1", "chathistory"), ("+2", "netsplit"), ("+3", "znc.in/playback"), ("", "x"), ("+", "")):
        playback.on_batch(Event("batch", "s", target, (kind,)))
    playback.on_batch(Event("batch", "s", "+4", ("netjoin",), {"batch": "1"}))
    assert [playback.has(line(batch=batch), NOON) for batch in ("1", "2", "3", "4", "5", "")] == [
        True, False, True, True, False, False,
    ]  # fmt: skip
    playback.on_batch(Event("batch", "s", "-1", ()))
    assert not playback.has(line(batch="1"), NOON)
    for number in range(2 * MOST_BATCHES):
        playback.on_batch(Event("batch", "s", f"+x{number}", ("chathistory",)))
    assert len(playback._open) == MOST_BATCHES


def test_the_past_is_what_is_past_on_the_servers_clock() -> None:
    playback = Playback(timedelta(hours=1))
    for kind, source in (("pubmsg", "ann!a@h"), ("privnotice", "s"), ("001", "ann!a@h")):  # these say nothing of it
        playback.on_answer(Event(kind, source, "#gate", (), {"time": "2026-11-25T09:00:00.000Z"}), NOON)
    assert playback.has(line(time="2026-11-25T09:00:00.000Z"), NOON)
    for kind in ("001", "pong"):
        playback.on_answer(Event(kind, "s", "bot", (), {"time": "2026-11-25T09:00:00.000Z"}), NOON)
        playback.on_answer(Event(kind, "s", "bot", ()), NOON)
        times = ("2026-11-25T07:59:59.000Z", "2026-11-25T08:00:01.000Z", "2026-11-25T12:00:00.000Z")
        assert [playback.has(line(time=time), NOON) for time in times] == [True, False, False]


def test_who_is_ignored() -> None:
    masks = Masks(("Zuul", "gerrit[m]", "*!*@bots.example"))
    isupport = server("CASEMAPPING=rfc1459")
    ignored = ("zuul!z@h", "GERRIT{m}!g@h", "x!y@bots.example")
    heard = ("zuul2!z@h", "gerritm!g@h", "x!y@example", "s.example")
    assert [masks.have(source, isupport) for source in (*ignored, *heard)] == [True] * 3 + [False] * 4


async def test_a_line_that_does_not_end_is_not_kept() -> None:
    events: list[Event] = []
    with fed(events.append) as connection:
        for _ in range(100):
            connection.process_data(b"x" * 65_536)
        assert len(connection.buffer) <= 65_536
        connection.process_data(
            b"yz\r\n:ann!a@h PRIVMSG #gate :!top\r\n" + b"@t=" + b"x" * 8000 + b" :ann!a@h PRIVMSG #gate :!new\r\n"
        )
        await asyncio.sleep(0)
    assert [event.text for event in events if event.kind == "pubmsg"] == ["!top", "!new"]
