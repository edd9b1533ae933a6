"""How fast lines go out while there is much to do, as a fake server sees it."""

from __future__ import annotations

import asyncio
import itertools

from tests.chat.fake_irc import OPEN, fake, polite
from tests.chat.irc_bot import TIMINGS, post, question, running

BRISK = {"burst": 4, "per_second": 8}  # the stock pace, eight times as fast


async def test_rooms_are_joined_no_faster_than_the_pace() -> None:
    joins: list[float] = []

    def server(line: str) -> list[bytes]:
        if line.startswith("JOIN"):
            joins.append(asyncio.get_running_loop().time())
        return polite(line)

    rooms = [f"#r{number}" for number in range(12)]
    async with fake(server) as (_, where), running(where, *rooms, **OPEN, pace=BRISK) as bot:
        await bot.ready()
        assert set(bot.chat.status().rooms.values()) == {"joined"}
    assert len(joins) == len(rooms)
    # three at once, one token being left for a reply
    assert joins[-1] - joins[0] >= (len(rooms) - 3) / BRISK["per_second"] - 0.1


async def test_with_many_rooms_announcements_do_not_wait_for_the_last() -> None:
    rooms = [f"#r{number}" for number in range(24)]
    timings = {**TIMINGS, "joining": 0.3}
    async with fake(polite) as (far_end, where), running(where, *rooms, **OPEN, pace=BRISK, timings=timings) as bot:
        await bot.ready()
        for number in range(4):
            await bot.chat.say(post("#r0", f"news {number}"))
        joined = list(bot.chat.status().rooms.values()).count("joined")
        assert joined < len(rooms)
        said = [index for index, line in enumerate(far_end.lines) if line.startswith("PRIVMSG #r0 :news")]
        assert len(said) == 4
        for one, other in itertools.pairwise(said):  # and the rooms wait for no queue
            assert 1 <= len([line for line in far_end.lines[one:other] if line.startswith("JOIN")]) <= 2
        await bot.until(lambda: set(bot.chat.status().rooms.values()) == {"joined"}, within=15)


async def test_what_the_bot_says_to_the_server_by_itself_counts() -> None:
    """Services put it into six channels that nobody has named: it leaves them, and is over its pace for a while."""
    times: list[float] = []

    def server(line: str) -> list[bytes]:
        if line.startswith(("PART", "PRIVMSG")):
            times.append(asyncio.get_running_loop().time())
        return polite(line)

    async with fake(server) as (far_end, where), running(where, "#gate", **OPEN, pace=BRISK) as bot:
        await bot.ready()
        far_end.say(b"\r\n".join(b":gatewatch!u@h JOIN #forced%d" % number for number in range(6)))
        await bot.until(lambda: len(times) == 6)
        await bot.chat.say(post("#gate", "an answer", **question("#gate")))
    assert times[-1] - times[0] >= (6 + 1 - BRISK["burst"]) / BRISK["per_second"] - 0.1


async def test_nothing_is_kept_of_whom_the_bot_has_answered() -> None:
    async with fake(polite) as (_, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        await asyncio.gather(*(bot.chat.say(post(nick, "hello", **question(nick))) for nick in ("ann", "bob")))
        assert not bot.chat._busy
