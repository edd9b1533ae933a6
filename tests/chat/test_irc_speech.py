"""What becomes of lines that a server refuses, swallows or changes, by fakes: no real one does so on request."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from bot.chat.irc.dial import USER_TIMEOUT_MS
from bot.chat.irc.lines import announcement, space_for
from bot.errors import PermanentError, TemporaryError
from bot.talk import Said
from tests.chat.fake_irc import OPEN, fake, polite
from tests.chat.human_irc import human
from tests.chat.irc_bot import TIMINGS, post, question, running
from tests.chat.test_irc_manner import echoing
from tests.servers.ircd import Ircd


@pytest.mark.parametrize("numeric", ["408", "415", "492", "599", "936"])
async def test_a_refusal_by_any_number_is_none_of_a_success(numeric: str) -> None:
    def server(line: str) -> list[bytes]:
        if line == "PRIVMSG #gate :news":
            return [f":s {numeric} gatewatch #gate :not like this".encode()]
        return polite(line)

    async with fake(server) as (_, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        with pytest.raises(PermanentError, match=rf"test:#gate: the server .* \({numeric}: not like this\)"):
            await bot.chat.say(post("#gate", "news"))
        assert bot.chat.status().rooms["test:#gate"] == "joined"  # it may be about that one line
        await bot.chat.say(post("#gate", "other news"))


async def test_a_number_that_refuses_nothing_or_is_about_somebody_else_fails_nothing() -> None:
    def server(line: str) -> list[bytes]:
        if line.startswith("PRIVMSG"):
            return [
                b":s 301 gatewatch #gate :away",
                b":s 408 gatewatch #other :no",
                b":s 599",
                b":s 461 gatewatch X :?",
            ]
        return polite(line)

    async with fake(server) as (_, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        assert await bot.chat.say(post("#gate", "news")) == Said()
        assert bot.chat.status().rooms["test:#gate"] == "joined"


async def test_two_refusals_in_one_read_are_of_two_lines() -> None:
    def holds_back(line: str) -> list[bytes]:
        return [] if line.startswith(("PRIVMSG", "PING")) else polite(line)

    refusal = b":s 404 gatewatch #gate :Cannot send to channel"
    answers = [refusal, refusal, b":s PONG s :gatewatch-1", b":s PONG s :gatewatch-2"]
    async with fake(holds_back) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        answer = post("#gate", "answer", **question("#gate"))
        both = asyncio.gather(*map(bot.chat.say, [post("#gate", "news"), answer]), return_exceptions=True)
        await bot.until(lambda: {"PING :gatewatch-1", "PING :gatewatch-2"} <= set(far_end.lines))
        far_end.say(b"\r\n".join(answers))
        for one in await both:
            assert isinstance(one, PermanentError) and "404: Cannot send" in str(one)


async def test_a_refused_announcement_is_not_taken_for_the_reply_beside_it() -> None:
    def censors(line: str) -> list[bytes]:
        if line == "PRIVMSG #gate :darn":
            return [b":s 936 gatewatch #gate darn :Your message contained a censored word"]
        return [] if line == "PING :gatewatch-1" else polite(line)

    async with fake(censors) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        answering = asyncio.create_task(bot.chat.say(post("#gate", "one\ntwo", **question("#gate"))))
        await bot.until(lambda: "PING :gatewatch-1" in far_end.lines)
        announcing = asyncio.create_task(bot.chat.say(post("#gate", "darn")))
        await asyncio.sleep(0.05)  # as long as it would take to be said
        assert "PRIVMSG #gate :darn" not in far_end.lines
        far_end.say(b":s PONG s :gatewatch-1")
        assert await answering == Said()
        with pytest.raises(PermanentError, match="936: Your message"):
            await announcing


@pytest.mark.parametrize(("text", "doubt"), [("no", False), ("one\ntwo\nno", True)])
@pytest.mark.parametrize("numeric", ["439", "442", "707"])
async def test_a_reply_of_which_lines_are_out_is_not_said_again(numeric: str, text: str, doubt: bool) -> None:
    def server(line: str) -> list[bytes]:
        return [f":s {numeric} gatewatch #gate :wait".encode()] if line == "PRIVMSG #gate :no" else polite(line)

    async with fake(server) as (_, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        with pytest.raises(TemporaryError, match=f"{numeric}: wait") as refused:
            await bot.chat.say(post("#gate", text, **question("#gate")))
        assert refused.value.doubt is doubt


@pytest.mark.parametrize("behaves", [polite, echoing])
async def test_too_many_targets_are_fewer_a_minute_later(behaves: Callable[[str], list[bytes]]) -> None:
    """As solanum says it. It neither says nor echoes anything else of such a line, and answers the PING behind it."""
    dropped = b":s 707 gatewatch #gate :Targets changing too fast, message dropped"

    def server(line: str) -> list[bytes]:
        return [dropped] if line == "PRIVMSG #gate :news" else behaves(line)

    timings = {**TIMINGS, "echo": 0.2}
    async with fake(server) as (_, where), running(where, "#gate", **OPEN, timings=timings) as bot:
        await bot.ready()
        with pytest.raises(TemporaryError, match=r"fewer different targets, .* voiced .*too fast") as refused:
            await bot.chat.say(post("#gate", "news"))
        assert (refused.value.doubt, refused.value.retry_after) == (False, 60)
        assert bot.chat.status().rooms["test:#gate"] == "joined"
        assert await bot.chat.say(post("#gate", "other news")) == Said()


@pytest.mark.parametrize("sender", [":s", ":mallory!m@h"])
async def test_a_line_that_is_throttled_by_no_number_is_said_later(sender: str) -> None:
    """And nobody but the server says that it was."""

    def server(line: str) -> list[bytes]:
        notice = f"{sender} NOTICE gatewatch :*** Message to #gate throttled due to flooding"
        return [notice.encode()] if line == "PRIVMSG #gate :news" else polite(line)

    async with fake(server) as (_, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        if sender == ":s":
            with pytest.raises(TemporaryError, match="too many lines come to the channel at once") as refused:
                await bot.chat.say(post("#gate", "news"))
            assert (refused.value.doubt, refused.value.retry_after) == (False, 60)
        else:
            assert await bot.chat.say(post("#gate", "news")) == Said()
        assert bot.chat.status().rooms["test:#gate"] == "joined"


@pytest.mark.xdist_group("ircd")
async def test_hybrid_says_what_it_drops_in_a_flood_of_others(ircd: Ircd) -> None:
    async with AsyncExitStack() as stack:
        names = ["op", *(f"flood{number}" for number in range(6))]
        op, *others = [await stack.enter_async_context(human(name, ircd.tls_port, ircd.ca_file)) for name in names]
        for person in (op, *others):
            await person.join("#flood")
        bot = await stack.enter_async_context(running(ircd, "#flood", nick="watch"))
        await bot.ready()
        refused = 0
        for turn in range(5):  # a machine that is busy may take longer than the second that counts
            for person in others * 3:
                person.say("#flood", "well")
            try:
                await bot.chat.say(post("#flood", f"news {turn}"))
            except TemporaryError as error:
                assert "due to flooding" in str(error)
                refused += 1
                break
            await asyncio.sleep(3)
        assert refused
        await op.wait_for(lambda line: "well" in line)
        assert f"news {turn}" not in op.heard("#flood", "watch")


async def test_the_echo_of_an_answer_confirms_no_announcement() -> None:
    def server(line: str) -> list[bytes]:
        return echoing(line, swallowed="spam")

    timings = {**TIMINGS, "echo": 0.5}
    async with fake(server) as (far_end, where), running(where, "#gate", **OPEN, timings=timings) as bot:
        await bot.ready()
        announced = asyncio.create_task(bot.chat.say(post("#gate", "spam")))
        await bot.until(lambda: "PRIVMSG #gate :spam" in far_end.lines)
        assert await bot.chat.say(post("#gate", "an\nanswer", **question("#gate"))) == Said()
        with pytest.raises(PermanentError, match="passed it on to nobody"):
            await announced


async def test_an_echo_with_its_formatting_taken_off_confirms() -> None:
    def strips(line: str) -> list[bytes]:
        return [out.replace(b"\x02", b"").replace(b"\x0f", b"") for out in echoing(line)]

    async with fake(strips) as (far_end, where), running(where, "#gate", **OPEN, formatting="bold") as bot:
        await bot.ready()
        await bot.chat.say(post("#gate", "news"))
        assert not [line for line in far_end.lines if line.startswith("PING")]


async def test_an_echo_that_a_filter_changed_confirms_what_alone_waits() -> None:
    def censors(line: str) -> list[bytes]:
        return [out.replace(b"darn", b"****") for out in echoing(line)]

    async with fake(censors) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        await bot.chat.say(post("#gate", "darn it"))
        assert not [line for line in far_end.lines if line.startswith("PING")]


async def test_a_join_refused_by_a_number_that_nobody_knows_says_the_servers_words() -> None:
    def server(line: str) -> list[bytes]:
        return [b":s 448 gatewatch #gate :Channel is forbidden"] if line == "JOIN #gate" else polite(line)

    timings = {**TIMINGS, "join_again": [60]}
    async with fake(server) as (_, where), running(where, "#gate", **OPEN, timings=timings) as bot:
        await bot.ready()
        said = bot.chat.status().rooms["test:#gate"]
    assert said == "the server does not let the bot in (448: Channel is forbidden)"


def takes_long_lines(line: str) -> list[bytes]:
    """A server that names a LINELEN."""
    if line.startswith("USER"):
        return [b":s 001 gatewatch :hello", b":s 005 gatewatch LINELEN=2048 :are supported", b":s 422 gatewatch :none"]
    return polite(line)


async def test_a_server_that_takes_longer_lines_gets_them_whole() -> None:
    text = "news " * 300
    async with fake(takes_long_lines) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        await bot.chat.say(post("#gate", text))
        assert f"PRIVMSG #gate :{text.strip()}" in far_end.lines


async def test_a_line_that_has_to_be_cut_is_told_to_operators(caplog: pytest.LogCaptureFixture) -> None:
    key = "sesame" * 100
    async with fake(polite) as (far_end, where), running(where, "#gate", **OPEN, keys={"#gate": key}) as bot:
        await bot.until(lambda: any(line.startswith("JOIN") for line in far_end.lines))
        assert [len(line) for line in far_end.lines if line.startswith("JOIN")] == [510]
    assert "irc line cut" in caplog.text and "sesame" not in caplog.text


async def test_space_is_counted_from_the_name_that_the_server_shows_now() -> None:
    text = "ä" * 400
    async with fake(polite) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()

        async def cut_for(prefix: str) -> None:
            before = len(far_end.lines)
            await bot.chat.say(post("#gate", text))
            line = announcement(text, space_for(prefix, "PRIVMSG", "#gate"))
            assert f"PRIVMSG #gate :{line}" in far_end.lines[before:]

        await cut_for("gatewatch!u@h")
        far_end.say(b":s 396 gatewatch user/gatewatch :is now your displayed host")  # on some without CHGHOST
        far_end.say(b"PING :host")
        await bot.until(lambda: "PONG host" in far_end.lines)
        await cut_for("gatewatch!u@user/gatewatch")
        far_end.say(b":gatewatch!u@user/gatewatch NICK Guest1234567890")
        far_end.say(b"PING :nick")
        await bot.until(lambda: "PONG nick" in far_end.lines)
        await cut_for("Guest1234567890!u@user/gatewatch")


async def test_the_kernel_is_a_second_net() -> None:
    async with fake(polite) as (_, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        session = bot.chat._links[0].session
        assert session is not None and session._connection.transport is not None
        endpoint = session._connection.transport.get_extra_info("socket")
        assert endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert endpoint.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == USER_TIMEOUT_MS
