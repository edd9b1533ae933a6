"""Being identified: InspIRCd with Anope's NickServ."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.chat.human_irc import Human, human
from tests.chat.irc_account import PASSWORD, add_certificate, known
from tests.chat.irc_bot import TIMINGS, post, running
from tests.servers.ircd import Ircd

pytestmark = pytest.mark.xdist_group("inspircd")


@asynccontextmanager
async def members_only(services: Ircd, channel: str) -> AsyncIterator[Human]:
    """A channel for registered nicks only, and somebody in it."""
    async with human("chanop", services.tls_port, services.ca_file) as op:
        await op.join(channel)
        op.send(f"MODE {channel} +R")
        await op.wait_for(lambda line: f"MODE {channel} " in line and "R" in line)
        yield op


async def test_by_password_before_the_joins(services: Ircd) -> None:
    async with known(services, "watcha"):
        pass
    async with members_only(services, "#members") as op:
        nickserv = {"password": PASSWORD}
        async with running(services, "#members", nick="watcha", nickserv=nickserv) as bot:
            await bot.ready()
            assert bot.chat.status().rooms == {"test:#members": "joined"}
            assert bot.chat.status().trouble == ""
            await bot.chat.say(post("#members", "identified"))
            await op.hears("#members", "identified")


async def test_a_wrong_password_is_said_and_the_rest_works(services: Ircd) -> None:
    async with known(services, "watchb"):
        pass
    async with members_only(services, "#members"):
        nickserv = {"password": "mistaken"}
        async with running(services, "#members", "#open", nick="watchb", nickserv=nickserv) as bot:
            await bot.ready()
            status = bot.chat.status()
            assert "NickServ does not accept the bot (wrong password)" in status.trouble
            assert status.rooms["test:#open"] == "joined"
            assert "for registered nicks only: configure nickserv" in status.rooms["test:#members"]


async def test_a_password_that_nickserv_repeats_is_said_and_logged_nowhere(
    services: Ircd, caplog: pytest.LogCaptureFixture
) -> None:
    # Anope takes the first word for an account: "Nick <password> isn't registered."
    nickserv = {"password": "oftcpw12", "order": "password-first"}
    with caplog.at_level(logging.DEBUG, "bot"):
        async with running(services, nick="watchf", nickserv=nickserv) as bot:
            await bot.until(lambda: "no such account" in bot.chat.status().trouble)
            assert "oftcpw12" not in repr(bot.chat.status())
    assert "no such account" in caplog.text and "oftcpw12" not in caplog.text


async def test_by_certificate(services: Ircd) -> None:
    slow = {**TIMINGS, "join_again": [60]}
    async with known(services, "watchc", services.client_pem) as owner:
        brief = {**TIMINGS, "identify": 0.5}
        async with running(services, nick="other", certfp=services.client_pem, timings=brief) as bot:
            await bot.ready()
            assert "services do not know the certificate" in bot.chat.status().trouble
        await add_certificate(owner)
    async with (
        members_only(services, "#members"),
        running(services, "#members", nick="watchc", certfp=services.client_pem, timings=slow) as bot,
    ):
        await bot.ready()
        assert bot.chat.status().rooms == {"test:#members": "joined"}
        assert bot.chat.status().trouble == ""


async def test_a_held_nick_is_recovered(services: Ircd) -> None:
    async with known(services, "watchd"):
        nickserv = {"password": PASSWORD, "regain": "RECOVER"}
        timings = {**TIMINGS, "regain": 60, "confirm": 10}  # the server lags behind who says so much so fast
        async with running(services, "#gate", nick="watchd", nickserv=nickserv, timings=timings) as bot:
            await bot.ready()
            await bot.until(lambda: bot.chat.status().trouble == "")
            async with human("ann", services.tls_port, services.ca_file) as ann:
                await ann.join("#gate")
                await bot.chat.say(post("#gate", "me"))
                await ann.hears("#gate", "me")
            assert ann.heard("#gate", "watchd") == ["me"]


async def test_a_nick_that_folds_to_the_bots_is_the_bots(services: Ircd) -> None:
    """This server's CASEMAPPING is rfc1459, where [ and { are one letter."""
    async with human("ann", services.tls_port, services.ca_file) as ann:
        await ann.join("#Gate{1}")
        async with running(services, "#gate[1]", nick="watch[e]") as bot:
            await bot.ready()
            ann.say("#Gate{1}", "WATCH{E}: top")
            await bot.until(lambda: len(bot.heard) == 1)
            assert bot.heard[0].room == "test:#gate[1]"
