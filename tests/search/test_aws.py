"""Requests signed for AWS: each is checked here by the rule of AWS's documentation, not by the library that made it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import stat
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from aiohttp import web

from bot.errors import UserError
from bot.model import Complete, Unknown
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from tests.fakes import until
from tests.search.asking import ASK, Make, asked
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.xdist_group("opensearch")

KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/session+token=="
SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})")


def hashed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(request: web.Request, body: bytes, signed: list[str], scope: str, secret: str) -> str:
    """By "Create a signed AWS API request" of the IAM user guide, from what arrived."""
    path, _, query = request.raw_path.partition("?")
    pairs = sorted((quote(key, "-_.~"), quote(value, "-_.~")) for key, value in parse_qsl(query, True))
    headers = [f"{name}:{' '.join(request.headers[name].split())}\n" for name in signed]
    canonical = "\n".join(
        [
            request.method,
            quote(path, "/-_.~"),
            "&".join(f"{key}={value}" for key, value in pairs),
            "".join(headers),
            ";".join(signed),
            hashed(body),
        ]
    )
    to_sign = f"AWS4-HMAC-SHA256\n{request.headers['x-amz-date']}\n{scope}\n{hashed(canonical.encode())}"
    key = f"AWS4{secret}".encode()
    for step in scope.split("/"):
        key = keyed(key, step)
    return keyed(key, to_sign).hex()


def gatekeeper(seen: list[str], secret: str = SECRET, token: str | None = None) -> Any:
    """A `before` that lets in only what is signed as it should be, for this region and service."""

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        found = SIGNED.fullmatch(request.headers.get("authorization", ""))
        if found is None or request.headers.get("x-amz-security-token") != token:
            return web.Response(status=403)
        key, _, scope = found[1].partition("/")
        date, region, service, end = scope.split("/")
        seen.append(f"{key} {region} {service} {end}")
        signed = found[2].split(";")
        whole = {"host", "x-amz-date", "x-amz-content-sha256"} <= set(signed) and signed == sorted(signed)
        right = (
            request.headers["x-amz-date"].startswith(date)
            and request.headers["x-amz-content-sha256"] == hashed(body)
            and signature(request, body, signed, scope, secret) == found[3]
        )
        return None if whole and right else web.Response(status=403)

    return before


@pytest.fixture
async def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[pytest.MonkeyPatch]:
    """No keys in the environment, in files, or from the machine."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    yield monkeypatch


def settings(**other: Any) -> Mapping[str, Any]:
    return {"index": "faults-gat*,-other", "aws": {"region": "eu-central-1"} | other}


@pytest.mark.parametrize("ask", sorted(ASK))
@pytest.mark.parametrize("service", ["es", "aoss"])
async def test_each_request_is_signed(service: str, ask: str, proxy: Proxy, make: Make, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    seen: list[str] = []
    proxy.before = gatekeeper(seen)
    search = make(settings(service=service, access_key=KEY, secret_key_file=tmp_path / "secret"))
    assert isinstance(await ASK[ask](search), Complete)
    assert set(seen) == {f"{KEY} eu-central-1 {service} aws4_request"}


async def test_the_gatekeeper_of_this_test_refuses_other_keys(proxy: Proxy, make: Make) -> None:
    proxy.before = gatekeeper([], secret="another")
    answer = await asked(make(settings(access_key=KEY, secret_key=SECRET)))
    assert isinstance(answer, Unknown)
    assert "to this login" in answer.why


async def test_keys_from_the_environment(proxy: Proxy, make: Make, nowhere: pytest.MonkeyPatch) -> None:
    nowhere.setenv("AWS_ACCESS_KEY_ID", KEY)
    nowhere.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    nowhere.setenv("AWS_SESSION_TOKEN", TOKEN)
    proxy.before = gatekeeper([], token=TOKEN)
    assert isinstance(await asked(make(settings())), Complete)


async def test_keys_that_take_a_while_stop_nothing_else(
    proxy: Proxy, make: Make, nowhere: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The program that has the keys waits for a file which only a running event loop makes."""
    asking, go, program = tmp_path / "asking", tmp_path / "go", tmp_path / "keys"
    keys = json.dumps({"Version": 1, "AccessKeyId": KEY, "SecretAccessKey": SECRET})
    program.write_text(
        f"#!{sys.executable}\nimport pathlib, time\npathlib.Path({str(asking)!r}).touch()\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\nprint({keys!r})\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program}\n")
    proxy.before = gatekeeper([])
    async with asyncio.timeout(20):
        answer = asyncio.create_task(asked(make(settings())))
        await until(asking.exists)
        go.touch()
        assert isinstance(await answer, Complete)


async def test_no_keys(proxy: Proxy, make: Make, nowhere: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer = await asked(make(settings()))
    assert isinstance(answer, Unknown)
    assert answer.why.startswith("no keys for AWS are to be had: give search.aws.access_key")
    (tmp_path / "config").write_text("[default]\ncredential_process = /bin/false\n")
    answer = await asked(make(settings()))
    assert isinstance(answer, Unknown)
    assert answer.why.startswith("no keys for AWS are to be had, look at search.aws: ")
    assert not proxy.passed


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bot.search.aws", None)
    with pytest.raises(UserError, match=r"pip install '.\[aws\]'"):
        HttpSearch(SearchConfig.model_validate({"url": "https://example.org"} | settings()))


async def test_no_key_is_said(proxy: Proxy, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    search = make(settings(access_key=KEY, secret_key=SECRET))
    proxy.before = gatekeeper([], secret="another")
    said = repr(await asked(search)) + repr(search) + repr(search._wire._login) + caplog.text
    assert SECRET not in said
