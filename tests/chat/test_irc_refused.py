"""Rooms that do not let the bot in, or not any more: on a real InspIRCd; what it does not say on request, by a fake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from bot.chat.irc.refusals import JOIN, Again
from bot.errors import PermanentError, TemporaryError
from bot.talk import Said
from tests.chat.human_irc import Human, human
from tests.chat.irc_bot import TIMINGS, post, running
from tests.chat.test_irc_misbehaved import OPEN, fake, polite
from tests.servers.ircd import Ircd

pytestmark = pytest.mark.xdist_group("inspircd")

PATIENT = {**TIMINGS, "join_again": [60], "join_soon": [60]}


@pytest.fixture
async def op(services: Ircd) -> AsyncIterator[Human]:
    async with human("op", services.tls_port, services.ca_file) as person:
        yield person


async def closed(op: Human, channel: str, mode: str) -> None:
    """Somebody who is in it sets a mode."""
    op.send(f"MODE {channel} {mode}")
    await op.wait_for(lambda line: f"MODE {channel} " in line and mode[1] in line.partition(channel)[2])


async def test_each_closed_channel_says_what_to_do_and_opens(
    services: Ircd, op: Human, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot")
    modes = {
        "#key": "+k sesame",
        "#wrong": "+k sesame",
        "#invite": "+i",
        "#ban": "+b gatewatch!*@*",
        "#limit": "+l 1",
        "#members": "+R",
    }
    says = {
        "#key": "it has a key (+k): put it under the network's `keys` (475: ",
        "#wrong": "it has another key (+k) than the network's `keys` say: correct it there (475: ",
        "#invite": "the channel is by invitation only (+i): invite the bot (473: ",
        "#ban": "the bot is banned from it (+b): have the ban lifted (474: ",
        "#limit": "the channel is full (+l): have the limit raised (471: ",
        "#members": "it is for registered nicks only: configure nickserv or certfp (477: ",
    }
    op.send(f"JOIN {','.join(modes)}")  # one line: the server makes whoever sends many wait
    for channel, mode in modes.items():
        await closed(op, channel, mode)
    brief = {"timings": {**TIMINGS, "join_again": [1]}, "keys": {"#wrong": "guess"}}
    async with running(services, *modes, **brief) as bot:
        await bot.ready()
        states = bot.chat.status().rooms
        for channel, said in says.items():
            assert states[f"test:{channel}"].startswith(said), states
            with pytest.raises(TemporaryError, match=f"test:{channel}: "):
                await bot.chat.say(post(channel, "anybody?"))
        for channel, mode in modes.items():
            op.send(f"MODE {channel} -{mode[1:]}")
        await bot.until(lambda: set(bot.chat.status().rooms.values()) == {"joined"}, within=30)
    late = [record.getMessage() for record in caplog.records if "joined after all" in record.getMessage()]
    assert {line.rpartition("room=")[2] for line in late} == set(modes)


async def test_a_forward_is_followed_only_to_a_configured_room(services: Ircd, op: Human) -> None:
    op.send("JOIN ##elsewhere,#wanted,#one,#two")
    await closed(op, "#one", "+lL 1 ##elsewhere")
    await closed(op, "#two", "+lL 1 #wanted")
    async with running(services, "#one", "#two", "#wanted", timings=PATIENT) as bot:
        await bot.ready()
        states = bot.chat.status().rooms
        assert "470" in states["test:#one"] and "470" in states["test:#two"]
        assert states["test:#wanted"] == "joined"
        await op.wait_for(lambda line: line.startswith(":gatewatch!") and "PART ##elsewhere" in line)
        with pytest.raises(PermanentError, match="the bot joins the channels that the config names"):
            await bot.chat.say(post("##elsewhere", "no"))


async def test_taken_out_by_force_it_comes_back_but_not_for_ever(services: Ircd, op: Human) -> None:
    op.send("OPER oper operpw")
    await op.wait_for(lambda line: " 381 " in line)
    await op.join("#forced")
    async with running(services, "#forced") as bot:
        await bot.ready()
        for turn in range(4):
            op.send("SAPART gatewatch #forced" if turn % 2 else "KICK #forced gatewatch :out")
            why = "the network took the bot out of it" if turn % 2 else "kicked by op (out)"
            await bot.until(lambda why=why: bot.chat.status().rooms["test:#forced"].startswith(why))  # type: ignore[misc]
            if turn < 3:
                await bot.joined("test:#forced")
        assert (
            "once too often, so the bot stays out: invite it, or restart it" in bot.chat.status().rooms["test:#forced"]
        )
        with pytest.raises(PermanentError, match=r"test:#forced: .* stays out"):
            await bot.chat.say(post("#forced", "hello?"))
        op.send("INVITE gatewatch #forced")
        await bot.joined("test:#forced")


async def test_a_ban_on_speech_is_told_and_seen(services: Ircd, op: Human) -> None:
    await op.join("#hush")
    async with running(services, "#hush") as bot:
        await bot.ready()
        op.send("MODE #hush +b gatewatch!*@*")
        await op.wait_for(lambda line: "MODE #hush +b" in line)
        with pytest.raises(PermanentError, match=r"test:#hush: the channel does not let the bot speak .*404"):
            await bot.chat.say(post("#hush", "may I?"))
        assert bot.chat.status().rooms["test:#hush"].startswith("joined, but the channel does not let the bot speak")
        with pytest.raises(TemporaryError, match="test:#hush: the channel does not let the bot speak"):
            await bot.chat.say(post("#hush", "the next is not lost"))
        op.send("MODE #hush -b gatewatch!*@*")
        await bot.joined("test:#hush")
        await bot.chat.say(post("#hush", "thank you"))
        await op.hears("#hush", "thank you")


async def test_a_room_that_stays_mute_is_tried_again_after_a_while(services: Ircd, op: Human) -> None:
    """Not all that keeps the bot from speaking is a mode that it sees go."""
    await op.join("#hush")
    await closed(op, "#hush", "+m")
    async with running(services, "#hush", timings={**TIMINGS, "join_again": [0.3]}) as bot:
        await bot.ready()
        for _ in range(2):
            with pytest.raises(PermanentError, match="does not let the bot speak"):
                await bot.chat.say(post("#hush", "may I?"))
            with pytest.raises(TemporaryError, match="does not let the bot speak"):
                await bot.chat.say(post("#hush", "now?"))
            until = asyncio.get_running_loop().time() + 0.3
            await bot.until(lambda until=until: asyncio.get_running_loop().time() > until)  # type: ignore[misc]


async def test_a_name_that_the_network_does_not_take(services: Ircd) -> None:
    long = "#" + "x" * 64  # the server's names have 64 bytes
    async with running(services, long, "#gate") as bot:
        await bot.ready()
        assert bot.chat.status().rooms == {
            f"test:{long}": "the network's names have 64 bytes at most",
            "test:#gate": "joined",
        }
        with pytest.raises(PermanentError, match="64 bytes at most"):
            await bot.chat.say(post(long, "x"))


async def test_an_invitation_elsewhere_is_not_followed(services: Ircd, op: Human) -> None:
    await op.join("#private")
    async with running(services, "#gate") as bot:
        await bot.ready()
        op.send("INVITE gatewatch #private")
        await op.wait_for(lambda line: " 341 " in line)
        await op.join("#gate")
        await bot.chat.say(post("#gate", "here"))
        await op.hears("#gate", "here")
        assert not [
            line for line in op.lines if line.startswith(":gatewatch!") and "JOIN" in line and "#private" in line
        ]


@pytest.mark.parametrize("numeric", sorted(JOIN))
async def test_each_refusal_has_a_next_try_of_its_own(numeric: str) -> None:
    def refuses(line: str) -> list[bytes]:
        return [f":s {numeric} gatewatch #gate :in my words".encode()] if line == "JOIN #gate" else polite(line)

    again = JOIN[numeric].again
    waits = (
        {"join_soon": [0.1], "join_again": [60]} if again is Again.SOON else {"join_soon": [60], "join_again": [0.1]}
    )
    async with fake(refuses) as (far_end, where), running(where, "#gate", **OPEN, timings={**TIMINGS, **waits}) as bot:
        await bot.ready()
        assert bot.chat.status().rooms["test:#gate"] == f"{JOIN[numeric].why} ({numeric}: in my words)"
        if again is Again.NEVER:
            with pytest.raises(PermanentError, match=f"not in the channel: .*{numeric}"):
                await bot.chat.say(post("#gate", "x"))
            assert far_end.lines.count("JOIN #gate") == 1
        else:
            await bot.until(lambda: far_end.lines.count("JOIN #gate") == 2)


async def test_a_server_that_names_no_limit_teaches_it() -> None:
    inside: set[str] = set()
    most = 2

    def so_many_at_most(line: str) -> list[bytes]:
        command, _, channel = line.partition(" ")
        if command == "PART":
            name = channel.split()[0]
            inside.discard(name)
            return [f":gatewatch!u@h PART {name}".encode()]
        if command == "JOIN" and len(inside) >= most:
            return [f":s 405 gatewatch {channel} :You have joined too many channels".encode()]
        if command == "JOIN":
            inside.add(channel)
        return polite(line)

    rooms = ("#a", "#b", "#c", "#d")
    async with fake(so_many_at_most) as (far_end, where), running(where, *rooms, **OPEN) as bot:
        await bot.ready()
        assert list(bot.chat.status().rooms.values()) == [
            "joined",
            "joined",
            "joined when needed",
            "joined when needed",
        ]
        assert "name further_nicks (405: You have joined too many channels)" in bot.chat.status().trouble
        await bot.chat.say(post("#a", "used"))
        await bot.chat.say(post("#d", "on demand"))
        assert inside == {"#a", "#d"}
        assert "PRIVMSG #d :on demand" in far_end.lines
        left = set(rooms)
        while left:  # more at once than there is place for: what finds none comes later, and nothing is lost
            asked = sorted(left)
            said = await asyncio.gather(
                *(bot.chat.say(post(room, f"to {room}")) for room in asked), return_exceptions=True
            )
            assert all(isinstance(one, Said) or (type(one) is TemporaryError and not one.doubt) for one in said), said
            refused = [str(one) for one in said if isinstance(one, TemporaryError)]
            assert all("no connection to test has a place for it" in why for why in refused), refused
            left -= {room for room, one in zip(asked, said, strict=True) if isinstance(one, Said)}
            assert len(left) < len(asked)
        for room in rooms:
            assert far_end.lines.count(f"PRIVMSG {room} :to {room}") == 1
        inside.clear()
        most = 4
        far_end.writers[-1].close()
        await bot.not_ready()
        await bot.ready()
        assert (set(bot.chat.status().rooms.values()), bot.chat.status().trouble) == ({"joined"}, "")


async def test_a_name_that_the_server_cuts_is_left_again() -> None:
    def cuts(line: str) -> list[bytes]:
        return [b":gatewatch!u@h JOIN #open"] if line == "JOIN #openstack" else polite(line)

    async with fake(cuts) as (far_end, where), running(where, "#openstack", **OPEN) as bot:
        await bot.ready()
        assert bot.chat.status().rooms["test:#openstack"] == "the network cuts its name to #open: name that one"
        await bot.until(lambda: "PART #open :not asked for" in far_end.lines)


async def test_a_name_that_the_server_folds_is_the_same_room() -> None:
    def folds(line: str) -> list[bytes]:
        return [b":GATEWATCH!u@h JOIN #gate{}"] if line == "JOIN #Gate[]" else polite(line)

    async with fake(folds) as (_, where), running(where, "#Gate[]", **OPEN) as bot:
        await bot.joined("test:#Gate[]")


async def test_a_netsplit_of_others_changes_nothing() -> None:
    split = [f":p{number}!u@h QUIT :a.example b.example" for number in range(200)]
    back = [f":p{number}!u@h JOIN #gate" for number in range(200)]
    async with fake(polite) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        since = bot.chat.status().since
        far_end.say("\r\n".join([*back, *split, *back]).encode())
        await bot.chat.say(post("#gate", "still here"))
        assert (bot.chat.status().since, bot.chat.status().rooms) == (since, {"test:#gate": "joined"})
        assert far_end.connections == 1 and far_end.lines.count("JOIN #gate") == 1


async def test_thrown_out_too_often_it_stays_out_after_a_reconnect_too() -> None:
    async with fake(polite) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        for turn in range(4):
            far_end.say(b":op!u@h KICK #gate gatewatch :out")
            if turn < 3:
                await bot.until(lambda turn=turn: far_end.lines.count("JOIN #gate") == turn + 2)  # type: ignore[misc]
        await bot.until(lambda: "stays out" in bot.chat.status().rooms["test:#gate"])
        far_end.writers[-1].close()
        await bot.not_ready()
        await bot.ready()
        assert "stays out" in bot.chat.status().rooms["test:#gate"]
        assert far_end.connections == 2 and far_end.lines.count("JOIN #gate") == 4
        assert "broke" in bot.chat.status().error and bot.chat.status().trouble == ""


async def test_a_room_that_the_server_puts_the_bot_into_meanwhile_is_joined_once() -> None:
    """By services, or by the forward of another room, while its own JOIN waits for its turn."""

    def forced(line: str) -> list[bytes]:
        out = polite(line)
        if line == "JOIN #a":
            out.append(b":gatewatch!u@h JOIN #b")
        return [] if line == "JOIN #b" else out

    pace = {"burst": 4, "per_second": 4}
    timings = {**TIMINGS, "join": 0.5}
    rooms = ("#1", "#2", "#3", "#a", "#b")  # three JOINs at once, then one in a quarter of a second
    async with (
        fake(forced) as (far_end, where),
        running(where, *rooms, **OPEN, pace=pace, timings=timings) as bot,
    ):
        await bot.ready()
        await bot.chat.say(post("#b", "here"))
        assert set(bot.chat.status().rooms.values()) == {"joined"}
        assert "JOIN #b" not in far_end.lines


async def test_a_kick_makes_no_later_try_later() -> None:
    """Its own wait is none of those that grow with each refusal."""
    asked: list[float] = []
    open_to_all = True

    def server(line: str) -> list[bytes]:
        if line != "JOIN #gate":
            return polite(line)
        asked.append(asyncio.get_running_loop().time())
        return polite(line) if open_to_all else [b":s 474 gatewatch #gate :banned"]

    timings = {**TIMINGS, "join_again": [0.2, 60], "kicked": 0.2}
    async with fake(server) as (far_end, where), running(where, "#gate", **OPEN, timings=timings) as bot:
        await bot.ready()
        open_to_all = False
        far_end.say(b":op!u@h KICK #gate gatewatch :out")
        await bot.until(lambda: len(asked) == 3)  # 0.2 s after the kick, and 0.2 s after the first refusal
