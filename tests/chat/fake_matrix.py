"""A homeserver that a test makes misbehave: real ones cannot be told to."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.chat.matrix_bot import Bot, MemoryKeep, config

USER = "@bot:example.org"
ROOM = "net:!room:example.org"
VERBS = (
    *("login", "logout", "whoami", "joined_rooms", "joined_members", "join", "send", "messages", "sync", "config"),
    *(
        "keys/upload",
        "keys/query",
        "device_signing",
        "signatures",
        "upload",
        "directory",
        "leave",
        "/event/",
        "/state/",
        "account_data",
    ),
)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def says(body: Any, status: int = 200, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return answer


def refuses(code: str, status: int, **more: Any) -> Answer:
    return says({"errcode": code, "error": "no", **more}, status)


async def bad_gateway(request: web.Request) -> web.StreamResponse:
    return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")


async def cut_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"next')
    assert request.transport is not None
    request.transport.abort()
    return response


async def no_text(request: web.Request) -> web.StreamResponse:
    return web.Response(body=b'\xff\xfe{"next', content_type="application/json")


async def never(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response(status=504)


class FarEnd:
    """A homeserver whose answers a test sets; `requests`: what was asked, as "GET sync"."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[str] = []
        self.since: list[str] = []  # of the polls, and when they came
        self.at: list[float] = []
        self.bodies: list[Any] = []
        self.answers: dict[str, Answer] = {
            "login": says({"user_id": USER, "device_id": "D", "access_token": "T1"}),
            "flows": says({"flows": [{"type": "m.login.password"}]}),
            "whoami": says({"user_id": USER, "device_id": "D"}),
            "joined_rooms": says({"joined_rooms": ["!room:example.org"]}),
            "joined_members": says({"joined": {}}),
            "join": says({"room_id": "!room:example.org"}),
            "send": says({"event_id": "$said"}),
            "sync": self.quiet,
            "config": says({"m.upload.size": 1000}),
            "upload": says({"content_uri": "mxc://example.org/1"}),
            "logout": says({}),
            "messages": says({"chunk": [], "start": "p"}),
            "keys/upload": says({"one_time_key_counts": {"signed_curve25519": 50}}),
            "keys/query": says({"device_keys": {}}),
        }

    def plays(self, **answers: Answer) -> None:
        """The stream by the place that is asked from, quiet beyond it; where it begins is `start`."""

        async def play(request: web.Request) -> web.StreamResponse:
            return await answers.get(request.query.get("since") or "start", self.quiet)(request)

        self.answers["sync"] = play

    async def quiet(self, request: web.Request) -> web.StreamResponse:
        """Nothing new: the room at once, later only after a while."""
        if request.query.get("full_state") is None:
            await asyncio.sleep(0.2)
            return web.json_response({"next_batch": "n1"})
        joined = {"!room:example.org": {"timeline": {"events": [], "limited": False, "prev_batch": "p"}}}
        return web.json_response({"next_batch": "n1", "rooms": {"join": joined}})

    async def take(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/_matrix/client/v3/")
        verb = "flows" if path == "login" and request.method == "GET" else next(word for word in VERBS if word in path)
        self.requests.append(f"{request.method} {verb}")
        if verb == "sync":
            self.since.append(request.query.get("since", ""))
            self.at.append(time.monotonic())
        if request.can_read_body:
            self.bodies.append(await request.read() if verb == "upload" else await request.json())
        return await self.answers[verb](request)

    def count(self, request: str) -> int:
        return self.requests.count(request)

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Gives what makes it refuse new connections."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"

        async def stop_listening() -> None:
            listening.close()

        assert runner.server is not None
        listening = site._server
        assert listening is not None
        try:
            yield stop_listening
        finally:
            await runner.cleanup()


def earlier_keep() -> MemoryKeep:
    """What an earlier process left: a device, a token, a place in the stream."""
    kept = MemoryKeep()
    for name, value in (("device", "D"), ("token", "T0"), ("since", "tok1")):
        kept.values[f"matrix.net.{USER}.{name}"] = value
    return kept


def bot_for(
    far_end: FarEnd, keep: MemoryKeep, crypto: Path | None = None, rooms: Sequence[str] = (ROOM,), **changed: Any
) -> Bot:
    """With encryption, if `crypto` names the folder for its keys."""
    changed.setdefault("encryption", crypto is not None)
    return Bot(config(far_end.url, USER, **changed), rooms, keep, crypto)


def line(text: str, sender: str = "@ada:example.org") -> dict[str, Any]:
    """What a person says in a room, just now."""
    content = {"msgtype": "m.text", "body": text}
    now = int(time.time() * 1000)
    return {
        "type": "m.room.message",
        "event_id": f"${text}",
        "sender": sender,
        "content": content,
        "origin_server_ts": now,
    }


def own_join(before: str = "invite") -> dict[str, Any]:
    """The bot becomes a member of a room that showed it as `before`."""
    member = line("join", USER) | {"type": "m.room.member", "content": {"membership": "join"}, "state_key": USER}
    return member | {"unsigned": {"prev_content": {"membership": before}}}


def stream(after: str, *events: dict[str, Any], gap: str = "") -> Answer:
    """A sync answer with events of the room; `gap`: the token where those that it leaves out end."""
    timeline = {"events": list(events), "limited": bool(gap), "prev_batch": gap or "p"}
    return says({"next_batch": after, "rooms": {"join": {"!room:example.org": {"timeline": timeline}}}})
