"""The same short conversation on every daemon that the tests know."""

from __future__ import annotations

import pytest

from tests.chat.human_irc import human
from tests.chat.irc_bot import post, running
from tests.servers.ircd import SERVER_PASSWORD, Ircd

pytestmark = pytest.mark.xdist_group("inspircd")

DAEMONS = ["ircd", "hybrid_services", "services", "atheme", "ngircd"]


@pytest.fixture
def daemon(request: pytest.FixtureRequest) -> Ircd:
    server = request.getfixturevalue(request.param)
    assert isinstance(server, Ircd)
    return server


@pytest.mark.parametrize("daemon", DAEMONS, indirect=True)
async def test_it_joins_hears_and_is_heard(daemon: Ircd) -> None:
    async with (
        human("ann", daemon.tls_port, daemon.ca_file) as ann,
        running(daemon, "#gate", nick="watch") as bot,
    ):
        await ann.join("#gate")
        await bot.ready()
        assert bot.chat.status().rooms == {"test:#gate": "joined"}
        ann.say("#gate", "watch: top")
        await bot.until(lambda: [line.text for line in bot.heard] == ["watch: top"])
        await bot.chat.say(post("#gate", "nothing failed"))
        await ann.hears("#gate", "nothing failed")


async def test_with_the_servers_password(ngircd_locked: Ircd) -> None:
    async with running(ngircd_locked, "#gate", password=SERVER_PASSWORD) as bot:
        await bot.ready()
        assert bot.chat.status().rooms == {"test:#gate": "joined"}


async def test_with_stock_limits_of_connections(stock_hybrid: Ircd) -> None:
    async with running(stock_hybrid, "#gate") as bot:
        await bot.ready()
        assert bot.chat.status().rooms == {"test:#gate": "joined"}
