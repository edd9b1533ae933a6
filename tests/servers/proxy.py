"""A reverse proxy that makes a healthy server misbehave: it refuses, withholds, or edits what passes through."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

Before = Callable[[web.Request, bytes], Awaitable[web.StreamResponse | None]]
Edit = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Passed:
    """One request that came: `action` is the last part of its path, as `_msearch`."""

    action: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, str]

    @property
    def size(self) -> int:
        return len(self.body)


async def untouched(request: web.Request, body: bytes) -> web.StreamResponse | None:
    return None


def unedited(answer: dict[str, Any]) -> dict[str, Any]:
    return answer


@dataclass
class Proxy:
    """`before` may answer in the server's place (None: it is asked), `edit` changes each single search's answer.

    `body` changes what the server is asked; `headers` are the names of those that go on to it.
    """

    target: str
    url: str = ""
    before: Before = untouched
    edit: Edit = unedited
    body: Callable[[bytes], bytes] = bytes
    headers: tuple[str, ...] = ("content-type",)
    passed: list[Passed] = field(default_factory=list)

    def actions(self) -> list[str]:
        return [one.action for one in self.passed]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        action = request.path.rpartition("/")[2]
        self.passed.append(
            Passed(action, request.method, request.path, dict(request.headers), body, dict(request.query))
        )
        return await self.before(request, body) or await self.forward(request, body, action)

    async def forward(self, request: web.Request, body: bytes, action: str) -> web.StreamResponse:
        kind = {"content-type": "application/json"}
        kind |= {name: request.headers[name] for name in self.headers if name in request.headers}
        async with (
            aiohttp.ClientSession(auto_decompress=True) as session,
            session.request(request.method, self.target + request.path_qs, data=self.body(body), headers=kind) as reply,
        ):
            found = json.loads(await reply.read())
            status = reply.status
        if action == "_search":
            found = self.edit(found)
        if action == "_msearch":
            found["responses"] = [self.edit(one) for one in found["responses"]]
        return web.json_response(found, status=status)


P = TypeVar("P", bound=Proxy)


@asynccontextmanager
async def proxying(
    target: str, tls: ssl.SSLContext | None = None, kind: Callable[[str], P] = Proxy
) -> AsyncIterator[P]:
    """A proxy (of this `kind`) before the server at `target`, on a free port of this machine."""
    proxy = kind(target)
    app = web.Application(client_max_size=100_000_000)
    app.router.add_route("*", "/{path:.*}", proxy.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    proxy.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield proxy
    finally:
        await runner.cleanup()
