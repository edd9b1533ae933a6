"""One address of a cluster: a request goes out, its answer comes back as bytes, of bounded size."""

from __future__ import annotations

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


class TooMuch(TransportError):
    """The answer is larger than anybody may send us."""


class Node(BaseAsyncNode):
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
        except aiohttp.ConnectionTimeoutError as fault:
            raise ConnectionError(str(fault), errors=(fault,)) from None
        except TimeoutError as fault:
            raise ConnectionTimeout("no answer in time", errors=(fault,)) from None
        except (ssl.SSLError, aiohttp.ClientSSLError) as fault:
            raise TlsError(str(fault), errors=(fault,)) from None
        except (aiohttp.ClientError, OSError) as fault:
            raise ConnectionError(str(fault), errors=(fault,)) from None
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
