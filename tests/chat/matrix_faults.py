"""What a homeserver, or what stands in front of it, may answer with in trouble; each fault by a name."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from email.utils import formatdate

from aiohttp import web

from tests.chat.fake_matrix import Answer, bad_gateway, cut_off, never, no_text, refuses, says


@dataclass(frozen=True)
class Fault:
    """`sentence`: what the operator is told, in part. `asked`: seconds that the far end wants to be left alone.

    `each`: how many requests aiohttp makes of one, as it repeats a GET by itself.
    """

    answer: Answer
    sentence: str
    asked: float = 0.0
    each: int = 1


def page(status: int, text: str = "<html>Sorry</html>", **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, content_type="text/html", headers=headers)

    return answer


def raw(*written: bytes) -> Answer:
    """These bytes in place of HTTP, then the end."""

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        for part in written:
            request.transport.write(part)  # type: ignore[attr-defined]
        request.transport.close()
        return web.Response()

    return answer


async def later_by_date(request: web.Request) -> web.StreamResponse:
    """A time in place of seconds, by a clock that is an hour ahead."""
    ahead = time.time() + 3600
    headers = {"Retry-After": formatdate(ahead + 1, usegmt=True), "Date": formatdate(ahead, usegmt=True)}
    return web.Response(status=503, text="down for maintenance", headers=headers)


async def stalls(request: web.Request) -> web.StreamResponse:
    """The head and a part of the body, then nothing."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"next_batch": "n1"')
    await asyncio.sleep(60)
    return response


async def in_circles(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound(request.path_qs)


def json(text: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type="application/json")

    return answer


NOT_MATRIX = "the answer is not Matrix's"
BROKE = "the connection broke"
FAULTS = {
    "502 of a proxy": Fault(bad_gateway, "HTTP 502, an answer that is not Matrix's"),
    "500 of the server": Fault(refuses("M_UNKNOWN", 500), "HTTP 500, M_UNKNOWN no"),
    "503 until a date": Fault(later_by_date, "HTTP 503", 1.0),
    "429, time in the body": Fault(refuses("M_LIMIT_EXCEEDED", 429, retry_after_ms=700), "too many requests", 0.7),
    "429, time in the header": Fault(page(429, **{"Retry-After": "1"}), "too many requests", 1.0),
    "429 without a time": Fault(refuses("M_LIMIT_EXCEEDED", 429), "too many requests"),
    "429, at once": Fault(refuses("M_LIMIT_EXCEEDED", 429, retry_after_ms=0), "too many requests"),
    "503, at once": Fault(page(503, **{"Retry-After": "0"}), "HTTP 503"),
    "forbidden": Fault(refuses("M_FORBIDDEN", 403), "sync: M_FORBIDDEN no"),
    "HTML": Fault(page(200, "<html>Log in to the hotel's network</html>"), "not Matrix's"),
    "an empty body": Fault(json(""), "not Matrix's"),
    "half of the JSON": Fault(json('{"next_batch": "n1", "ro'), "not Matrix's"),
    "JSON of another shape": Fault(says({"next_batch": "a", "rooms": [1]}), "not Matrix's"),
    "a list": Fault(says([]), "not Matrix's"),
    "a room of another shape": Fault(says({"next_batch": "a", "rooms": {"join": {"!r": []}}}), NOT_MATRIX),
    "no place in the stream": Fault(says({}), "not Matrix's"),
    "a thousand nested lists": Fault(json("[" * 100_000 + "]" * 100_000), NOT_MATRIX),
    "no UTF-8": Fault(no_text, NOT_MATRIX),
    "half a body": Fault(cut_off, BROKE),
    "half a body, then silence": Fault(stalls, "no answer within 0.2 s"),
    "silence": Fault(never, "no answer within 0.2 s"),
    "hung up": Fault(raw(), BROKE, each=2),
    "no HTTP": Fault(raw(b"220 mail.example.org ESMTP\r\n"), "no HTTP comes back: is `homeserver` the right address?"),
    "broken compression": Fault(
        raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone"), BROKE
    ),
    "redirected": Fault(in_circles, "it redirects to /_matrix/"),
}
