"""Talking HTTP with a cluster: addresses, login, TLS, time-outs, retries; out comes JSON, or NoAnswer with a sentence.

The lower layer of Elastic's client with plain JSON headers serves Elasticsearch 7.10 to 9 and OpenSearch 1 to 3;
the client above it refuses OpenSearch (elasticsearch-py, `_async/client/_base.py`: the X-Elastic-Product check).
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import random
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from elastic_transport import (
    AsyncTransport,
    ConnectionTimeout,
    NodeConfig,
    Serializer,
    TlsError,
    TransportApiResponse,
    TransportError,
)
from elastic_transport.client_utils import url_to_node_config

from bot.errors import UserError
from bot.search import plan
from bot.search.config import SearchConfig
from bot.section import secret

JSON = "application/json"
LINES = "application/x-ndjson"
OVERLOADED = 429
TOO_LARGE = 413


class NoAnswer(Exception):
    """The far end gave no answer that can be read; the text is a sentence that names it.

    `status`: of its HTTP answer, 0 where there was none. `again`: the same request may work in a moment.
    `retry_after`: seconds that the far end asked for.
    """

    def __init__(self, why: str, *, status: int = 0, again: bool = False, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.again = again
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Pace:
    """How often one request is tried, and how long is waited between; seconds, of which a random part is taken."""

    tries: int = 3
    first_wait: float = 0.5
    longest_wait: float = 8.0

    def wait(self, tried: int, asked: float | None) -> float:
        most = min(self.longest_wait, self.first_wait * 2**tried)
        if asked is not None:
            return min(self.longest_wait, asked) + random.uniform(0, self.first_wait)
        return random.uniform(most / 2, most)


class Raw(Serializer):
    """Bodies as bytes: what is no JSON is judged here together with its status, not by the transport."""

    def loads(self, data: bytes) -> bytes:
        return data

    def dumps(self, data: bytes) -> bytes:
        return data


RAW = {"application/*": Raw(), "text/*": Raw(), JSON: Raw()}


def authorization(settings: SearchConfig) -> str | None:
    """The Authorization header, None without a login. Raises UserError where a file with a secret cannot be read."""
    try:
        key = secret(settings.api_key, settings.api_key_file)
        password = secret(settings.password, settings.password_file)
    except OSError as fault:
        raise UserError(f"search: cannot read {fault.filename}: {fault.strerror}") from None
    if key is not None:
        return f"ApiKey {key}"
    if password is None:
        return None
    return "Basic " + base64.b64encode(f"{settings.username}:{password}".encode()).decode()


def trusted(settings: SearchConfig) -> ssl.SSLContext:
    """The system's certificates, or those of `ca_file`. Raises UserError where that cannot be read."""
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as fault:  # SSLError is one
        raise UserError(f"search.ca_file: cannot use {settings.ca_file}: {fault.strerror or fault}") from None


def nodes(settings: SearchConfig) -> list[NodeConfig]:
    login = authorization(settings)
    headers = {"accept": JSON, "user-agent": "gatewatch"} | ({} if login is None else {"authorization": login})
    found = []
    for url in settings.url:
        node = url_to_node_config(url, use_default_ports_for_scheme=True).replace(headers=headers)
        found.append(node.replace(ssl_context=trusted(settings)) if node.scheme == "https" else node)
    return found


class Wire:
    """The requests that the search needs, to one index pattern."""

    def __init__(self, settings: SearchConfig, pace: Pace) -> None:
        self.host = ", ".join(settings.url)
        self._index = quote(settings.index, safe="*,:-_.")
        self._timeout = settings.timeout.total_seconds()
        # The server is told to stop in half the time, so that what it has by then still arrives.
        self.server_timeout = f"{max(1, int(self._timeout * 500))}ms"
        self._pace = pace
        # A failed node is the answer's Unknown, and said once by who asked; the transport would say it each time.
        logging.getLogger("elastic_transport").setLevel(logging.ERROR)
        self._transport = AsyncTransport(nodes(settings), serializers=RAW, max_retries=0, meta_header=False)

    async def search(self, body: bytes) -> Mapping[str, Any]:
        """One search's answer, which may be the server's refusal of the query (`error`, `status`)."""
        return await self._ask("POST", f"_search?{urlencode(plan.OPTIONS)}", body, JSON)

    async def msearch(self, bodies: Sequence[bytes]) -> list[Mapping[str, Any]]:
        """The answers to several searches, in their order."""
        answer = await self._ask("POST", "_msearch", plan.msearch(bodies), LINES)
        found = answer.get("responses")
        if "error" in answer and found is None:
            raise NoAnswer(f"{self.host} refuses _msearch", status=400)
        if not isinstance(found, list) or len(found) != len(bodies) or not all(isinstance(one, dict) for one in found):
            raise NoAnswer(f"{self.host} did not answer each of {len(bodies)} searches")
        return found

    async def get(self, path: str, **options: str) -> Mapping[str, Any]:
        """`GET /INDEX/PATH`."""
        answer = await self._ask("GET", f"{path}?{urlencode(options)}", None, JSON)
        if "error" in answer:
            raise NoAnswer(f"{self.host} refuses {path}", status=400)
        return answer

    async def close(self) -> None:
        await self._transport.close()

    async def _ask(self, method: str, path: str, body: bytes | None, kind: str) -> Mapping[str, Any]:
        tried = 0
        while True:
            try:
                return self._read(await self._send(method, path, body, kind), path, len(body or b""))
            except NoAnswer as fault:
                tried += 1
                if not fault.again or tried >= self._pace.tries:
                    raise
                await asyncio.sleep(self._pace.wait(tried - 1, fault.retry_after))

    async def _send(self, method: str, path: str, body: bytes | None, kind: str) -> TransportApiResponse:
        headers = {"content-type": kind} if body is not None else {}
        target = f"/{self._index}/{path}"
        try:
            return await self._transport.perform_request(
                method, target, body=body, headers=headers, request_timeout=self._timeout
            )
        except ConnectionTimeout:
            raise NoAnswer(f"{self.host} did not answer within {self._timeout:g} s") from None
        except TlsError as fault:
            raise NoAnswer(f"no safe connection to {self.host}, look at search.ca_file: {reason(fault)}") from None
        except TransportError as fault:
            raise NoAnswer(f"no connection to {self.host}: {reason(fault)}", again=True) from None

    def _read(self, answer: TransportApiResponse, path: str, sent: int) -> Mapping[str, Any]:
        """The JSON of an answer, or of a refusal of this very question (400)."""
        status = answer.meta.status
        name = path.partition("?")[0]
        if status not in (200, 400):
            raise self._refusal(answer, name, sent)
        try:
            found = json.loads(answer.body)
        except ValueError:
            kind = answer.meta.mimetype or "no type"
            raise NoAnswer(f"{self.host} answered {name} with what is no JSON ({kind})", status=status) from None
        if not isinstance(found, dict) or (status == 400 and "error" not in found):
            raise NoAnswer(f"{self.host} answered {name} with JSON of another kind", status=status)
        return found

    def _refusal(self, answer: TransportApiResponse, name: str, sent: int) -> NoAnswer:
        status = answer.meta.status
        if status == 401:
            return NoAnswer(
                f"{self.host} does not accept the login, look at search.username and api_key", status=status
            )
        if status == 403:
            return NoAnswer(f"{self.host} forbids {name} to this login", status=status)
        if status == TOO_LARGE:
            return NoAnswer(f"{self.host} refuses a request of {sent} bytes as too large", status=status)
        if status == OVERLOADED or status >= 500:
            asked = answer.meta.headers.get("retry-after") or ""
            wait = float(asked) if asked.isdecimal() else None
            return NoAnswer(f"{self.host} answered {name} with {status}", status=status, again=True, retry_after=wait)
        return NoAnswer(f"{self.host} answered {name} with {status}, look at search.url", status=status)


def reason(fault: TransportError) -> str:
    """The innermost cause, in one line."""
    inner = fault.errors[0] if fault.errors else fault
    return " ".join(str(inner).split()) or type(inner).__name__
