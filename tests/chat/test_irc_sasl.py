"""SASL: InspIRCd with Anope and with Atheme, and a server in this process that refuses and misbehaves."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scramp import ScramException, ScramMechanism
from scramp.core import ScramServer

from bot.chat.irc.scram import Scram
from bot.errors import PermanentError
from tests.chat.fake_irc import OPEN, fake, polite
from tests.chat.irc_account import PASSWORD, add_certificate, known
from tests.chat.irc_bot import TIMINGS, Running, running
from tests.servers.daemon import new_client_certificate
from tests.servers.ircd import Ircd
from tests.servers.link import link_to

pytestmark = pytest.mark.xdist_group("inspircd")

REQUIRED = {"password": PASSWORD, "required": True}


@pytest.fixture(params=["services", "atheme"])
def daemon(request: pytest.FixtureRequest) -> Ircd:
    server = request.getfixturevalue(request.param)
    assert isinstance(server, Ircd)
    return server


def logged_in(bot: Running) -> bool:
    session = bot.chat._links[0].session
    return session is not None and session.identity.known and bot.chat.status().trouble == ""


async def test_by_password_and_by_certificate(daemon: Ircd, tmp_path: Path) -> None:
    certificate = new_client_certificate(tmp_path / "sasla.pem")
    async with known(daemon, "sasla", certificate) as owner:
        await add_certificate(owner)
    async with running(daemon, "#gate", nick="sasla", sasl=REQUIRED) as bot:
        await bot.ready()
        assert logged_in(bot)
    by_certificate = {"account": "sasla", "mechanism": "EXTERNAL", "required": True}
    async with running(daemon, nick="other", sasl=by_certificate, certfp=certificate) as bot:
        await bot.until(lambda: bot.chat._links[0].session is not None and bot.chat._links[0].session.identity.known)


async def test_a_wrong_password_joins_no_channel_where_it_is_required(daemon: Ircd) -> None:
    async with known(daemon, "saslb"):
        pass
    timings = {**TIMINGS, "long_wait": [60]}
    wrong = {"password": "wrong", "required": True}
    async with (
        link_to(daemon.tls_port) as link,
        running(daemon, "#gate", nick="saslb", sasl=wrong, timings=timings, port=link.port) as bot,
    ):
        await bot.until(lambda: bot.chat.status().state == "waiting")
        await asyncio.sleep(0.5)  # more than twice the usual wait
        assert len(link.attempts) == 1  # services count wrong passwords
        trouble = bot.chat.status().trouble
        assert "SASL: PLAIN: the server does not accept the account" in trouble
        assert "sasl is required, so no channel is joined" in trouble
        assert "wrong" not in trouble
    async with running(daemon, "#gate", nick="saslb", sasl={"password": "wrong"}) as bot:
        await bot.ready()
        assert "SASL: PLAIN: the server does not accept the account" in bot.chat.status().trouble
        assert bot.chat.status().rooms == {"test:#gate": "joined"}


async def test_services_that_are_down_and_come_back(daemon: Ircd) -> None:
    async with known(daemon, "saslc"):
        pass
    assert daemon.services is not None
    daemon.services.stop()
    timings = {**TIMINGS, "step": 0.5}  # the server may not have noticed yet
    async with running(daemon, "#gate", nick="saslc", sasl={"password": PASSWORD}, timings=timings) as bot:
        await bot.ready()
        assert "SASL: " in bot.chat.status().trouble
    timings = {**TIMINGS, "step": 1}
    async with running(daemon, "#gate", nick="saslc", sasl=REQUIRED, timings=timings) as bot:
        await bot.until(lambda: "the server does not offer SASL now" in bot.chat.status().trouble)
        daemon.services.start()
        await bot.ready()
        assert logged_in(bot)


# -- a server that does as it is told ---------------------------------------------------------------------------


def sasl_server(
    answer: Callable[[str], list[str]], offer: str = "sasl=PLAIN", request: str = "ACK"
) -> Callable[[str], list[bytes]]:
    """A server with capabilities; `answer` gives its lines to what follows AUTHENTICATE."""

    def server(line: str) -> list[bytes]:
        verb, _, rest = line.partition(" ")
        match verb, rest:
            case "CAP", "LS 302":
                return [f":s CAP * LS :{offer}".encode()]
            case "CAP", "END":
                return polite("USER")
            case "CAP", _:
                return [f":s CAP * {request} {rest.removeprefix('REQ ')}".encode()]
            case "AUTHENTICATE", _:
                return [out.encode() for out in answer(rest)]
            case "USER", _:
                return []
        return polite(line)

    return server


def login(**more: Any) -> dict[str, Any]:
    return {**OPEN, "sasl": {"password": PASSWORD, **more}, "timings": {**TIMINGS, "step": 0.3, "long_wait": [60]}}


@pytest.mark.parametrize("numeric", ["902", "904", "905", "906"])
async def test_each_refusal_is_survived(numeric: str) -> None:
    def refuses(said: str) -> list[str]:
        return ["AUTHENTICATE :+"] if said == "PLAIN" else [f":s {numeric} gatewatch :no such luck"]

    async with fake(sasl_server(refuses)) as (far_end, where), running(where, "#gate", **login()) as bot:
        await bot.ready()
        assert "does not accept the account (no such luck)" in bot.chat.status().trouble
        assert far_end.lines.count("AUTHENTICATE PLAIN") == 1
        assert "CAP END" in far_end.lines


@pytest.mark.parametrize("challenge", ["\N{LATIN SMALL LETTER U WITH DIAERESIS}", "a", "=" * 7])
async def test_a_challenge_that_is_no_base64_is_survived(challenge: str) -> None:
    def odd(said: str) -> list[str]:
        return [f"AUTHENTICATE {challenge}"] if said == "PLAIN" else []

    async with fake(sasl_server(odd)) as (far_end, where), running(where, "#gate", **login()) as bot:
        await bot.ready()
        assert far_end.lines.count("AUTHENTICATE *") <= 1
        assert not logged_in(bot)


async def test_already_logged_in_is_logged_in() -> None:
    def already(said: str) -> list[str]:
        return ["AUTHENTICATE +"] if said == "PLAIN" else [":s 907 gatewatch :You have already authenticated"]

    async with fake(sasl_server(already)) as (_, where), running(where, "#gate", **login(required=True)) as bot:
        await bot.ready()
        assert logged_in(bot)


async def test_logged_out_by_services_it_logs_in_again_after_a_while() -> None:
    def accepts(said: str) -> list[str]:
        return ["AUTHENTICATE +"] if said == "PLAIN" else [":s 903 gatewatch :yes"]

    settings = login()
    settings["timings"]["regain"] = 0.3
    async with fake(sasl_server(accepts)) as (far_end, where), running(where, "#gate", **settings) as bot:
        await bot.ready()
        far_end.say(b":s 901 gatewatch gatewatch!u@h :You are now logged out")
        await bot.until(lambda: "services have logged the bot out" in bot.chat.status().trouble)
        await bot.until(lambda: logged_in(bot))
        assert far_end.lines.count("AUTHENTICATE PLAIN") == 2


async def test_what_a_server_says_of_sasl_unasked_is_not_kept() -> None:
    def accepts(said: str) -> list[str]:
        return ["AUTHENTICATE +"] if said == "PLAIN" else [":s 903 gatewatch :yes"]

    async with fake(sasl_server(accepts)) as (far_end, where), running(where, "#gate", **login()) as bot:
        await bot.ready()
        far_end.say(b"\r\n".join([b":s 903 gatewatch :yes", b"AUTHENTICATE +", b"PING :read"]))
        await bot.until(lambda: "PONG read" in far_end.lines)
        session = bot.chat._links[0].session
        assert session is not None and session._registration._sasl is not None
        assert session._registration._sasl._lines is None


@pytest.mark.parametrize("offer, request_answer", [("sasl=PLAIN", "NAK"), ("batch", "ACK")])
async def test_without_it_nothing_is_joined_where_it_is_required(offer: str, request_answer: str) -> None:
    server = sasl_server(lambda said: [], offer, request_answer)
    async with fake(server) as (far_end, where), running(where, "#gate", **login(required=True)) as bot:
        await bot.until(lambda: "the server does not offer SASL now" in bot.chat.status().trouble)
        assert not [line for line in far_end.lines if line.startswith(("JOIN", "AUTHENTICATE"))]


async def test_a_step_without_an_answer_is_given_up() -> None:
    async with fake(sasl_server(lambda said: [])) as (far_end, where), running(where, "#gate", **login()) as bot:
        await bot.ready()
        assert "SASL: PLAIN: no answer within 0.3 s" in bot.chat.status().trouble
        assert "AUTHENTICATE *" in far_end.lines


def hangs(*answering: str) -> Callable[[str], list[str]]:
    """Services that hang, but for these mechanisms; the server itself ends a try when asked to."""

    def answer(said: str) -> list[str]:
        if said == "*":
            return [":s 906 gatewatch :SASL authentication aborted"]
        return [":s 903 gatewatch :yes"] if said in answering else []

    return answer


ALL = "sasl=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN"


@pytest.mark.parametrize("offer", [ALL, "sasl=PLAIN"])
async def test_services_that_hang_are_no_refusal(offer: str) -> None:
    """The way that is best is tried, and no other, for all go to the same services."""
    async with (
        fake(sasl_server(hangs(), offer)) as (far_end, where),
        running(where, "#gate", **login(required=True)) as bot,
    ):
        await bot.until(lambda: far_end.connections == 3)  # `long_wait` is 60
        assert "no answer within 0.3 s (sasl is required, so no channel is joined)" in bot.chat.status().trouble
        best = offer.removeprefix("sasl=").partition(",")[0]
        tried = [line.split()[1] for line in far_end.lines if line.startswith("AUTHENTICATE")]
        assert tried[:4] == [best, "*"] * 2


async def test_services_that_hung_are_asked_again_less_and_less_often() -> None:
    asked: list[float] = []
    answer = hangs()
    settings = login()
    settings["timings"] |= {"regain": 0.2, "long_wait": [0.8]}

    def server(said: str) -> list[str]:
        if said == "PLAIN":
            asked.append(asyncio.get_running_loop().time())
        return answer(said)

    async with fake(sasl_server(server)) as (far_end, where), running(where, "#gate", **settings) as bot:
        await bot.ready()
        assert "SASL: PLAIN: no answer within 0.3 s" in bot.chat.status().trouble
        await bot.until(lambda: len(asked) == 3)
        assert asked[1] - asked[0] >= 0.3 + 0.2 and asked[2] - asked[1] >= 0.3 + 0.8
        answer = hangs("PLAIN")
        await bot.until(lambda: logged_in(bot))
        assert (far_end.connections, len(asked)) == (1, 4)


async def test_a_yes_that_comes_late_is_one() -> None:
    def late(said: str) -> list[str]:
        return [":s 903 gatewatch :yes", ":s 907 gatewatch :already"] if said == "*" else []

    async with fake(sasl_server(late)) as (_, where), running(where, "#gate", **login(required=True)) as bot:
        await bot.ready()
        assert logged_in(bot)


async def test_the_end_of_one_try_is_no_answer_to_the_next() -> None:
    """SCRAM fails on what the server says, and the bot ends it; the server says so, and takes the password by PLAIN."""

    def server(said: str) -> list[str]:
        match said:
            case "SCRAM-SHA-256" | "PLAIN":
                return ["AUTHENTICATE +"]
            case "*":
                return [":s 906 gatewatch :SASL authentication aborted"]
        return ["AUTHENTICATE nonsense"] if base64.b64decode(said).startswith(b"n,") else [":s 903 gatewatch :yes"]

    offer = "sasl=SCRAM-SHA-256,PLAIN"
    async with (
        fake(sasl_server(server, offer)) as (far_end, where),
        running(where, "#gate", **login(required=True)) as bot,
    ):
        await bot.ready()
        assert logged_in(bot) and far_end.connections == 1


async def test_a_server_that_names_its_mechanisms_late() -> None:
    def late(said: str) -> list[str]:
        match said:
            case "SCRAM-SHA-512":
                return [":s 908 gatewatch PLAIN,EXTERNAL :are available", ":s 904 gatewatch :no such mechanism"]
            case "PLAIN":
                return ["AUTHENTICATE +"]
        return [":s 900 gatewatch gatewatch!u@h gatewatch :hello", ":s 903 gatewatch :yes"]

    async with fake(sasl_server(late, "sasl")) as (far_end, where), running(where, "#gate", **login()) as bot:
        await bot.ready()
        assert logged_in(bot)
        tried = [line.split()[1] for line in far_end.lines if line.startswith("AUTHENTICATE")][:2]
        assert tried == ["SCRAM-SHA-512", "PLAIN"]


@pytest.mark.parametrize("length", [290, 291, 600])
async def test_a_long_password_goes_in_pieces(length: int) -> None:
    """Base64 of 9 + 9 + 2 bytes and the password: 413, 416 and, for one a whole number of pieces, further ones."""
    password = "p" * length

    def asks(said: str) -> list[str]:
        return ["AUTHENTICATE +"] if said == "PLAIN" else [":s 903 gatewatch :yes"] if len(said) < 400 else []

    more = login(password=password)
    async with fake(sasl_server(asks)) as (far_end, where), running(where, "#gate", **more) as bot:
        await bot.ready()
        pieces = [line.split()[1] for line in far_end.lines if line.startswith("AUTHENTICATE")][1:]
        assert all(len(piece) <= 400 for piece in pieces) and len(pieces[0]) == 400
        said = base64.b64decode("".join(piece for piece in pieces if piece != "+"))
        assert said.decode() == f"gatewatch\0gatewatch\0{password}"


async def test_when_it_comes_back_the_bot_logs_in_again() -> None:
    def accepts(said: str) -> list[str]:
        return ["AUTHENTICATE +"] if said == "PLAIN" else [":s 903 gatewatch :yes"]

    async with fake(sasl_server(accepts, "batch")) as (far_end, where), running(where, "#gate", **login()) as bot:
        await bot.ready()
        assert not logged_in(bot)
        far_end.say(b":s CAP gatewatch NEW :sasl=EXTERNAL,PLAIN")
        await bot.until(lambda: logged_in(bot))
        far_end.say(b":s 901 gatewatch gatewatch!u@h :You are now logged out")
        await bot.until(lambda: "logged the bot out" in bot.chat.status().trouble)
        far_end.say(b":s CAP gatewatch DEL :sasl")
        far_end.say(b":s CAP gatewatch NEW :sasl=PLAIN")
        await bot.until(lambda: logged_in(bot))


async def test_a_server_that_offers_it_only_after_the_welcome() -> None:
    def accepts(said: str) -> list[str]:
        return ["AUTHENTICATE +"] if said == "PLAIN" else [":s 903 gatewatch :yes"]

    offering = sasl_server(accepts)

    def late(line: str) -> list[bytes]:
        if line == "CAP LS 302":
            return []
        return [*polite(line), b":s CAP gatewatch LS :sasl=PLAIN"] if line.startswith("USER") else offering(line)

    async with fake(late) as (far_end, where), running(where, "#gate", **login(required=True)) as bot:
        await bot.ready()
        assert logged_in(bot)
        assert far_end.lines.index("JOIN #gate") > far_end.lines.index("AUTHENTICATE PLAIN")


async def test_a_server_without_capabilities_is_left_where_it_is_required() -> None:
    async with fake(polite) as (far_end, where), running(where, "#gate", **login(required=True)) as bot:
        await bot.until(lambda: "sasl is required, so no channel is joined" in bot.chat.status().trouble)
        assert "JOIN #gate" not in far_end.lines


# -- SCRAM: no daemon of Debian's has it; the far end is the library's server -----------------------------------


def scram_server(password: str) -> ScramServer:
    mechanism = ScramMechanism("SCRAM-SHA-256")
    known_as = mechanism.make_auth_info(password)
    return mechanism.make_server(lambda account: known_as)


def converses(server: ScramServer) -> Callable[[str], list[str]]:
    def says(said: str) -> list[str]:
        if said.startswith("SCRAM"):
            return ["AUTHENTICATE +"]
        text = base64.b64decode(said).decode() if said != "+" else ""
        if text.startswith("n,"):
            server.set_client_first(text)
            answer = server.get_server_first()
        elif text:
            try:
                server.set_client_final(text)
            except ScramException:
                return [":s 904 gatewatch :wrong"]
            answer = server.get_server_final()
        else:
            return [":s 903 gatewatch :yes"]
        return [f"AUTHENTICATE {base64.b64encode(answer.encode()).decode()}"]

    return says


async def test_scram_proves_the_password_both_ways() -> None:
    offer = "sasl=PLAIN,SCRAM-SHA-256"
    server = sasl_server(converses(scram_server(PASSWORD)), offer)
    async with fake(server) as (far_end, where), running(where, "#gate", **login(required=True)) as bot:
        await bot.ready()
        assert logged_in(bot)
        assert "AUTHENTICATE PLAIN" not in far_end.lines
    wrong = sasl_server(converses(scram_server("another")), offer)
    only = login(mechanism="SCRAM-SHA-256")
    async with fake(wrong) as (far_end, where), running(where, "#gate", **only) as bot:
        await bot.ready()
        assert "SCRAM-SHA-256: the server does not accept the account (wrong)" in bot.chat.status().trouble


async def test_a_password_that_scram_does_not_take_goes_by_plain() -> None:
    def plain(said: str) -> list[str]:
        return ["AUTHENTICATE +"] if said in ("PLAIN", "SCRAM-SHA-256") else [] if said == "*" else [":s 903 x :yes"]

    server = sasl_server(plain, "sasl=PLAIN,SCRAM-SHA-256")
    values = login(required=True, password="s3cret \N{WRENCH}")  # no letter: RFC 4013 has none of Unicode's since 3.2
    async with fake(server) as (far_end, where), running(where, "#gate", **values) as bot:
        await bot.ready()
        assert logged_in(bot)
        assert [line for line in far_end.lines if line.startswith("AUTHENTICATE")][:3] == [
            "AUTHENTICATE SCRAM-SHA-256",
            "AUTHENTICATE *",
            "AUTHENTICATE PLAIN",
        ]


@pytest.mark.parametrize("iterations", ["", "0", "-1", "many", "99999999999"])
async def test_a_server_that_asks_for_nonsense_is_told_of_once(iterations: str) -> None:
    def server(said: str) -> list[str]:
        if said == "SCRAM-SHA-256":
            return ["AUTHENTICATE +"]
        if said == "*":
            return [":s 906 gatewatch :aborted"]
        nonce = base64.b64decode(said).decode().partition("r=")[2]
        challenge = f"r={nonce}more,s=QSXCR+Q6sek8bf92,i={iterations}"
        return [f"AUTHENTICATE {base64.b64encode(challenge.encode()).decode()}"]

    async with (
        fake(sasl_server(server, "sasl=SCRAM-SHA-256")) as (_, where),
        running(where, "#gate", **login()) as bot,
    ):
        await bot.ready()
        trouble = bot.chat.status().trouble
        assert trouble.startswith("test: SASL: SCRAM-SHA-256: ") and trouble.count("SCRAM-SHA-256") == 1


async def test_a_server_that_says_yes_unproved_is_not_believed() -> None:
    def liar(said: str) -> list[str]:
        return ["AUTHENTICATE +"] if said.startswith("SCRAM") else [":s 903 gatewatch :yes"]

    server = sasl_server(liar, "sasl=SCRAM-SHA-256")
    async with fake(server) as (_, where), running(where, "#gate", **login(required=True)) as bot:
        await bot.until(lambda: "did not prove that it knows the password" in bot.chat.status().trouble)


def test_scram_refuses_a_server_of_another_conversation() -> None:
    mechanism = Scram("SCRAM-SHA-256", "gatewatch", PASSWORD)
    assert mechanism.answer(b"").startswith(b"n,,n=gatewatch,r=")
    with pytest.raises(PermanentError, match="nonce"):
        mechanism.answer(b"r=another,s=QSXCR+Q6sek8bf92,i=4096")
