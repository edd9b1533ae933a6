"""More rooms than one connection may be in, on a real ircd-hybrid and a real ngircd."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.errors import TemporaryError
from bot.talk import Post
from tests.chat.human_irc import Human, human
from tests.chat.irc_bot import TIMINGS, Running, post, question, running
from tests.servers.ircd import Ircd

pytestmark = pytest.mark.xdist_group("ircd")

HUNDRED = tuple(f"#room{number:02}" for number in range(100))
NICKS = ("gatewatch", "gatewatch2", "gatewatch3")
QUICK = {"burst": 20, "per_second": 20}  # joins are cheap on both


@pytest.fixture
async def oper(crowded_hybrid: Ircd) -> AsyncIterator[Human]:
    async with human("oper", crowded_hybrid.tls_port, crowded_hybrid.ca_file) as person:
        person.send("OPER oper operpw")
        await person.wait_for(lambda line: " 381 " in line)
        yield person


def by_nick(bot: Running) -> dict[str, list[str]]:
    """Channels joined, by the nick that is in them."""
    return {
        one.name.partition("/")[2]: [room.partition(":")[2] for room, state in one.rooms.items() if state == "joined"]
        for one in bot.chat.status().connections
    }


async def all_joined(bot: Running) -> None:
    """And asked about: ircd-hybrid takes lines as fast as this only until the first one is said."""
    await bot.until(lambda: set(bot.chat.status().rooms.values()) == {"joined"}, within=30)
    sessions = [link.session for link in bot.chat._links if link.session is not None]
    await bot.until(lambda: not any(session.listener._unasked for session in sessions), within=30)


async def test_a_hundred_rooms_are_served_by_three_nicks(crowded_hybrid: Ircd, oper: Human) -> None:
    async with running(crowded_hybrid, *HUNDRED, further_nicks=NICKS[1:], pace=QUICK) as bot:
        await all_joined(bot)
        assert {nick: len(rooms) for nick, rooms in by_nick(bot).items()} == dict(zip(NICKS, (40, 40, 20), strict=True))
        before = by_nick(bot)
        samples = [rooms[0] for rooms in before.values()]
        for room in samples:
            await oper.join(room)
            await bot.chat.say(post(room, f"news of {room}"))
        for nick, room in zip(NICKS, samples, strict=True):
            await oper.hears(room, f"news of {room}")
            assert oper.heard(room, nick) == [f"news of {room}"]
        oper.say(samples[1], "!top")
        await bot.until(lambda: len(bot.heard) == 1)
        await bot.chat.say(Post(f"test:{samples[1]}", "1", post("", "the answer").message, answers=bot.heard[0]))
        await oper.until(lambda: oper.heard(samples[1], "gatewatch2")[-1] == "the answer")

        oper.send("KILL gatewatch2 :for a test")
        await bot.until(lambda: "gatewatch2" not in by_nick(bot) or not by_nick(bot)["gatewatch2"])
        assert bot.chat.status().ready
        await bot.chat.say(post(samples[0], "the others go on"))
        await oper.hears(samples[0], "the others go on")
        with pytest.raises(TemporaryError, match=rf"test:{samples[1]}: ") as refused:
            await bot.chat.say(post(samples[1], "late"))
        assert not refused.value.doubt
        await all_joined(bot)
        assert by_nick(bot) == before
        await bot.chat.say(post(samples[1], "late"))
        await oper.hears(samples[1], "late")


async def test_the_rooms_of_a_nick_that_stays_away_go_to_the_others(crowded_hybrid: Ircd, oper: Human) -> None:
    timings = {**TIMINGS, "reconnect": [1_000_000], "reconnect_floor": 0, "move": 0.5}  # a wait is drawn up to that
    rooms = HUNDRED[:50]
    async with running(crowded_hybrid, *rooms, further_nicks=NICKS[1:2], pace=QUICK, timings=timings) as bot:
        await all_joined(bot)
        oper.send("KILL gatewatch :for a test")
        await bot.until(lambda: len(by_nick(bot)["gatewatch2"]) == 40, within=20)
        spare = [room for room, state in bot.chat.status().rooms.items() if state == "joined when needed"]
        assert len(spare) == 10
        assert "for a test" in bot.chat.status().trouble


async def test_a_private_question_is_answered_by_the_nick_that_was_asked(ngircd: Ircd) -> None:
    rooms = HUNDRED[:12]
    async with (
        human("ann", ngircd.tls_port, ngircd.ca_file) as ann,
        running(ngircd, *rooms, further_nicks=NICKS[1:], pace=QUICK) as bot,
    ):
        await bot.until(
            lambda: [one.state for one in bot.chat.status().connections] == ["ready", "ready", "not needed"]
        )
        ann.say("gatewatch2", "top")
        await bot.until(lambda: len(bot.heard) == 1)
        await bot.chat.say(Post("test:ann", "1", post("", "by the second").message, answers=bot.heard[0]))
        await ann.hears("ann", "by the second")
        assert ann.heard("ann", "gatewatch2") == ["by the second"]
        ann.say("gatewatch,gatewatch2", "both of you")
        ann.say("gatewatch2", "end")
        await bot.until(lambda: bot.heard[-1].text == "end")
        assert [line.text for line in bot.heard] == ["top", "both of you", "end"]


async def test_rooms_for_which_there_is_no_place_are_joined_when_needed(ngircd: Ircd) -> None:
    rooms = HUNDRED[:22]
    async with (
        human("ann", ngircd.tls_port, ngircd.ca_file) as ann,
        running(ngircd, *rooms, further_nicks=NICKS[1:2], pace=QUICK) as bot,
    ):
        await bot.until(lambda: sum(map(len, by_nick(bot).values())) == 20)
        states = bot.chat.status().rooms
        assert [states[f"test:{room}"] for room in rooms[20:]] == ["joined when needed"] * 2
        await ann.join(rooms[21])
        await bot.chat.say(post(rooms[0], "used"))
        for number in range(3):
            await bot.chat.say(post(rooms[21], f"line {number}"))
        await bot.until(lambda: sum(map(len, by_nick(bot).values())) == 20)
        await ann.hears(rooms[21], "line 2")
        joins = [line for line in ann.lines if " JOIN " in line and "gatewatch" in line]
        assert len(joins) == 1
        out = [room for room in rooms if bot.chat.status().rooms[f"test:{room}"] == "joined when needed"]
        assert len(out) == 2 and rooms[20] in out and rooms[0] not in out
        await bot.chat.say(post(rooms[21], "again", **question(rooms[21])))
        await ann.hears(rooms[21], "again")


async def test_the_other_nicks_of_the_bot_are_no_people(ngircd: Ircd) -> None:
    async with running(ngircd, *HUNDRED[:12], further_nicks=NICKS[1:2], pace=QUICK) as bot:
        await all_joined(bot)
        await bot.chat.say(Post("test:gatewatch2", "1", post("", "!top").message, first=True))
        await asyncio.gather(*(bot.chat.say(post(room, "!top")) for room in (HUNDRED[0], HUNDRED[11])))
    assert bot.heard == []


async def test_a_nick_that_is_not_allowed_costs_only_its_connection(crowded_hybrid: Ircd) -> None:
    long = "gatewatch" * 4  # the server takes 30 characters
    async with running(crowded_hybrid, *HUNDRED[:45], further_nicks=[long], pace=QUICK) as bot:
        await bot.until(lambda: len(by_nick(bot)["gatewatch"]) == 40)
        assert bot.chat.status().ready


async def test_a_nick_without_rooms_does_not_connect(ngircd: Ircd) -> None:
    async with running(ngircd, "#one", further_nicks=["second"]) as bot:
        await bot.ready()
        assert bot.chat.status().connections[1].state == "not needed"
