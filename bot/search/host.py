"""One address of a cluster: a request goes out, its answer comes back as bytes, of bounded size."""

from __future__ import annotations

import errno
import os
import ssl

import aiohttp
from elastic_transport import (
    ApiResponseMeta,
    BaseAsyncNode,
    ConnectionError,
    ConnectionTimeout,
    HttpHeaders,
    NodeConfig,
    TlsError,
    TransportApiResponse,
    TransportError,
)
from elastic_transport.client_utils import DEFAULT, DefaultType

CONNECTS_WITHIN = 10.0  # seconds, or a third of a request's; whoever needs longer counts as not there
CONNECTIONS = 64


NOT_HTTPS = "it does not speak https; if it speaks http, write so in search.url"
HUNG_UP = "it closed the connection"
PERHAPS_HTTPS = "; if it speaks https, write so in search.url"


class TooMuch(TransportError):
    """The answer is larger than anybody may send us."""


class Host(BaseAsyncNode):
    """In place of the transport's own node, which reads whatever comes, follows redirects, and leaves out the client's
    certificate where a fingerprint is checked (elastic_transport, `_node/_http_aiohttp.py`).
    """

    def __init__(self, config: NodeConfig, most_bytes: int) -> None:
        super().__init__(config)
        self._most_bytes = most_bytes
        self._session: aiohttp.ClientSession | None = None

    async def perform_request(  # type: ignore[override]
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: HttpHeaders | None = None,
        request_timeout: float | DefaultType | None = DEFAULT,
    ) -> TransportApiResponse:
        """Raises ConnectionError, ConnectionTimeout, TlsError, TooMuch."""
        seconds = self.config.request_timeout if isinstance(request_timeout, DefaultType) else request_timeout
        connect = CONNECTS_WITHIN if seconds is None else min(CONNECTS_WITHIN, seconds / 3)
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=connect)
        sent = self.headers.copy()
        sent.update(headers or {})
        try:
            async with self._opened().request(
                method, self.base_url + target, data=body, headers=sent, timeout=timeout, allow_redirects=False
            ) as answer:
                found = await self._read(answer.content)
        except aiohttp.ConnectionTimeoutError:
            raise ConnectionError(f"nobody accepts it within {connect:.2g} s") from None
        except TimeoutError as fault:
            raise ConnectionTimeout("no answer in time", errors=(fault,)) from None
        except (ssl.SSLError, aiohttp.ClientSSLError) as fault:
            if getattr(cause(fault), "reason", "") == "WRONG_VERSION_NUMBER":
                raise ConnectionError(NOT_HTTPS) from None
            raise TlsError(said(fault)) from None
        except (aiohttp.ClientError, OSError) as fault:
            why = said(fault)
            hint = PERHAPS_HTTPS if why == HUNG_UP and self.config.scheme == "http" else ""
            raise ConnectionError(why + hint) from None
        meta = ApiResponseMeta(answer.status, "1.1", HttpHeaders(answer.headers), 0.0, self.config)
        return TransportApiResponse(meta, found)

    async def close(self) -> None:  # type: ignore[override]
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """Opened at the first request, as that needs the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                skip_auto_headers=("accept", "accept-encoding", "user-agent"),
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=self.config.ssl_context or True),
            )
        return self._session

    async def _read(self, content: aiohttp.StreamReader) -> bytes:
        found = bytearray()
        async for part in content.iter_any():
            found += part
            if len(found) > self._most_bytes:
                raise TooMuch(f"more than {self._most_bytes} bytes")
        return bytes(found)


def cause(fault: Exception) -> Exception:
    """What the system or OpenSSL said; aiohttp wraps host, port and its own settings around it."""
    if isinstance(fault, aiohttp.ClientConnectorCertificateError):
        return fault.certificate_error
    return fault.os_error if isinstance(fault, aiohttp.ClientConnectorError) else fault


def said(fault: Exception) -> str:
    """The same as a sentence, without the address and without numbers of errors."""
    inner = cause(fault)
    if isinstance(inner, ssl.SSLError):
        return getattr(inner, "verify_message", "") or str(inner)
    if isinstance(inner, ConnectionResetError | BrokenPipeError | aiohttp.ServerDisconnectedError):
        return HUNG_UP
    number = getattr(inner, "errno", None) or 0
    if number in (errno.ECONNRESET, errno.EPIPE):
        return HUNG_UP
    # The text that asyncio gives has the address in it; the resolver's errors have negative numbers.
    if number > 0 and inner is not fault:
        return os.strerror(number)
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
