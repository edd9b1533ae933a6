"""Having the nick and telling NickServ: Anope, Atheme, daemons without services, and somebody who poses as NickServ."""

from __future__ import annotations

import asyncio
import itertools
import logging

import pytest

from bot.chat.irc.connection import Event
from bot.chat.irc.identity import sign_of
from tests.chat.fake_irc import OPEN, fake, polite
from tests.chat.human_irc import human
from tests.chat.irc_account import PASSWORD, add_certificate, known
from tests.chat.irc_bot import TIMINGS, post, running
from tests.servers.ircd import Ircd

pytestmark = pytest.mark.xdist_group("nicks")

WHOIS = [
    b":s 311 gatewatch NickServ services services.s * :services",
    b":s 312 gatewatch NickServ services.s :services",
    b":s 318 gatewatch NickServ :End of /WHOIS list.",
]


def with_services(line: str) -> list[bytes]:
    return WHOIS if line == "WHOIS NickServ" else polite(line)


async def test_services_are_believed_only_when_they_speak_themselves() -> None:
    async with (
        fake(with_services) as (far_end, where),
        running(where, "#gate", **OPEN, nickserv={"password": "hunter2", "order": "password-first"}) as bot,
    ):
        await bot.until(lambda: "PRIVMSG NickServ :IDENTIFY hunter2 gatewatch" in far_end.lines)
        far_end.say(b":mallory!m@h NOTICE gatewatch :You are now identified for gatewatch")
        far_end.say(b":NickServ!mallory@h NOTICE gatewatch :You are now identified for gatewatch")
        far_end.say(b"PING :read")
        await bot.until(lambda: "PONG read" in far_end.lines)
        assert bot.chat.status().state == "identifying"
        far_end.say(b":NickServ!services@services.s NOTICE gatewatch :Password accepted - you are now recognized.")
        await bot.ready()
        assert bot.chat.status().trouble == ""
    assert len([line for line in far_end.lines if "IDENTIFY" in line]) == 1


@pytest.mark.parametrize(("on", "believed"), [("svc.s", True), ("leaf.s", False), ("", False)])
async def test_where_the_config_names_their_server_who_is_elsewhere_is_not_believed(on: str, believed: bool) -> None:
    """What is told goes to that server alone; who answers may be anybody with the nick."""

    def server(line: str) -> list[bytes]:
        shown = [f":s 311 gatewatch NickServ serv {on} * :x".encode(), f":s 312 gatewatch NickServ {on} :x".encode()]
        nobody = [b":s 401 gatewatch NickServ :No such nick"]
        end = [b":s 318 gatewatch NickServ :End of /WHOIS list."]
        return ([*shown, *end] if on else nobody) if line == "WHOIS NickServ" else polite(line)

    timings = {**TIMINGS, "identify": 0.5}
    nickserv = {"password": "hunter2", "service": "NickServ@Svc.s"}
    async with (
        fake(server) as (far_end, where),
        running(where, "#gate", **OPEN, nickserv=nickserv, timings=timings) as bot,
    ):
        await bot.until(lambda: "PRIVMSG NickServ@Svc.s :IDENTIFY gatewatch hunter2" in far_end.lines)
        for userhost in ("mallory@h", f"serv@{on or 'h'}"):
            assert bot.chat.status().state == "identifying"
            far_end.say(f":NickServ!{userhost} NOTICE gatewatch :You are now identified for gatewatch".encode())
            far_end.say(b"PING :" + userhost.encode())
            await bot.until(lambda userhost=userhost: f"PONG {userhost}" in far_end.lines)  # type: ignore[misc]
        await bot.ready()
        trouble = "" if believed else "test: NickServ@Svc.s did not answer"
        assert bot.chat.status().trouble == trouble


async def test_the_log_has_commands_and_refusals_and_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    def closed(line: str) -> list[bytes]:
        refused = [b":s 475 gatewatch #gate :Cannot join channel (+k)"]
        return refused if line.startswith("JOIN") else with_services(line)

    caplog.set_level(logging.DEBUG, "bot.chat.irc")
    secrets = {"nickserv": {"password": "hunter2"}, "password": "opensesame", "keys": {"#gate": "frob"}}
    brief = {**secrets, "timings": {**TIMINGS, "step": 0.2}}
    async with fake(closed) as (far_end, where), running(where, "#gate", **OPEN, **brief) as bot:
        await bot.until(lambda: "PRIVMSG NickServ :IDENTIFY gatewatch hunter2" in far_end.lines)
        far_end.say(b":NickServ!services@services.s NOTICE gatewatch :hunter2 is not registered")
        await bot.ready()
        assert "JOIN #gate frob" in far_end.lines
    for shown in ("line='JOIN #gate'", "line='PRIVMSG NickServ'", "line='PASS'", "Cannot join channel (+k)"):
        assert shown in caplog.text
    assert not [secret for secret in ("hunter2", "opensesame", "frob") if secret in caplog.text]


async def test_nothing_is_told_to_who_only_has_the_name(ircd: Ircd) -> None:
    """A daemon without services, where anybody may be called NickServ."""
    async with human("NickServ", ircd.tls_port, ircd.ca_file) as impostor:
        async with running(ircd, "#gate", nickserv={"password": PASSWORD}) as bot:
            await bot.ready()
            assert "NickServ is somebody with that nick and no service" in bot.chat.status().trouble
            impostor.say("gatewatch", "well?")
            impostor.send("NOTICE gatewatch :You are now identified for gatewatch.")
            await bot.chat.say(post("#gate", "x"))
            assert "no service" in bot.chat.status().trouble
        assert not [line for line in impostor.lines if PASSWORD in line]


async def test_an_operator_of_services_is_a_person_and_told_nothing() -> None:
    def titled(line: str) -> list[bytes]:
        if line == "WHOIS NickServ":
            return [
                b":s 311 gatewatch NickServ ann h * :Ann",
                b":s 312 gatewatch NickServ leaf.example.org :a server",
                b":s 313 gatewatch NickServ :is a Services Administrator",
                b":s 318 gatewatch NickServ :End of /WHOIS list.",
            ]
        return polite(line)

    async with (
        fake(titled) as (far_end, where),
        running(where, "#gate", **OPEN, nickserv={"password": "hunter2"}) as bot,
    ):
        await bot.ready()
        assert "NickServ is somebody with that nick and no service" in bot.chat.status().trouble
        assert not [line for line in far_end.lines if "hunter2" in line]


async def test_logged_out_by_services_it_tells_them_again() -> None:
    def server(line: str) -> list[bytes]:
        told = b":NickServ!services@services.s NOTICE gatewatch :Password accepted - you are now recognized."
        return [told] if line.startswith("PRIVMSG NickServ :IDENTIFY") else with_services(line)

    timings = {**TIMINGS, "regain": 0.2}
    async with (
        fake(server) as (far_end, where),
        running(where, "#gate", **OPEN, nickserv={"password": "hunter2"}, timings=timings) as bot,
    ):
        await bot.ready()
        far_end.say(b":s 901 gatewatch gatewatch!u@h :You are now logged out")
        await bot.until(lambda: len([line for line in far_end.lines if "IDENTIFY" in line]) == 2)
        await bot.until(lambda: bot.chat.status().trouble == "")


async def test_without_its_user_mode_it_tells_services_again_but_no_faster() -> None:
    """As on OFTC, which sends neither 901 nor ACCOUNT. Services that take the mode again at once are not pressed."""
    told: list[float] = []

    def server(line: str) -> list[bytes]:
        if not line.startswith("PRIVMSG NickServ :IDENTIFY"):
            return with_services(line)
        told.append(asyncio.get_running_loop().time())
        fickle = [b":s MODE gatewatch :-r", b":s MODE gatewatch :+r"] * 20 + [b":s MODE gatewatch :-r"]
        return [b":s MODE gatewatch :+ir-w", *(fickle if 1 < len(told) < 4 else [])]

    timings = {**TIMINGS, "regain": 0.3}
    async with (
        fake(server) as (far_end, where),
        running(where, "#gate", **OPEN, nickserv={"password": "hunter2"}, timings=timings) as bot,
    ):
        await bot.ready()
        assert (len(told), bot.chat.status().who) == (1, "gatewatch (identified)")
        far_end.say(b":gatewatch!u@h MODE gatewatch :-r")
        await bot.until(lambda: "has lost user mode +r" in bot.chat.status().trouble)
        assert bot.chat.status().who == "gatewatch (not identified)"
        await bot.until(lambda: len(told) == 4 and bot.chat.status().trouble == "")
        assert min(later - earlier for earlier, later in itertools.pairwise(told[1:])) >= 0.3
        assert len([line for line in far_end.lines if line.startswith("WHOIS")]) == 1


async def test_on_hybrid_an_account_outlives_a_nick_and_its_mode(hybrid_services: Ircd) -> None:
    timings = {**TIMINGS, "regain": 0.5}
    async with known(hybrid_services, "nickk"):
        pass
    nickserv = {"password": PASSWORD, "regain": "RECOVER"}
    async with running(hybrid_services, "#gate", nick="nickk", nickserv=nickserv, timings=timings) as bot:
        await bot.ready()
        session = bot.chat._links[0].session
        assert session is not None
        complaints: list[str] = []
        session.identity.complain = complaints.append  # type: ignore[method-assign]
        session._connection.send("NICK", "nickl")  # -r
        await bot.until(lambda: session.identity.nick == "nickl")
        await bot.until(lambda: session.identity.own_nick.had)
        assert (bot.chat.status().who, complaints) == ("nickk (account nickk)", [])
        session._connection.send("PRIVMSG", "NickServ", text="LOGOUT")
        await bot.until(lambda: complaints == ["services have logged the bot out"])
        await bot.until(lambda: bot.chat.status().who == "nickk (account nickk)")


async def test_a_user_that_ngircd_restricts_is_not_identified(ngircd: Ircd) -> None:
    """There +r is that, and +R what it is elsewhere; anybody may restrict themselves."""
    async with running(ngircd, "#gate", nick="nickm", nickserv={"password": PASSWORD}) as bot:
        await bot.ready()
        session = bot.chat._links[0].session
        assert session is not None
        seen: list[str] = []
        listen = session._connection.listen

        def hear(event: Event) -> None:
            listen(event)
            seen.append(event.kind)

        session._connection.listen = hear
        session._connection.send("MODE", "nickm", "+r")
        await bot.until(lambda: "umode" in seen)
        assert bot.chat.status().who == "nickm (not identified)"
        session._connection.process_data(b":NickServ!s@s MODE nickm :+R\r\n")
        assert bot.chat.status().who == "nickm (identified)"


@pytest.mark.parametrize(
    ("change", "sign"),
    [("+r", "+"), ("-r", "-"), ("+ir-w", "+"), ("+i-wr", "-"), ("+r-r", "-"), ("+iw", ""), ("r", "")],
)
def test_what_a_change_does_to_a_mode(change: str, sign: str) -> None:
    assert sign_of("r", change) == sign


async def test_when_services_come_back_they_are_told_once(atheme: Ircd) -> None:
    async with known(atheme, "nicka"):
        pass
    assert atheme.services is not None
    atheme.services.stop()
    async with running(atheme, "#gate", nick="nicka", nickserv={"password": PASSWORD}) as bot:
        await bot.ready()
        assert "NickServ is not there" in bot.chat.status().trouble
        atheme.services.start()
        await bot.until(lambda: bot.chat.status().trouble == "")


@pytest.mark.parametrize("word", ["REGAIN", "GHOST"])
async def test_a_nick_that_somebody_has_is_taken_back(atheme: Ircd, word: str) -> None:
    nick = f"n{word.lower()}"
    timings = {**TIMINGS, "regain": 60}
    async with known(atheme, nick):
        nickserv = {"password": PASSWORD, "regain": word}
        async with running(atheme, "#gate", nick=nick, nickserv=nickserv, timings=timings) as bot:
            await bot.ready()
            await bot.until(lambda: bot.chat.status().trouble == "")


async def test_who_is_known_by_sasl_takes_the_nick_back_without_a_password(services: Ircd) -> None:
    timings = {**TIMINGS, "regain": 60}
    async with known(services, "nickb"):
        login = {"sasl": {"password": PASSWORD}, "nickserv": {"regain": "RECOVER"}}
        async with running(services, "#gate", nick="nickb", timings=timings, **login) as bot:
            await bot.ready()
            await bot.until(lambda: bot.chat.status().trouble == "")


async def test_by_time_where_nobody_tells(ngircd: Ircd) -> None:
    brief = {"nick": "nickc", "timings": {**TIMINGS, "regain": 1.5}}  # the server lags behind who says much
    async with human("nickc", ngircd.tls_port, ngircd.ca_file) as holder, running(ngircd, "#gate", **brief) as bot:
        await bot.ready()
        assert "the nick nickc is taken; the bot is nickc_ until it is free" in bot.chat.status().trouble
        holder.send("NICK nickd")
        await bot.until(lambda: bot.chat.status().trouble == "")


@pytest.mark.parametrize("server", ["ircd", "services"])
async def test_at_once_where_the_server_watches_for_it(server: str, request: pytest.FixtureRequest) -> None:
    daemon = request.getfixturevalue(server)
    patient = {"nick": "nicke", "timings": {**TIMINGS, "regain": 60}}
    async with human("nicke", daemon.tls_port, daemon.ca_file) as holder, running(daemon, "#gate", **patient) as bot:
        await bot.ready()
        assert "is taken" in bot.chat.status().trouble
        holder.send("QUIT :bye")
        await bot.until(lambda: bot.chat.status().trouble == "")


async def test_a_nick_that_services_took_is_followed_and_asked_back(services: Ircd) -> None:
    async with human("oper", services.tls_port, services.ca_file) as oper:
        oper.send("OPER oper operpw")
        await oper.join("#gate")
        async with running(services, "#gate", nick="nickg", timings={**TIMINGS, "regain": 1.5}) as bot:
            await bot.ready()
            oper.send("SANICK nickg Guest1")
            await oper.wait_for(lambda line: "NICK" in line and "Guest1" in line)
            await oper.wait_for(lambda line: line.startswith(":Guest1!") and "nickg" in line)
            await bot.chat.say(post("#gate", "me"))
            await oper.hears("#gate", "me")
            assert oper.heard("#gate", "nickg") == ["me"]


async def test_a_nick_that_services_take_again_and_again_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    def server(line: str) -> list[bytes]:
        if line == "NICK gatewatch" and far_end.lines.count(line) > 1:
            return [b":Guest1!u@h NICK gatewatch", b":gatewatch!u@h NICK Guest1"]
        return polite(line)

    timings = {**TIMINGS, "regain": 0.1, "long_wait": [600]}
    async with fake(server) as (far_end, where), running(where, "#gate", **OPEN, timings=timings) as bot:
        await bot.ready()
        far_end.say(b":gatewatch!u@h NICK Guest1")
        await bot.until(lambda: "the nick gatewatch from the bot 2 times" in bot.chat.status().trouble)
    taken = [record.getMessage() for record in caplog.records if "nick taken away" in record.getMessage()]
    assert [line.split()[-1] for line in taken] == ["again_in=0", "again_in=600"]
    assert far_end.lines.count("NICK gatewatch") == 2


async def test_a_nick_that_the_server_keeps_back_is_not_called_taken() -> None:
    def server(line: str) -> list[bytes]:
        if line == "NICK gatewatch":
            return [b":s 437 * gatewatch :Nick/channel is temporarily unavailable"]
        welcome = [b":s 001 gatewatch_ :hello", b":s 422 gatewatch_ :no message"]
        return welcome if line.startswith("USER") else polite(line.replace("gatewatch!", "gatewatch_!"))

    async with fake(server) as (_, where), running(where, **OPEN) as bot:
        await bot.ready()
        assert bot.chat.status().trouble == (
            "test: the server does not give the bot the nick gatewatch"
            " (437: Nick/channel is temporarily unavailable); it is gatewatch_ until then"
        )


@pytest.mark.parametrize(
    "refusal",
    [
        "447 gatewatch_ :Can't change nickname while on #gate (+N is set)",
        "435 gatewatch_ gatewatch #gate :Cannot change nickname while banned on channel",
        "438 gatewatch_ gatewatch_ gatewatch :Nick change too fast. Please wait 20 seconds.",
    ],
)
async def test_a_change_that_the_server_does_not_allow_is_told_in_its_words(refusal: str) -> None:
    def server(line: str) -> list[bytes]:
        if line == "NICK gatewatch":
            taken = far_end.lines.count(line) == 1
            return [b":s 433 * gatewatch :Nickname is already in use" if taken else f":s {refusal}".encode()]
        welcome = [b":s 001 gatewatch_ :hello", b":s 422 gatewatch_ :no message"]
        return [] if line.startswith("USER") else welcome if line == "NICK gatewatch_" else polite(line)

    async with fake(server) as (far_end, where), running(where, **OPEN) as bot:
        await bot.ready()
        assert bot.chat.status().trouble == "test: the nick gatewatch is taken; the bot is gatewatch_ until it is free"
        words = f"({refusal[:3]}: {refusal.partition(' :')[2]})"
        why = f"test: the server does not give the bot the nick gatewatch {words}; it is gatewatch_ until then"
        await bot.until(lambda: bot.chat.status().trouble == why)


async def test_who_only_has_the_name_is_not_believed_about_a_certificate(ircd: Ircd) -> None:
    async with human("NickServ", ircd.tls_port, ircd.ca_file) as impostor:
        bot_with = running(ircd, "#gate", nick="nickj", certfp=ircd.client_pem, timings={**TIMINGS, "identify": 2})
        async with bot_with as bot:
            await bot.until(lambda: bot.chat.status().state == "identifying")
            impostor.send("NOTICE nickj :SSL certificate fingerprint accepted, you are now identified to nickj.")
            await bot.ready()
            assert bot.chat.status().who == "nickj (not identified)"


async def test_by_certificate_and_by_password_without_sasl(hybrid_services: Ircd) -> None:
    """As on OFTC: services know the certificate just after the welcome, under another nick too."""
    certificate = hybrid_services.client_pem
    async with known(hybrid_services, "nickh", certificate) as owner:
        await add_certificate(owner)
        async with running(hybrid_services, "#gate", nick="nickh", certfp=certificate) as bot:
            await bot.ready()
            assert bot.chat.status().who == "nickh_ (identified)"
            assert bot.chat.status().trouble == "test: the nick nickh is taken; the bot is nickh_ until it is free"
            owner.send("QUIT :bye")
            await bot.until(lambda: bot.chat.status().trouble == "")
    async with running(hybrid_services, "#gate", nick="nickh", certfp=certificate) as bot:
        await bot.ready()
        assert bot.chat.status().trouble == ""
    for service in ("NickServ", "NickServ@services.test"):
        nickserv = {"password": PASSWORD, "service": service}
        async with running(hybrid_services, "#gate", nick="nickh", nickserv=nickserv) as bot:
            await bot.ready()
            assert bot.chat.status().trouble == ""
