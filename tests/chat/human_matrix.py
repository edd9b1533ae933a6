"""A person at a Matrix client, as far as tests need one: plain HTTP, nothing of the bot's own code.

The calls block; tests in an event loop put them into a thread (`await human.do(human.send, room, "!help")`).
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

T = TypeVar("T")
Event = dict[str, Any]


class Refused(AssertionError):
    """The homeserver said no."""


async def until(condition: Callable[[], T | Awaitable[T]], within: float = 20.0) -> T:
    """The condition's first true value; fails after `within` seconds, with what it was last."""
    deadline = time.monotonic() + within
    while True:
        found = condition()
        value = await found if isinstance(found, Awaitable) else found
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {within} s; last: {value!r}"
        await asyncio.sleep(0.05)


class Human:
    """One account, logged in. `id` is its Matrix id."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._token = ""
        answer = self.call(
            "POST",
            "login",
            {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": user},
                "password": password,
                "device_id": "PHONE",
            },
        )
        self._token = answer["access_token"]
        self.id: str = answer["user_id"]

    async def do(self, what: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """One of the calls below, beside the event loop."""
        return await asyncio.to_thread(what, *arguments, **named)

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, api: str = "_matrix/client/v3"
    ) -> Any:
        """One request to the client-server API, or another of the server's; raises Refused."""
        request = urllib.request.Request(
            f"{self._url}/{api}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {path}: {error.code} {error.read().decode()}") from error

    # -- rooms ----------------------------------------------------------------------------------------------

    def create(
        self, alias: str = "", *, public: bool = True, invite: str = "", direct: bool = False, **more: Any
    ) -> str:
        """A new room's id; `alias` without # and server. `more` goes into the request: `room_version="10"`."""
        body: dict[str, Any] = {"preset": "public_chat" if public else "private_chat", "is_direct": direct, **more}
        if alias:
            body["room_alias_name"] = alias
        if invite:
            body["invite"] = [invite]
        return str(self.call("POST", "createRoom", body)["room_id"])

    def join(self, room: str) -> None:
        self.call("POST", f"join/{quote(room, safe='')}", {})

    def invite(self, room_id: str, user: str) -> None:
        self.call("POST", f"rooms/{quote(room_id)}/invite", {"user_id": user})

    def kick(self, room_id: str, user: str, reason: str = "") -> None:
        self.call("POST", f"rooms/{quote(room_id)}/kick", {"user_id": user, "reason": reason})

    def state(self, room_id: str, kind: str, content: Mapping[str, Any]) -> None:
        self.call("PUT", f"rooms/{quote(room_id)}/state/{kind}", content)

    def upgrade(self, room_id: str, version: str) -> str:
        """The id of the room in its place."""
        path = f"rooms/{quote(room_id)}/upgrade"
        return str(self.call("POST", path, {"new_version": version})["replacement_room"])

    def members(self, room_id: str) -> set[str]:
        return set(self.call("GET", f"rooms/{quote(room_id)}/joined_members")["joined"])

    # -- saying ---------------------------------------------------------------------------------------------

    def send(self, room_id: str, text: str, **more: Any) -> str:
        """Say something; the event's id. `more` goes into the content."""
        return self.put(room_id, "m.room.message", {"msgtype": "m.text", "body": text, **more})

    def put(self, room_id: str, kind: str, content: Mapping[str, Any]) -> str:
        path = f"rooms/{quote(room_id)}/send/{kind}/{uuid.uuid4().hex}"
        return str(self.call("PUT", path, content)["event_id"])

    def redact(self, room_id: str, event_id: str) -> str:
        path = f"rooms/{quote(room_id)}/redact/{quote(event_id)}/{uuid.uuid4().hex}"
        return str(self.call("PUT", path, {})["event_id"])

    def download(self, mxc: str) -> tuple[str, bytes]:
        """The content type and the bytes of what somebody uploaded."""
        request = urllib.request.Request(
            f"{self._url}/_matrix/client/v1/media/download/{mxc.removeprefix('mxc://')}",
            headers={"Authorization": f"Bearer {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(answer.headers["Content-Type"]), answer.read()

    # -- reading --------------------------------------------------------------------------------------------

    def events(self, room_id: str) -> list[Event]:
        """All events of the room that this person may see, oldest first."""
        found: list[Event] = []
        start = ""
        while True:
            more = f"&from={quote(start)}" if start else ""
            page = self.call("GET", f"rooms/{quote(room_id)}/messages?dir=f&limit=200{more}")
            found += page["chunk"]
            start = page.get("end", "")
            if not start or not page["chunk"]:
                return found

    def messages(self, room_id: str, sender: str = "") -> list[Event]:
        """The messages of the room (of one sender), edits among them."""
        return [
            event
            for event in self.events(room_id)
            if event["type"] == "m.room.message" and event["content"] and sender in ("", event["sender"])
        ]

    def bodies(self, room_id: str, sender: str = "") -> list[str]:
        return [str(event["content"]["body"]) for event in self.messages(room_id, sender)]

    async def sees(self, room_id: str, sender: str, wanted: Callable[[list[str]], bool], within: float = 20.0) -> None:
        """Wait until what the sender said in the room is as wanted."""

        async def look() -> bool:
            bodies = await self.do(self.bodies, room_id, sender)
            seen.append(bodies)
            return wanted(bodies)

        seen: list[list[str]] = []
        try:
            await until(look, within)
        except AssertionError as error:
            raise AssertionError(f"last seen in the room: {seen[-1]}") from error
