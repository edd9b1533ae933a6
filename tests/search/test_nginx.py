"""The search behind a real nginx with TLS and a login: what it lets through, and what it says itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.model import Complete, Unknown
from bot.search import Question
from tests.fakes import until
from tests.search.asking import ASK, RESET, Make, asked
from tests.search.contract import DAY, FIRST, LONG, by_build, found, phrase, uuids
from tests.servers import free_port
from tests.servers.nginx import Nginx, nginx
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.xdist_group("opensearch")
REQUEST = re.compile(r'"(?:GET|POST) (\S+) HTTP/1.1" (\d+)')


@pytest.fixture(scope="module")
def gateway(opensearch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx(tmp_path_factory.mktemp("nginx"), opensearch, largest="20k") as server:
        yield server


def settings(server: Nginx, **other: Any) -> dict[str, Any]:
    login = {"username": server.user, "password": server.password}
    return {"url": server.url, "ca_file": server.certificate} | login | other


def statuses(server: Nginx) -> list[str]:
    return [status for _, status in REQUEST.findall(server.log.read_text())]


@pytest.mark.parametrize("ask", sorted(ASK))
async def test_answers_are_the_same_as_without_it(ask: str, gateway: Nginx, make: Make) -> None:
    direct = await ASK[ask](make())
    assert isinstance(direct, Complete)
    assert await ASK[ask](make(settings(gateway))) == direct


async def test_another_password(gateway: Nginx, make: Make) -> None:
    answer = await asked(make(settings(gateway, password="wrong")))
    keys = "search.username, api_key, bearer, aws or cert_file"
    assert answer == Unknown(f"{gateway.url} does not accept the login, look at {keys}", [])


async def test_what_it_finds_too_large_is_cut_and_that_is_remembered(gateway: Nginx, make: Make) -> None:
    search = make(settings(gateway))
    questions = [Question(str(number), phrase(search, RESET)) for number in range(60)]
    builds = [*(f"{number:032x}" for number in range(700)), *uuids(FIRST, LONG)]
    for refused in (True, False):
        before = len(statuses(gateway))
        answers = await search.hits(questions, builds, DAY)
        assert len(answers) == 60
        assert all(by_build(found(answer)) == {FIRST.uuid: 2, LONG.uuid: 1} for answer in answers.values())
        assert ("413" in statuses(gateway)[before:]) == refused


@pytest.mark.parametrize("ask", sorted(ASK))
async def test_nobody_behind_it(ask: str, tmp_path: Path, make: Make) -> None:
    with nginx(tmp_path, f"http://127.0.0.1:{free_port()}") as server:
        answer = await ASK[ask](make(settings(server)))
        await until(lambda: statuses(server) == ["502"] * 3)  # it writes its log behind the answer
    assert isinstance(answer, Unknown)
    assert f"{server.url} answered _" in answer.why
    assert answer.why.endswith("with 502")


async def test_it_waits_no_longer(proxy: Proxy, tmp_path: Path, make: Make) -> None:
    """Its 504 is tried again, and the cluster asked for less."""
    late = iter([True, False])

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        if request.path.endswith("_msearch") and next(late):
            transport = request.transport
            await until(lambda: transport is None or transport.is_closing())  # nginx has hung up
        return None

    proxy.before = before
    with nginx(tmp_path, proxy.url, patience="1s") as server:
        assert isinstance(await asked(make(settings(server))), Complete)
        await until(lambda: statuses(server) == ["200", "504", "200"])


async def test_one_of_two_is_down(gateway: Nginx, tmp_path: Path, make: Make) -> None:
    """Both are the same to trust: the one whose server is gone says 502, and is passed over."""
    with nginx(tmp_path, f"http://127.0.0.1:{free_port()}") as down:
        both = tmp_path / "both.pem"
        both.write_text(gateway.certificate.read_text() + down.certificate.read_text())
        search = make(settings(gateway, url=[down.url, gateway.url], ca_file=both))
        for _ in range(4):
            assert by_build(found(await asked(search))) == {FIRST.uuid: 2, LONG.uuid: 1}
        await until(lambda: statuses(down) == ["502"])
