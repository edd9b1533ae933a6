"""What no real server does on request: a fake one that says odd things, or nothing."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import PermanentError, TemporaryError
from tests.chat.fake_irc import OPEN, fake, polite
from tests.chat.irc_bot import TIMINGS, post, running

# Each made the library drop the connection, or lose the lines behind it.
ODD = [
    b":a!b@c PRIVMSG gatewatch",
    b":a!b@c QUIT",
    b" ",
    b":a!b@c PRIVMSG",
    b"PING",
    b":s 005 gatewatch CHANLIMIT=# TARGMAX=a :are supported by this server",
    b":s 001",
    b":s 473 gatewatch",
    b":s 404",
    b":s KICK #gate",
    b":gatewatch!u@h JOIN",
    b":a!b@c PRIVMSG #gate :caf\xe9 \x01\x01 \x10",
    b"@time=;; :a!b@c NOTICE gatewatch :\x00",
]


async def test_odd_lines_cost_only_themselves() -> None:
    async with fake(polite) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        far_end.say(b"\r\n".join([*ODD, b":ann!a@h PRIVMSG #gate :!still alive"]))
        await bot.until(lambda: bool(bot.heard))
        await bot.chat.say(post("#gate", "yes"))
        assert far_end.connections == 1
        assert far_end.lines[-2:] == ["PRIVMSG #gate :yes", "PING :gatewatch-1"]
    assert [line.text for line in bot.heard] == ["!still alive"]


async def test_nothing_in_the_config_starts_a_second_command() -> None:
    keys = {"#gate": "x\rQUIT :one\nQUIT :two\0"}
    async with fake(polite) as (far_end, where), running(where, "#gate", **OPEN, keys=keys) as bot:
        await bot.until(lambda: far_end.lines[-1:] == ["JOIN #gate x QUIT :one QUIT :two "])


async def test_a_connection_that_breaks_before_the_answer_leaves_doubt() -> None:
    def deaf(line: str) -> list[bytes]:
        return [] if line.startswith("PING") else polite(line)

    async with fake(deaf) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        first = asyncio.create_task(bot.chat.say(post("#gate", "first")))
        second = asyncio.create_task(bot.chat.say(post("#gate", "second")))
        await bot.until(lambda: any("first" in line for line in far_end.lines))
        far_end.say(b"ERROR :Closing Link: too much of it")
        far_end.writers[-1].close()
        with pytest.raises(TemporaryError, match=r"not confirmed: .*too much of it") as unsure:
            await first
        with pytest.raises(TemporaryError, match="test:#gate: ") as sure:
            await second
    assert (unsure.value.doubt, sure.value.doubt) == (True, False)
    assert not [line for line in far_end.lines if "second" in line]


async def test_a_line_in_flight_ends_with_what_ended_the_connection() -> None:
    def deaf(line: str) -> list[bytes]:
        return [] if line.startswith("PING") else polite(line)

    timings = {**TIMINGS, "idle": 0.2, "dead": 0.3}
    async with fake(deaf) as (_, where), running(where, "#gate", **OPEN, timings=timings) as bot:
        await bot.ready()
        with pytest.raises(TemporaryError, match=r"not confirmed: test: the server has said nothing for") as unsure:
            await bot.chat.say(post("#gate", "x"))
        assert unsure.value.doubt


async def test_what_is_to_be_said_while_a_connection_is_being_closed_waits_for_nothing() -> None:
    def narrow(line: str) -> list[bytes]:
        if line.startswith("USER"):
            return [b":s 001 gatewatch :hello", b":s 005 gatewatch CHANLIMIT=#:1 :are", b":s 422 gatewatch :no message"]
        return polite(line)

    async with fake(narrow) as (far_end, where), running(where, "#one", "#two", **OPEN) as bot:
        await bot.joined("test:#one")
        await bot.ready()
        session = bot.chat._links[0].session
        assert session is not None
        stop, ended = session.listener.stop, asyncio.Event()

        async def slow_stop() -> None:
            """As where people have been asked about, whose questions end here."""
            await stop()
            assert not bot.chat.status().ready
            with pytest.raises(TemporaryError, match="test:#two: "):
                async with asyncio.timeout(1):
                    await bot.chat.say(post("#two", "news"))
            ended.set()

        session.listener.stop = slow_stop  # type: ignore[method-assign]
        far_end.writers[-1].close()
        await bot.until(ended.is_set)
        await bot.joined("test:#one")
        await bot.ready()


async def test_where_all_connections_are_away_no_room_is_joined_when_needed() -> None:
    async with fake(polite) as (_, where):
        pass
    rooms, timings = ("#one", "#two"), {**TIMINGS, "move": 0.2}
    async with running(where, *rooms, **OPEN, further_nicks=["gatewatch2"], timings=timings) as bot:
        spread, links = bot.chat._spread, bot.chat._links
        await bot.until(lambda: len(spread._gone) == 2 and all(link.session is None for link in links))
        assert dict(bot.chat.status().rooms) == {"test:#one": "not joined yet", "test:#two": "not joined yet"}
        with pytest.raises(TemporaryError, match=r"test:#one: test/gatewatch2? is .*: cannot connect"):
            await bot.chat.say(post("#one", "news"))


async def test_a_room_without_a_place_waits_for_a_reason_while_nobody_is_there() -> None:
    def narrow_once(line: str) -> list[bytes]:
        if far_end.connections > 1:
            return []
        named = [b":s 001 gatewatch :hello", b":s 005 gatewatch CHANLIMIT=#:1 :are", b":s 422 gatewatch :no message"]
        return named if line.startswith("USER") else polite(line)

    async with fake(narrow_once) as (far_end, where), running(where, "#one", "#two", **OPEN) as bot:
        await bot.joined("test:#one")
        await bot.ready()
        assert bot.chat.status().rooms["test:#two"] == "joined when needed"
        far_end.writers[-1].close()
        await bot.not_ready()
        await bot.until(lambda: "broke" in bot.chat.status().trouble)
        with pytest.raises(TemporaryError, match=r"test:#two: test is \w+: test: the connection .* broke"):
            await bot.chat.say(post("#two", "news"))


async def test_it_does_not_come_back_soon_where_it_is_unwanted() -> None:
    def throttled(line: str) -> list[bytes]:
        return [b"ERROR :Your host is trying to (re)connect too fast -- throttled."]

    timings = {**TIMINGS, "long_wait": [60]}
    async with fake(throttled) as (far_end, where), running(where, "#gate", **OPEN, timings=timings) as bot:
        await bot.until(lambda: bool(far_end.writers))
        far_end.writers[-1].close()
        await bot.until(lambda: bot.chat.status().state == "waiting")
        assert "too fast -- throttled" in bot.chat.status().trouble
        with pytest.raises(TemporaryError, match=r"test is waiting: .*throttled") as refused:
            await bot.chat.say(post("#gate", "x"))
        assert not refused.value.doubt
        await asyncio.sleep(0.5)  # more than twice the usual wait
        assert far_end.connections == 1


async def test_a_join_without_an_answer_holds_up_nobody() -> None:
    def silent(line: str) -> list[bytes]:
        return [] if line == "JOIN #silent" else polite(line)

    timings = {**TIMINGS, "join": 0.3}
    async with (
        fake(silent) as (far_end, where),
        running(where, "#silent", "#gate", **OPEN, timings=timings) as bot,
    ):
        await bot.ready()
        assert bot.chat.status().rooms == {
            "test:#silent": "the server did not answer the JOIN",
            "test:#gate": "joined",
        }
        await bot.until(lambda: far_end.lines.count("JOIN #silent") == 2)


async def test_a_channel_wanted_no_more_is_not_taken_for_the_cut_name_of_another() -> None:
    def slow(line: str) -> list[bytes]:
        return [] if line.startswith("JOIN") else polite(line)

    timings = {**TIMINGS, "joining": 0.1, "join": 10}
    async with fake(slow) as (far_end, where), running(where, "#ci", "#ci-nova", **OPEN, timings=timings) as bot:
        await bot.until(lambda: {"JOIN #ci", "JOIN #ci-nova"} <= set(far_end.lines))
        session = bot.chat._links[0].session
        assert session is not None
        session.rooms.be_in(["#ci-nova"])  # as when another connection takes the other one
        far_end.say(b":gatewatch!u@h JOIN #ci")
        await bot.until(lambda: "PART #ci :not asked for" in far_end.lines)
        assert session.rooms.states() == {"#ci-nova": "not joined yet"}
        far_end.say(b":gatewatch!u@h JOIN #ci-nova")
        await bot.until(lambda: session.rooms.states() == {"#ci-nova": "joined"})


async def test_a_forward_to_another_channel_is_not_followed() -> None:
    def forwards(line: str) -> list[bytes]:
        if line == "JOIN #gate":
            return [b":s 470 gatewatch #gate ##overflow :Forwarding", b":gatewatch!u@h JOIN ##overflow"]
        return polite(line)

    async with fake(forwards) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        assert "forwards it to another channel" in bot.chat.status().rooms["test:#gate"]
        await bot.until(lambda: "PART ##overflow :not asked for" in far_end.lines)


async def test_a_room_that_the_bot_lost_unseen_is_joined_again() -> None:
    def lost(line: str) -> list[bytes]:
        if line.startswith("PRIVMSG #gate :"):
            return [b":s 442 gatewatch #gate :You're not on that channel"]
        return polite(line)

    async with fake(lost) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        with pytest.raises(TemporaryError, match=r"not in the channel \(442") as refused:
            await bot.chat.say(post("#gate", "x"))
        assert not refused.value.doubt
        await bot.until(lambda: far_end.lines.count("JOIN #gate") == 2)
        far_end.say(b":gatewatch!u@h PART #gate")
        await bot.until(lambda: far_end.lines.count("JOIN #gate") == 3)


async def test_a_number_with_two_meanings_is_about_speech_once_joined() -> None:
    def registered_only(line: str) -> list[bytes]:
        if line.startswith("PRIVMSG #gate :"):
            return [b":s 477 gatewatch #gate :You need to identify to speak"]
        return polite(line)

    async with fake(registered_only) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        with pytest.raises(PermanentError, match="only registered nicks may speak there: configure nickserv"):
            await bot.chat.say(post("#gate", "x"))
        assert bot.chat.status().rooms["test:#gate"].startswith("joined, but only registered nicks may speak there")
        far_end.say(b":ann!a@h MODE #gate -R")
        await bot.joined("test:#gate")


async def test_a_nick_that_is_not_allowed_is_asked_for_again_when_somebody_may_have_mended_it() -> None:
    reserved = True

    def strict(line: str) -> list[bytes]:
        if line.startswith("NICK") and reserved:
            return [b":s 432 * gatewatch :Erroneous Nickname"]
        return [] if reserved else polite(line)

    async with fake(strict) as (far_end, where), running(where, **OPEN) as bot:
        await bot.until(lambda: "does not allow the nick gatewatch" in bot.chat.status().trouble)
        assert far_end.lines.count("NICK gatewatch_") == far_end.connections
        reserved = False
        await bot.ready()


async def test_where_nicks_are_short_another_one_is_no_longer() -> None:
    def nine_at_most(line: str) -> list[bytes]:
        if line == "NICK gatewatch":
            return [b":s 433 * gatewatch :Nickname is already in use"]
        if line.startswith("NICK") and len(line) > len("NICK gatewatch"):
            return [f":s 432 * {line[5:]} :Erroneous Nickname".encode()]
        if line.startswith("NICK"):
            return [f":s 001 {line[5:]} :hello".encode(), f":s 422 {line[5:]} :none".encode()]
        return [] if line.startswith("USER") else polite(line)

    async with fake(nine_at_most) as (far_end, where), running(where, **OPEN) as bot:
        await bot.ready()
        assert "the nick gatewatch is taken; the bot is gatewa" in bot.chat.status().trouble
        assert far_end.connections == 1


async def test_a_nick_that_is_held_while_no_other_is_allowed_is_only_waited_for() -> None:
    held = True

    def strict(line: str) -> list[bytes]:
        if not line.startswith("NICK") or not held:
            return [] if held else polite(line)
        return [f":s {'433' if line == 'NICK gatewatch' else '432'} * {line[5:]} :no".encode()]

    timings = {**TIMINGS, "long_wait": [60]}
    async with fake(strict) as (_, where), running(where, **OPEN, timings=timings) as bot:
        await bot.until(lambda: "no nick like gatewatch is free" in bot.chat.status().trouble)
        held = False
        await bot.ready()
