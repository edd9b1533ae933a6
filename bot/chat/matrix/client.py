"""The nio client as we need it: no sleeping inside it, and one that knows whether a request went out.

What it does for encryption is in `cryptoclient`.
"""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import aiohttp
from nio import Api, AsyncClientConfig, JoinResponse, Response

from bot.chat.matrix.answers import REASON_LENGTH, Redirected
from bot.chat.matrix.checks import MORE_LIBRARIES, has_extra
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.cryptoclient import CryptoClient
from bot.chat.matrix.files import tls_context
from bot.chat.matrix.sane import without_odd_events
from bot.chat.matrix.slowed import Slowed
from bot.errors import PermanentError

log = logging.getLogger(__name__)


class Attempt:
    """One request: `sent` as soon as any of it was given to a connection."""

    def __init__(self) -> None:
        self.sent = False


async def _note_sent(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
    if isinstance(context.trace_request_ctx, Attempt):
        context.trace_request_ctx.sent = True


async def _no_further(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
    """aiohttp would follow ten redirections, and make a GET of a message."""
    params.response.close()
    raise Redirected(str(params.response.headers.get("Location", "nowhere"))[:REASON_LENGTH])


class Client(CryptoClient):
    """nio's client with three more defects mended."""

    slowed: Slowed  # counts the 429s

    def open(self) -> None:
        """Make the HTTP session; inside a running loop."""
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_note_sent)
        trace.on_request_redirect.append(_no_further)
        self.client_session = aiohttp.ClientSession(trace_configs=[trace])

    async def send(
        self,
        method: str,
        path: str,
        data: Any = None,
        headers: dict[str, str] | None = None,
        trace_context: Any = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> aiohttp.ClientResponse:
        """As nio's, but a refused connection is reported as such only if nothing was sent before.

        aiohttp repeats a PUT by itself when a kept-alive connection breaks; the second try's "connection
        refused" would hide that the first one may have reached the server.
        """
        attempt = Attempt()
        try:
            answer: aiohttp.ClientResponse = await super().send(
                method, path, data, headers, trace_context or attempt, timeout
            )
        except aiohttp.ClientConnectorError as error:
            if attempt.sent:
                raise aiohttp.ServerDisconnectedError(str(error)) from error
            raise
        if answer.status == 429:
            self.slowed.note()
        return answer

    async def join_through(self, room: str, server: str) -> Any:
        """As nio's `join`, through a server that is in the room: not every room id names one.

        https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3joinroomidoralias; `server_name` is what
        `via` was called before.
        """
        method, path = Api.join(self.access_token, room)
        query = urlencode({"via": server, "server_name": server})
        return await self._send(JoinResponse, method, f"{path}{'&' if '?' in path else '?'}{query}")

    async def parse_body(self, transport_response: aiohttp.ClientResponse) -> dict[Any, Any]:
        """As nio's, without events that its parser would choke on."""
        body: dict[Any, Any] = await super().parse_body(transport_response)
        if odd := without_odd_events(body):
            log.warning("matrix left out events that are none count=%d", odd)
        return body

    async def receive_response(self, response: Response) -> None:
        """As nio's, but an odd event that nio's picture of a room cannot take does not cost the answer."""
        try:
            await super().receive_response(response)
        except (KeyError, ValueError, TypeError, AttributeError):
            log.warning("matrix room state is incomplete", exc_info=True)


def new_client(config: MatrixConfig, slowed: Slowed, crypto: tuple[Path, str] | None = None) -> Client:
    """A client for the account that is not logged in.

    `crypto`: folder and key of the stores of encryption, None for no encryption. Raises PermanentError if `ca_file`
    cannot be used, and if encryption's libraries are not there.
    """
    # nio writes whole login answers at DEBUG, with the token, and each error answer as a warning.
    logging.getLogger("nio").setLevel(logging.ERROR)
    settings: dict[str, Any] = {
        "encryption_enabled": crypto is not None,
        "max_limit_exceeded": 0,
        "max_timeouts": 0,
        "request_timeout": config.timings.request.total_seconds(),
    }
    folder = ""
    if crypto is not None:
        folder, settings["store"], settings["pickle_key"] = str(crypto[0]), _store(), crypto[1]
    client = Client(
        config.homeserver, config.user, store_path=folder, config=AsyncClientConfig(**settings), ssl=tls_context(config)
    )
    client.user_id = config.user
    client.slowed = slowed
    return client


def require_extra() -> None:
    """Raises PermanentError where the libraries of encryption are not there."""
    if not has_extra():
        raise PermanentError(MORE_LIBRARIES)


def _store() -> Any:
    """The kind of store; nio's default writes a text file anew for each trusted device."""
    require_extra()
    from bot.chat.matrix.cryptostore import CryptoStore

    return CryptoStore
