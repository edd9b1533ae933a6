"""How the search gets to a cluster: logins, certificates, several hosts, and trying again."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import random
import re
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.errors import UserError
from bot.model import Complete, Unknown
from bot.retryafter import asked_for
from bot.search.config import SearchConfig
from bot.search.hosts import Hosts
from bot.search.http import HttpSearch
from bot.search.retry import Retry
from tests.search.asking import QUICK, Make, asked, replies
from tests.search.contract import FIRST, LONG, by_build, found
from tests.servers import free_port, program
from tests.servers.deaf import deaf
from tests.servers.proxy import Proxy, proxying

pytestmark = pytest.mark.xdist_group("opensearch")


# -- logins ---------------------------------------------------------------------------------------------------


async def test_logs_in(proxy: Proxy, make: Make, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret:\n")
    basic = "Basic " + base64.b64encode(b"bot:s3cret:").decode()
    ways: list[tuple[dict[str, Any], str | None]] = [
        ({"username": "bot", "password": "s3cret:"}, basic),
        ({"username": "bot", "password_file": tmp_path / "secret"}, basic),
        ({"api_key": "abc=="}, "ApiKey abc=="),
        ({"api_key_file": tmp_path / "secret"}, "ApiKey s3cret:"),
        ({"bearer": "abc.def"}, "Bearer abc.def"),
        ({"bearer_file": tmp_path / "secret"}, "Bearer s3cret:"),
        ({}, None),
    ]
    for settings, header in ways:
        await asked(make(settings))
        sent = {name.lower(): value for name, value in proxy.passed[-1].headers.items()}
        assert sent.get("authorization") == header


@pytest.mark.parametrize(
    "login", [{"username": "bot", "password": "s3cret"}, {"api_key": "s3cret"}, {"bearer": "s3cret"}]
)
async def test_no_secret_is_said(
    login: dict[str, str], proxy: Proxy, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    search = make(login)
    hidden = ("s3cret", base64.b64encode(b"bot:s3cret").decode())
    answers = [await asked(search)]
    for status in (400, 401, 403, 500):
        proxy.before = replies(lambda status=status: web.json_response({"error": "no"}, status=status))
        answers.append(await asked(search))
    parts = [
        search,
        search._wire,
        search._wire._login,
        *search._wire._hosts,
        *(host.config for host in search._wire._hosts),
    ]
    said = repr(answers) + "".join(map(repr, parts)) + "".join(record.getMessage() for record in caplog.records)
    assert not [one for one in hidden if one in said]


@pytest.mark.parametrize(
    ("key", "content", "sentence"),
    [
        ("api_key_file", None, "gone"),
        ("bearer_file", None, "gone"),
        ("bearer_file", b"two\nlines", "search.bearer: it is empty, or has a line break"),
        ("api_key_file", b"", "search.api_key: it is empty, or has a line break"),
        ("bearer_file", b"\xff\xfe", "search: cannot read .*there"),
        ("ca_file", None, "search.ca_file: cannot use .*gone: No such file"),
        ("ca_file", b"", "search.ca_file: cannot use .*there: it holds no certificate as PEM"),
        ("cert_file", None, "search.cert_file: cannot use .*gone: No such file"),
        ("cert_file", b"no certificate", "search.cert_file: cannot use .*there: it holds no certificate as PEM"),
    ],
)
def test_a_file_that_is_of_no_use(key: str, content: bytes | None, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / ("gone" if content is None else "there")
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        HttpSearch(SearchConfig.model_validate({"url": "https://example.org", key: file}))


# -- certificates ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with self-signed certificates and their keys: of this machine, of a client, of a stranger."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("server", "client", "stranger"):
        subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
        files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        command = [program("openssl", "openssl"), "req", "-x509", *kind, "-nodes", *subject, *files]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
    return folder


def fingerprint(certificate: Path) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


@pytest.fixture
async def secure(opensearch: str, certificates: Path) -> AsyncIterator[Proxy]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    async with proxying(opensearch, context) as proxy:
        yield proxy


@pytest.fixture
async def knows_clients(opensearch: str, certificates: Path) -> AsyncIterator[Proxy]:
    """A server that lets in who has the client's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    context.load_verify_locations(certificates / "client.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    async with proxying(opensearch, context) as proxy:
        yield proxy


async def test_a_ca_file_vouches_for_the_server(secure: Proxy, make: Make, certificates: Path) -> None:
    assert isinstance(await asked(make({"url": secure.url, "ca_file": certificates / "server.pem"})), Complete)
    for settings in ({}, {"ca_file": certificates / "stranger.pem"}):
        answer = await asked(make({"url": secure.url} | settings))
        assert isinstance(answer, Unknown)
        assert answer.why == (
            f"no safe connection to {secure.url}, look at search.ca_file and fingerprint: self-signed certificate"
        )


async def test_a_fingerprint_vouches_for_the_server(secure: Proxy, make: Make, certificates: Path) -> None:
    right = fingerprint(certificates / "server.pem")
    assert isinstance(await asked(make({"url": secure.url, "fingerprint": right})), Complete)
    before = len(secure.passed)
    wrong = {"url": secure.url, "fingerprint": fingerprint(certificates / "stranger.pem"), "bearer": "s3cret"}
    answer = await asked(make(wrong))
    assert isinstance(answer, Unknown)
    assert f"the server's certificate has the fingerprint {right}" in answer.why
    assert len(secure.passed) == before  # nothing was sent to it, least of all the secret


@pytest.mark.parametrize("trust", ["ca_file", "fingerprint"])
async def test_a_client_certificate_lets_in(trust: str, knows_clients: Proxy, make: Make, certificates: Path) -> None:
    server = certificates / "server.pem"
    settings: dict[str, Any] = {"url": knows_clients.url, trust: server if trust == "ca_file" else fingerprint(server)}

    def shown(name: str) -> dict[str, Any]:
        return settings | {"cert_file": certificates / f"{name}.pem", "key_file": certificates / f"{name}.key"}

    assert isinstance(await asked(make(shown("client"))), Complete)
    for refused in (shown("stranger"), settings):
        answer = await asked(make(refused))
        assert isinstance(answer, Unknown)
        assert knows_clients.url in answer.why


def test_a_key_in_the_same_file_and_one_that_fits_not(certificates: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes((certificates / "client.pem").read_bytes() + (certificates / "client.key").read_bytes())
    url = "https://example.org"
    HttpSearch(SearchConfig.model_validate({"url": url, "cert_file": both}))
    wrong = {"url": url, "cert_file": certificates / "client.pem", "key_file": certificates / "server.key"}
    with pytest.raises(UserError, match=r"search.cert_file: cannot use .*client.pem with .*server.key"):
        HttpSearch(SearchConfig.model_validate(wrong))


def test_a_certificate_without_its_key(certificates: Path) -> None:
    client = certificates / "client.pem"
    settings = {"url": "https://example.org", "cert_file": client}
    with pytest.raises(UserError, match=r"client.pem: it holds no private key; name the key's file as key_file$"):
        HttpSearch(SearchConfig.model_validate(settings))
    with pytest.raises(UserError, match=r"client.pem with .*client.pem: .*client.pem holds no key$"):
        HttpSearch(SearchConfig.model_validate(settings | {"key_file": client}))


def test_a_key_with_a_password_is_refused_and_not_asked_for(certificates: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked.key"
    convert = [program("openssl", "openssl"), "pkey", "-in", certificates / "client.key", "-aes128", "-out", locked]
    subprocess.run([*convert, "-passout", "pass:abcd"], check=True, capture_output=True, timeout=30)
    settings = {"url": "https://example.org", "cert_file": certificates / "client.pem", "key_file": locked}
    with pytest.raises(UserError, match=r"search.cert_file: cannot use"):
        HttpSearch(SearchConfig.model_validate(settings))


# -- several hosts --------------------------------------------------------------------------------------------


@asynccontextmanager
async def three(opensearch: str) -> AsyncIterator[list[Proxy]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(proxying(opensearch)) for _ in range(3)]


HTML = "<html>back soon</html>"
BROKEN = {
    "502": lambda: web.Response(status=502, text=HTML, content_type="text/html"),
    "503": lambda: web.json_response({"message": "no"}, status=503),
    "500": lambda: web.json_response({"message": "no"}, status=500),
    "html": lambda: web.Response(text=HTML, content_type="text/html"),
    "other json": lambda: web.json_response(["welcome"]),
}


@pytest.mark.parametrize("broken", sorted(BROKEN))
async def test_a_host_that_fails_is_left_aside_and_comes_back(broken: str, opensearch: str, make: Make) -> None:
    now = 1000.0
    async with three(opensearch) as proxies:
        search = make({"url": [one.url for one in proxies]}, clock=lambda: now)
        bad = proxies[1]
        bad.before = replies(BROKEN[broken])
        for _ in range(6):
            assert by_build(found(await asked(search))) == {FIRST.uuid: 2, LONG.uuid: 1}
        assert len(bad.passed) == 1
        assert sorted(len(one.passed) for one in proxies if one is not bad) == [3, 4]  # the fields, and six searches
        bad.before = Proxy("").before
        now += 6
        for _ in range(3):
            await asked(search)
        assert len(bad.passed) == 2


async def test_a_dead_host_is_passed_over(proxy: Proxy, make: Make) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    for urls in ([gone, proxy.url], [proxy.url, gone]):
        assert by_build(found(await asked(make({"url": urls})))) == {FIRST.uuid: 2, LONG.uuid: 1}


async def test_a_host_that_does_not_even_accept_is_passed_over(proxy: Proxy, make: Make) -> None:
    with deaf() as (_, port):
        url = f"http://127.0.0.1:{port}"
        alone = await asked(make({"url": url, "timeout": "1s"}))
        assert isinstance(alone, Unknown)
        assert alone.why == f"no connection to {url}: nobody accepts it within 0.33 s"
        assert isinstance(await asked(make({"url": [url, proxy.url], "timeout": "1s"})), Complete)


async def test_https_to_a_server_of_http_and_the_other_way_round(proxy: Proxy, secure: Proxy, make: Make) -> None:
    for url, said in (
        (proxy.url.replace("http:", "https:"), "it does not speak https; if it speaks http, write so in search.url"),
        (secure.url.replace("https:", "http:"), "it closed the connection; if it speaks https, write so in search.url"),
    ):
        answer = await asked(make({"url": url}))
        assert answer == Unknown(f"no connection to {url}: {said}", [])


async def test_a_host_without_a_safe_connection_is_passed_over(proxy: Proxy, secure: Proxy, make: Make) -> None:
    for urls in ([secure.url, proxy.url], [proxy.url, secure.url]):
        assert isinstance(await asked(make({"url": urls})), Complete)


async def test_all_hosts_dead_names_them_all(make: Make) -> None:
    gone = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    answer = await asked(make({"url": gone}))
    assert isinstance(answer, Unknown)
    assert set(answer.why.split("; ")) == {f"no connection to {url}: Connection refused" for url in gone}


async def test_a_name_that_nobody_has(make: Make) -> None:
    answer = await asked(make({"url": "http://opensearch.invalid:9200"}))
    assert isinstance(answer, Unknown)
    assert re.fullmatch(r"no connection to http://opensearch\.invalid:9200: [\w -]+", answer.why)


async def test_what_another_host_would_refuse_too_is_not_carried_there(opensearch: str, make: Make) -> None:
    async with three(opensearch) as proxies:
        for one in proxies:
            one.before = replies(lambda: web.json_response({"message": "no"}, status=401))
        answer = await asked(make({"url": [one.url for one in proxies]}))
        assert isinstance(answer, Unknown)
        assert sum(len(one.passed) for one in proxies) == 1


async def test_the_host_that_hangs_is_not_asked_next(opensearch: str, make: Make) -> None:
    async def silent(request: web.Request, body: bytes) -> web.StreamResponse | None:
        await asyncio.sleep(30)
        return None

    async with three(opensearch) as proxies:
        search = make({"url": [one.url for one in proxies], "timeout": "1s"})
        proxies[0].before = silent
        answers = [await asked(search) for _ in range(6)]
    assert sum(isinstance(answer, Unknown) for answer in answers) == 1


def test_hosts_take_turns_and_come_back_later_each_time() -> None:
    hosts = Hosts(3, first=5, longest=12)
    assert [hosts.order(0)[0] for _ in range(4)] == [0, 1, 2, 0]
    for fails, aside in enumerate((5, 10, 12, 12)):
        now = 100.0 * fails
        hosts.failed(1, now, now)
        assert all(hosts.order(now + aside - 0.1)[-1] == 1 for _ in range(3))
        assert 1 in [hosts.order(now + aside)[0] for _ in range(3)]
    hosts.worked(1)
    hosts.failed(1, 1000, 1000)
    assert 1 in [hosts.order(1005)[0] for _ in range(3)]


def test_requests_that_were_in_flight_together_fail_once() -> None:
    hosts = Hosts(2, first=5, longest=60)
    for now in (10.0, 10.1, 10.2, 10.3):
        hosts.failed(0, 9.0, now)
    assert hosts.order(15.0)[-1] == 0
    assert 0 in [hosts.order(15.4)[0] for _ in range(2)]
    hosts.failed(0, 15.4, 16.0)
    assert all(hosts.order(25.9)[-1] == 0 for _ in range(2))


def test_all_aside_the_soonest_back_is_asked_first() -> None:
    hosts = Hosts(3)
    for host, now in ((2, 1.0), (0, 2.0), (1, 3.0)):
        hosts.failed(host, now, now)
    assert hosts.order(3.5) == [2, 0, 1]
    hosts.failed(2, 3.6, 3.6, asked=20)
    assert hosts.order(4.0) == [0, 1, 2]


# -- trying again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_tries_again_what_may_pass(status: int, proxy: Proxy, make: Make) -> None:
    busy = iter([True, True, False])

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        if request.path.endswith("_msearch") and next(busy):
            return web.Response(status=status, headers={"retry-after": "0"})
        return None

    proxy.before = before
    assert by_build(found(await asked(make()))) == {FIRST.uuid: 2, LONG.uuid: 1}
    assert proxy.actions() == ["_field_caps", "_msearch", "_msearch", "_msearch"]


@pytest.mark.parametrize("status", [302, 401, 404, 408, 409, 418, 500, 501])
async def test_does_not_try_again_what_would_stay(status: int, proxy: Proxy, make: Make) -> None:
    search = make()
    assert isinstance(await asked(search), Complete)
    before = len(proxy.passed)
    headers = {"location": f"{proxy.url}/elsewhere", "retry-after": "0"}
    proxy.before = replies(lambda: web.Response(status=status, headers=headers), "_msearch")
    await asked(search)
    assert proxy.actions()[before:].count("_msearch") == 1


async def test_waits_as_long_as_the_server_asks(proxy: Proxy, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float | None] = []

    def wait(self: Retry, tried: int, wanted: float | None) -> float:
        waited.append(wanted)
        return 0.0

    monkeypatch.setattr(Retry, "wait", wait)
    later = iter(["7", "Tue, 15 Nov 2033 08:12:40 GMT", None])

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        if not request.path.endswith("_msearch"):
            return None
        wanted = next(later)
        if wanted is None:
            return None
        return web.Response(status=429, headers={"retry-after": wanted, "date": "Tue, 15 Nov 2033 08:12:31 GMT"})

    proxy.before = before
    assert isinstance(await asked(make()), Complete)
    assert waited == [7.0, 9.0]


NOW = "Tue, 15 Nov 1994 08:12:31 GMT"


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        ("120", None, 120.0),
        ("0", None, 0.0),
        ("Tue, 15 Nov 1994 08:14:31 GMT", NOW, 120.0),
        ("Tue, 15 Nov 1994 08:00:00 GMT", NOW, 0.0),
        ("Tue, 15 Nov 1994 08:14:31 GMT", None, None),
        ("Tue, 15 Nov 1994 08:14:31 GMT", "yesterday", None),
        ("Tue, 15 Nov 1994 08:14:31 -0000", NOW, None),
        ("soon", NOW, None),
        ("-1", NOW, None),
        ("1.5", NOW, None),
        ("²", NOW, None),
        ("9" * 400, NOW, None),
        ("Tue, 15 Nov 99999 08:14:31 GMT", NOW, None),
        (None, NOW, None),
    ],
)
def test_what_retry_after_asks_for(header: str | None, date: str | None, seconds: float | None) -> None:
    assert asked_for(header, date) == seconds


def test_waits_longer_each_time_and_never_the_same() -> None:
    random.seed(5)
    retry = Retry(first_wait=1, longest_wait=4, longest_asked=30)
    for tried, most in enumerate((1, 2, 4, 4)):
        waits = [retry.wait(tried, None) for _ in range(200)]
        assert most / 2 <= min(waits) < max(waits) <= most
        assert len(set(waits)) > 100
    wished = [retry.wait(0, 10) for _ in range(200)]
    assert 10 <= min(wished) < max(wished) <= 11
    assert retry.wait(0, 86400) <= 31
    assert QUICK.wait(0, None) <= 0.01
