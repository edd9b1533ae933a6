"""Talking HTTP with a cluster: hosts, time-outs, retries; out comes JSON, or NoAnswer with a sentence.

Plain JSON over the lower layer of Elastic's client serves Elasticsearch 7.10 to 9 and OpenSearch 1 to 3;
the client above it refuses OpenSearch (elasticsearch-py, `_async/client/_base.py`: the X-Elastic-Product check).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from elastic_transport import ConnectionTimeout, HttpHeaders, TlsError, TransportApiResponse, TransportError
from elastic_transport.client_utils import url_to_node_config

from bot.search import plan, tls
from bot.search.config import SearchConfig
from bot.search.host import Host, TooMuch
from bot.search.hosts import Hosts
from bot.search.login import login
from bot.search.noanswer import NoAnswer
from bot.search.pace import Pace
from bot.search.replies import OVERLOADED, ran_short, read, reason, refused, together
from bot.search.retry import Retry
from bot.search.turns import Turns

log = logging.getLogger(__name__)

JSON = "application/json"
LINES = "application/x-ndjson"
HEADERS = {"accept": JSON, "user-agent": "gatewatch"}
BUSY = (OVERLOADED, 504)
MOST_BYTES = 200_000_000  # of an answer; 10,000 builds are 0.6 MB, 50 searches for 500 builds each some 20 MB


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `path` is what stands behind the index."""

    method: str
    path: str
    body: bytes = b""
    kind: str = JSON

    @property
    def name(self) -> str:
        """The action, as `_search`."""
        return self.path.partition("?")[0]


def hosts(settings: SearchConfig, most_bytes: int) -> list[Host]:
    """One for each address; not connected yet. Raises UserError where a certificate cannot be read."""
    context = tls.context(settings) if any(url.startswith("https") for url in settings.url) else None
    found = []
    for url in settings.url:
        config = url_to_node_config(url, use_default_ports_for_scheme=True).replace(headers=HEADERS)
        secure = config.replace(ssl_context=context) if config.scheme == "https" else config
        found.append(Host(secure, most_bytes))
    return found


class Wire:
    """The requests that the search needs, to one index pattern; whoever asks, no more of them at once than `pace` says.

    `clock`: seconds, any start.
    """

    def __init__(
        self,
        settings: SearchConfig,
        retry: Retry,
        pace: Pace,
        clock: Callable[[], float],
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._index = quote(settings.index, safe="*,:-_.")
        self._timeout = settings.timeout.total_seconds()
        # The server is told to stop in half the time, so that what it has by then still arrives.
        self.server_timeout = f"{max(1, int(self._timeout * 500))}ms"
        self._retry = retry
        self._pace = pace
        self._turns = Turns(lambda: pace.at_once)
        self._clock = clock
        self._login = login(settings)
        self._names = settings.url
        self._hosts = hosts(settings, most_bytes)
        self._choice = Hosts(len(self._hosts))

    async def search(self, body: bytes) -> Mapping[str, Any]:
        """One search's answer, which may be the server's refusal of the query (`error`, `status`)."""
        return await self._ask(Request("POST", f"_search?{urlencode(plan.OPTIONS)}", body))

    async def msearch(self, bodies: Sequence[bytes]) -> list[Any]:
        """The answers to several searches, in their order; each should be a mapping."""
        answer = await self._ask(Request("POST", "_msearch", plan.msearch(bodies), LINES))
        found = answer.get("responses")
        if "error" in answer and found is None:
            raise refused(answer, self._all(), "_msearch")
        if not isinstance(found, list) or len(found) != len(bodies):
            raise NoAnswer(f"{self._all()} did not answer each of {len(bodies)} searches")
        return found

    async def get(self, path: str, **options: str) -> Mapping[str, Any]:
        """`GET /INDEX/PATH`."""
        answer = await self._ask(Request("GET", f"{path}?{urlencode(options)}"))
        if "error" in answer:
            raise refused(answer, self._all(), path)
        return answer

    async def close(self) -> None:
        for host in self._hosts:
            await host.close()

    def _all(self) -> str:
        return ", ".join(self._names)

    async def _ask(self, request: Request) -> Mapping[str, Any]:
        tried = 0
        while True:
            try:
                return await self._round(request)
            except NoAnswer as fault:
                tried += 1
                if not fault.again or tried >= self._retry.tries:
                    raise
                await asyncio.sleep(self._retry.wait(tried - 1, fault.retry_after))

    async def _round(self, request: Request) -> Mapping[str, Any]:
        """The first host that answers; all are tried at once, one after the other, where hosts fail."""
        faults: list[NoAnswer] = []
        for host in self._choice.order(self._clock()):
            try:
                async with self._turns.one():
                    found = await self._of(host, request)
            except NoAnswer as fault:
                faults.append(fault)
                if not fault.elsewhere:
                    break
            else:
                self._choice.worked(host)
                return found
        raise together(faults)

    async def _of(self, host: int, request: Request) -> Mapping[str, Any]:
        name, sent = self._names[host], self._clock()
        try:
            found = read(await self._send(self._hosts[host], request), name, request.name, len(request.body))
            self._keep_pace(sent, request, ran_short(found))
            return found
        except ConnectionTimeout:
            self._keep_pace(sent, request, struggled=True)
            # The same search would be as long elsewhere; the next one may be asked there.
            self._choice.failed(host, sent, self._clock())
            raise NoAnswer(f"{name} did not answer within {self._timeout:g} s") from None
        except TooMuch as fault:
            self._keep_pace(sent, request, struggled=True)
            raise NoAnswer(f"{name} answered {request.name} with {fault}") from None
        except TlsError as fault:
            why = f"no safe connection to {name}, look at search.ca_file and fingerprint: {reason(fault)}"
            self._choice.failed(host, sent, self._clock())
            raise NoAnswer(why, elsewhere=True) from None
        except TransportError as fault:
            self._choice.failed(host, sent, self._clock())
            raise NoAnswer(f"no connection to {name}: {reason(fault)}", again=True, elsewhere=True) from None
        except NoAnswer as fault:
            if fault.status in BUSY:
                self._keep_pace(sent, request, struggled=True)
            if fault.elsewhere:
                self._choice.failed(host, sent, self._clock(), fault.retry_after or 0.0)
            raise

    def _keep_pace(self, sent: float, request: Request, struggled: bool) -> None:
        """Only searches say how a cluster copes."""
        if request.body and struggled:
            before = self._pace.chunk
            self._pace.struggled(sent, self._clock())
            if self._pace.chunk < before:
                log.info("the cluster struggles, asking less at_once=%d chunk=%d", self._pace.at_once, self._pace.chunk)
        elif request.body:
            self._pace.answered(sent, self._clock())

    async def _send(self, host: Host, request: Request) -> TransportApiResponse:
        target = f"/{self._index}/{request.path}"
        headers = HttpHeaders(await self._login.headers(request.method, host.base_url + target, request.body))
        if request.body:
            headers["content-type"] = request.kind
        return await host.perform_request(request.method, target, request.body or None, headers, self._timeout)
