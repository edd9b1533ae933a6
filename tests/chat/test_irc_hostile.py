"""A far end that misbehaves, fault by fault: afterwards the bot is connected, or waits and says why."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.talk import NetworkStatus
from tests.chat.fake_irc import OPEN, Fake, fake, polite
from tests.chat.irc_bot import TIMINGS, Running, post, running
from tests.servers.daemon import openssl
from tests.servers.link import link_to

CHANGED = b":gatewatch!u@h NICK Guest123"
SEPARATOR = rb"\s*[|\n]\s*"
OUT_OF_ORDER = b"""
    :s 376 gatewatch :end | :s 433 * gatewatch :in use | :s 366 gatewatch #x :end | :s 318 gatewatch a :end | :s 353
    :s 903 gatewatch :ok | :s 354 gatewatch 317 | :s 311 gatewatch | :s 001 gatewatch :again | :s 451 * :who are you
    :s 464 gatewatch | CAP | :s CAP gatewatch ACK | :s CAP * NAK :x | :s 437 gatewatch gatewatch :not available
"""
MALFORMED = b"""
    :gatewatch!u@h NICK | :a!b@c NICK | :gatewatch!u@h KICK | :s MODE | :s MODE #gate | :s MODE #gate +ooo a | NOTICE
    :s MODE gatewatch | :a!b@c ACCOUNT | :a!b@c CHGHOST | BATCH | BATCH + | :a!b@c PART | JOIN | PONG | INVITE | :s 396
    :a!b@c INVITE gatewatch | ERROR | AUTHENTICATE | :s 900 | :a!b@c PRIVMSG | :a!b@c QUIT | :gatewatch!u@h JOIN
    :s KICK #gate | :s 473 gatewatch | :s 404 | :s 001 | :a!b@c PRIVMSG gatewatch
"""
TEXT, LONG = b":a!b@c PRIVMSG #gate :", 65_536
FAULTS: dict[str, list[bytes]] = {
    "latin-1": [TEXT + b"!caf\xe9"],
    "broken UTF-8": [TEXT + b"!\xe2\x82 \xff\xfe \xed\xa0\x80", b":\xff!\xfe@\xfd JOIN #gate"],
    "a text without end": [TEXT + b"!" + b"x" * LONG],
    "a command without end": [b"x" * LONG, b" " * LONG, b":" * LONG, b"@" * LONG],
    "many words": [b":s 353 gatewatch = #gate" + b" a" * 30_000, b":s 005 gatewatch" + b" A=1" * 3_000 + b" :x"],
    "tags of 8 KB": [b"@t=" + b"1" * 8_100 + b" " + TEXT + b"talk", b"@" + b"a=\\;" * 2_000 + b" " + TEXT + b"talk"],
    "malformed tags": [b"@", b"@ ", b"@;;=;a=\\ PING", b"@time= " + TEXT + b"talk", b"@batch :a!b@c QUIT"],
    "numerics out of order": re.split(SEPARATOR, OUT_OF_ORDER),
    "malformed events": re.split(SEPARATOR, MALFORMED),
    "PING without a token": [b"PING", b":s PING", b"PING :"],
    "a netsplit": [
        b":a!b@c QUIT :hub.example.org leaf.example.org",
        b":ann!a@h QUIT :*.net *.split",
        b":NickServ!s@services QUIT :*.net *.split",
        b":hub.example.org MODE #gate +o ann",
        b":ann!a@h JOIN #gate",
    ],
    "another's nick": [b":gatewatch!x@y QUIT :not really", b":a!b@c NICK gatewatch2"],
}


async def still_there(bot: Running, far_end: Fake, nick: str = "gatewatch") -> None:
    """It hears, answers, and is on its first connection."""
    far_end.say(f":ann!a@h PRIVMSG #gate :{nick}, still there?".encode())
    await bot.until(lambda: any("still there" in line.text for line in bot.heard))
    await bot.chat.say(post("#gate", "yes"))
    assert "PRIVMSG #gate :yes" in far_end.lines
    assert far_end.connections == 1


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_bot_stays(fault: str) -> None:
    async with fake(polite) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        before = bot.chat.status()
        far_end.say(b"\r\n".join(FAULTS[fault]))
        await still_there(bot, far_end)
        after = bot.chat.status()
    assert (after.state, after.since, after.rooms) == ("ready", before.since, {"test:#gate": "joined"})


async def test_services_may_rename_the_bot() -> None:
    async with (
        fake(polite) as (far_end, where),
        running(where, "#gate", **OPEN, timings={**TIMINGS, "regain": 60}) as bot,
    ):
        await bot.ready()
        far_end.say(CHANGED)
        await bot.until(lambda: "it is Guest123 now" in bot.chat.status().trouble)
        far_end.say(b":ann!a@h PRIVMSG #gate :guest123: top")
        far_end.say(b":ann!a@h PRIVMSG Guest123 :private")
        far_end.say(b":Guest123!u@h PRIVMSG #gate :!echo")
        await bot.until(lambda: len(bot.heard) == 2)
        far_end.say(b":Guest123!u@h NICK gatewatch")
        await bot.until(lambda: bot.chat.status().trouble == "")
        await still_there(bot, far_end)
    assert [line.text for line in bot.heard][:2] == ["guest123: top", "private"]


async def test_ten_thousand_names() -> None:
    def crowd(line: str) -> list[bytes]:
        if not line.startswith("JOIN"):
            return polite(line)
        names = [" ".join(f"nick{row}x{n}!user@host{n}.example.org" for n in range(50)).encode() for row in range(200)]
        return [*polite(line), *(b":s 353 gatewatch = #gate :" + row for row in names), b":s 366 gatewatch #gate :end"]

    async with fake(crowd) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        await still_there(bot, far_end)
        assert bot.chat._links[0].session is not None
        assert bot.chat._links[0].session.listener.people.count("#gate") == 10_001  # and the bot


async def test_a_server_that_echoes_everything() -> None:
    def echo(line: str) -> list[bytes]:
        return [*polite(line), line.encode(), b":gatewatch!u@h " + line.encode()]

    async with fake(echo) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        await bot.chat.say(post("#gate", "!top"))
        await still_there(bot, far_end)
    assert len(bot.heard) == 1


# -- before it is in ------------------------------------------------------------------------------------------


async def test_a_welcome_with_another_nick() -> None:
    def renaming(line: str) -> list[bytes]:
        if line.startswith("JOIN"):
            return [f":gw-7!u@h {line}".encode()]
        return [b":s 001 gw-7 :hello", b":s 422 gw-7 :none"] if line.startswith("USER") else polite(line)

    async with fake(renaming) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        assert "the nick gatewatch is taken; the bot is gw-7" in bot.chat.status().trouble
        await still_there(bot, far_end, "gw-7")


async def test_pings_and_numerics_before_the_welcome() -> None:
    def early(line: str) -> list[bytes]:
        early = [b"PING", b"PING :", b":s 366 * #gate :end", b":s 353 * = #gate :a", b":a!b@c PRIVMSG gatewatch :top"]
        return [*early, *polite(line)] if line.startswith("USER") else polite(line)

    async with fake(early) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        await still_there(bot, far_end)


@pytest.mark.parametrize("token", ["LINELEN=", "CHANNELLEN=", "CHANLIMIT=#:", "MAXCHANNELS="])
async def test_a_number_that_is_none_of_a_servers(token: str) -> None:
    def boasting(line: str) -> list[bytes]:
        named = f":s 005 gatewatch {token}{'9' * 5_000} :are supported".encode()
        return (
            [b":s 001 gatewatch :hello", named, b":s 422 gatewatch :none"] if line.startswith("USER") else polite(line)
        )

    async with fake(boasting) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.joined("test:#gate")
        await bot.ready()
        await still_there(bot, far_end)


def in_use(line: str) -> list[bytes]:
    return [b":s 433 * x :Nickname is already in use"] if line.startswith("NICK") else []


def error_first(line: str) -> list[bytes]:
    return [b"ERROR :Closing Link: [No more connections allowed]"] if line.startswith("USER") else []


def mute(line: str) -> list[bytes]:
    return []


def deaf(line: str) -> list[bytes]:
    return [] if line.startswith("PING") else polite(line)


@pytest.mark.parametrize(
    ("answer", "timings", "why"),
    [
        (in_use, {}, "no nick like gatewatch is free"),
        (error_first, {}, "No more connections allowed"),
        (mute, {"registration": 0.3}, "the server did not let the bot in within 0.3 s"),
        (deaf, {"idle": 0.2, "dead": 0.3}, "the server has said nothing for"),
    ],
)
async def test_it_waits_and_says_why(answer: Callable[[str], list[bytes]], timings: dict[str, Any], why: str) -> None:
    def hanging_up(line: str) -> list[bytes]:
        said = answer(line)
        if any(out.startswith(b"ERROR") for out in said):
            asyncio.get_running_loop().call_later(0.05, far_end.writers[-1].close)
        return said

    waits = {**TIMINGS, "reconnect": [30], "reconnect_floor": 30, **timings}
    async with fake(hanging_up) as (far_end, where), running(where, "#gate", **OPEN, timings=waits) as bot:
        status = await waiting(bot)
        assert why in status.trouble
        assert (status.ready, status.rooms, far_end.connections) == (False, {"test:#gate": "not joined yet"}, 1)


async def test_a_welcome_that_drips() -> None:
    """Something always comes, and never a whole line: what counts is being let in."""
    async with fake(mute) as (far_end, where):
        waits = {**TIMINGS, "registration": 0.5, "reconnect": [30], "reconnect_floor": 30}
        async with running(where, "#gate", **OPEN, timings=waits) as bot:
            await bot.until(lambda: bool(far_end.writers))
            dripping = asyncio.create_task(drip(far_end))
            status = await waiting(bot)
            dripping.cancel()
            await asyncio.gather(dripping, return_exceptions=True)
    assert "did not let the bot in within 0.5 s" in status.trouble


async def drip(far_end: Fake) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            far_end.writers[-1].write(b"x")
            await asyncio.sleep(0.01)


async def waiting(bot: Running) -> NetworkStatus:
    await bot.until(lambda: bot.chat.status().state == "waiting")
    return bot.chat.status()


# -- certificates ---------------------------------------------------------------------------------------------


def new_certificate(folder: Path, name: str, days: int) -> None:
    """Signed by itself, for `name`; with -1 day it is of yesterday."""
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "csr", "-subj", f"/CN={name}")
    (folder / "ext").write_text(f"subjectAltName=DNS:{name}\n")
    openssl(
        folder, "x509", "-req", "-in", "csr", "-signkey", "key", "-days", str(days), "-extfile", "ext", "-out", "crt"
    )


@pytest.mark.parametrize(
    ("name", "days", "trusted", "why"),
    [
        ("localhost", -1, True, "has expired"),
        ("localhost", 1, False, r"is not trusted \(self.signed certificate\): check host, or set ca_file"),
        ("irc.example.org", 1, True, r"is not trusted \(Hostname mismatch.*localhost"),
    ],
)
async def test_a_wrong_certificate_is_waited_for(
    tmp_path: Path, name: str, days: int, trusted: bool, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Such a server is told nothing; what is wrong is logged once; when it is right the bot is back."""
    trusts = tmp_path / "trusted"
    for _ in range(1 if trusted else 2):
        new_certificate(tmp_path, name, days)
        if not trusts.exists():
            shutil.copy(tmp_path / "crt", trusts)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    waits = {**TIMINGS, "reconnect": [0.05], "reconnect_floor": 0.05, "long_wait": [0.4]}
    async with (
        fake(polite, tls) as (far_end, where),
        link_to(where.tls_port) as link,
        running(where, "#gate", ca_file=trusts, timings=waits, port=link.port) as bot,
    ):
        await bot.until(lambda: len(link.attempts) == 3)
        assert link.attempts[2] - link.attempts[0] >= 0.8
        assert re.search(why, (await waiting(bot)).trouble)
        lost = [record.levelname for record in caplog.records if record.getMessage().startswith("irc lost")]
        assert lost == ["ERROR"]
        assert far_end.lines == []
        new_certificate(tmp_path, "localhost", 1)
        tls.load_cert_chain(tmp_path / "crt", tmp_path / "key")
        shutil.copy(tmp_path / "crt", trusts)
        await bot.ready()
        assert re.search(why, bot.chat.status().error) and bot.chat.status().trouble == ""
