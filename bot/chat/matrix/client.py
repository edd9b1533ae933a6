"""The nio client as we need it: no sleeping inside it, and one that knows whether a request went out."""

from __future__ import annotations

import logging
import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
from nio import AsyncClient, AsyncClientConfig, Response

from bot.chat.matrix.config import MatrixConfig
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


class Client(AsyncClient):  # type: ignore[misc]  # nio has no types
    """AsyncClient with two defects mended."""

    slowed: Slowed  # counts the 429s

    def open(self) -> None:
        """Make the HTTP session; inside a running loop."""
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_note_sent)
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

    async def receive_response(self, response: Response) -> None:
        """As nio's, but an odd event that nio's picture of a room cannot take does not cost the answer."""
        try:
            await super().receive_response(response)
        except (KeyError, ValueError, TypeError, AttributeError):
            log.warning("matrix room state is incomplete", exc_info=True)


def new_client(config: MatrixConfig, slowed: Slowed) -> Client:
    """A client for the account that is not logged in; raises PermanentError if `ca_file` cannot be used."""
    # nio writes whole login answers at DEBUG, with the token, and each error answer as a warning.
    logging.getLogger("nio").setLevel(logging.ERROR)
    settings = AsyncClientConfig(
        encryption_enabled=False,
        max_limit_exceeded=0,
        max_timeouts=0,
        request_timeout=config.timings.request.total_seconds(),
    )
    client = Client(config.homeserver, config.user, config=settings, ssl=_tls(config))
    client.user_id = config.user
    client.slowed = slowed
    return client


def _tls(config: MatrixConfig) -> ssl.SSLContext | bool:
    if config.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise PermanentError(f"ca_file {config.ca_file} cannot be used: {error}") from error
