"""A host of several addresses, of which not all answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.chat.fake_irc import OPEN, fake, polite
from tests.chat.irc_bot import TIMINGS, running
from tests.servers.daemon import make_certificates
from tests.servers.deaf import deaf


def resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """What any host's name means to this test's event loop."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address) for address in addresses]

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return found

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("secure", [False, True])
async def test_an_address_that_swallows_who_connects_is_not_waited_for(
    secure: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_certificates(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "server.key")
    settings = {"ca_file": tmp_path / "ca.pem"} if secure else OPEN
    timings = {**TIMINGS, "connect": 3, "reconnect": [60]}
    with deaf("127.0.0.2") as silent:
        async with fake(polite, tls if secure else None) as (far_end, where):
            resolves_to(monkeypatch, silent, ("127.0.0.1", where.port))
            async with running(where, "#gate", **settings, timings=timings) as bot:
                await bot.ready()
                assert far_end.connections == 1


async def test_where_no_address_answers_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with deaf("127.0.0.2") as first, deaf("127.0.0.3") as second:
        async with fake(polite) as (far_end, where):
            resolves_to(monkeypatch, first, second)
            timings = {**TIMINGS, "connect": 0.5, "reconnect": [60]}
            async with running(where, "#gate", **OPEN, timings=timings) as bot:
                await bot.until(lambda: "did not answer within 0.5 s" in bot.chat.status().trouble)
                assert far_end.connections == 0
