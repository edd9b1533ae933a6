"""A server that wants TLS: InspIRCd, asked in the open; and fakes that must not hear a secret."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.chat.irc.adapter import IrcChat
from bot.chat.irc.config import IrcConfig
from bot.chat.irc.sts import Sts, Upgrade
from bot.errors import TemporaryError
from tests.chat.fake_irc import OPEN, fake, polite
from tests.chat.irc_bot import Running, section
from tests.servers import free_port
from tests.servers.ircd import Ircd

pytestmark = pytest.mark.xdist_group("inspircd")

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Memory:
    """A keep, for as long as the test; it keeps nothing while `broken`, and tells nothing while `away`."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})
        self.broken = self.away = False

    async def get(self, name: str) -> str | None:
        if self.away:
            raise TemporaryError("disk away")
        return self.values.get(name)

    async def put(self, name: str, value: str) -> None:
        if self.broken:
            raise TemporaryError("disk full")
        self.values[name] = value


@asynccontextmanager
async def at_work(where: Ircd, keep: Memory, **overrides: Any) -> AsyncIterator[Running]:
    chat = IrcChat("test", section(where, **overrides), ["test:#gate"], clock=lambda: NOW, keep=keep)
    bot = Running(chat)

    async def hear(_: object) -> None: ...

    bot.task = asyncio.create_task(chat.run(hear))
    try:
        yield bot
    finally:
        bot.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await bot.task


def policy(port: int, until: datetime) -> Memory:
    return Memory({"irc.test.localhost.sts": json.dumps({"port": port, "until": int(until.timestamp())})})


@pytest.mark.parametrize("broken", [False, True])
async def test_from_the_open_to_tls_and_kept_for_its_duration(services: Ircd, broken: bool) -> None:
    keep = Memory()
    keep.broken = broken
    async with at_work(services, keep, tls=False, port=services.port) as bot:
        await bot.ready()
        session = bot.chat._links[0].session
        assert session is not None and session._config.tls and session._config.port == services.tls_port
    if not broken:
        kept = json.loads(keep.values["irc.test.localhost.sts"])
        assert kept == {"port": services.tls_port, "until": int((NOW + timedelta(minutes=5)).timestamp())}


async def test_nothing_is_said_in_the_open_where_the_server_wants_tls() -> None:
    tls_port = free_port()

    def wants_tls(line: str) -> list[bytes]:
        return [f":s CAP * LS :sasl sts=port={tls_port}".encode()] if line.startswith("CAP LS") else []

    async with fake(wants_tls) as (far_end, where):
        here = {**OPEN, "password": "server-password"}
        async with at_work(where, Memory(), **here) as bot:
            await bot.until(lambda: f"cannot connect to localhost:{tls_port}" in bot.chat.status().trouble)
        assert [line for line in far_end.lines if not line.startswith("CAP")] == []
        assert far_end.connections == 1


async def test_a_kept_policy_is_never_downgraded_until_it_runs_out() -> None:
    tls_port = free_port()
    async with fake(polite) as (far_end, where):
        async with at_work(where, policy(tls_port, NOW + timedelta(seconds=1)), **OPEN) as bot:
            await bot.until(lambda: f"cannot connect to localhost:{tls_port}" in bot.chat.status().trouble)
            assert far_end.connections == 0
        async with at_work(where, policy(tls_port, NOW), **OPEN) as bot:
            await bot.ready()
            assert far_end.connections == 1


@pytest.mark.parametrize("value", ["port=0", "port=x", "duration=5", "port=65536", ""])
async def test_a_policy_without_a_port_is_none(value: str) -> None:
    def server(line: str) -> list[bytes]:
        return [f":s CAP * LS :sts={value}".encode()] if line == "CAP LS 302" else polite(line)

    async with fake(server) as (_, where), at_work(where, Memory(), **OPEN) as bot:
        await bot.ready()


async def test_what_the_server_says_over_tls_takes_the_place_of_what_was_kept(services: Ircd) -> None:
    keep = policy(services.tls_port, NOW + timedelta(days=1))
    async with at_work(services, keep, tls=False, port=services.port) as bot:
        await bot.ready()
        until = int((NOW + timedelta(minutes=5)).timestamp())
        await bot.until(lambda: json.loads(keep.values["irc.test.localhost.sts"])["until"] == until)


def test_a_duration_of_nothing_ends_it() -> None:
    in_the_open = IrcConfig.model_validate({"type": "irc", "host": "localhost", "tls": False, "nick": "gatewatch"})
    sts = Sts("test", "localhost", None, lambda: NOW)
    with pytest.raises(Upgrade, match="wants TLS, on port 6697"):
        sts.on_offered("port=6697,duration=600", in_the_open)
    secure = sts.applied(in_the_open)
    assert (secure.tls, secure.port) == (True, 6697)
    sts.on_offered("duration=0", secure)
    assert sts.applied(in_the_open) is in_the_open


async def test_nothing_is_tried_before_it_is_known_what_was_promised() -> None:
    keep = Memory()
    keep.away = True
    async with fake(polite) as (far_end, where), at_work(where, keep, **OPEN) as bot:
        await bot.until(lambda: bot.chat.status().trouble == "disk away")
        assert far_end.connections == 0
        keep.away = False
        await bot.ready()
        assert bot.chat.status().trouble == ""
