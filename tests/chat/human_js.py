"""A person at a real encrypting client: matrix-js-sdk with Rust crypto, in a process of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.chat.human_matrix import until
from tests.servers.matrix_js import SCRIPT, node, sdk


class JsHuman:
    """`mode`: "normal", or "strict" (Element's "exclude insecure devices"), or "unsigned": of an account without an
    identity. `seen`: what the client showed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._number = 0
        self.id = ""
        self.device = ""
        self.seen: list[dict[str, Any]] = []

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, user: str, password: str, mode: str = "normal") -> AsyncIterator[JsHuman]:
        """Logged in, with an identity of their own that has signed the device."""
        process = await asyncio.create_subprocess_exec(
            node(), str(SCRIPT), str(sdk()), url, user, password, mode,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**22,
        )  # fmt: skip
        human = cls(process)
        reading = asyncio.create_task(human._read())
        try:
            ready = await until(lambda: human._of("ready"), 30)
            human.id, human.device = ready[0]["user"], ready[0]["device"]
            yield human
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading

    async def do(self, verb: str, **what: Any) -> dict[str, Any]:
        """One of the verbs of human.mjs, and its answer."""
        self._number += 1
        number = self._number
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"number": number, "verb": verb, **what}).encode() + b"\n")
        done = await until(lambda: [one for one in self._of("done") if one["number"] == number])
        assert "error" not in done[0], done[0]["error"]
        answer: dict[str, Any] = done[0]["answer"]
        return answer

    async def send(self, room_id: str, text: str, **content: Any) -> str:
        """Say it; the event's id."""
        answer = await self.do("send", room=room_id, content={"body": text, **content})
        return str(answer["event_id"])

    async def reads(self, room_id: str, text: str, within: float = 20.0) -> dict[str, Any]:
        """Wait for the message with this body; what the client shows of it."""

        def found() -> list[dict[str, Any]]:
            return [m for m in self._of("message") if m["room"] == room_id and m["content"].get("body") == text]

        try:
            return (await until(found, within))[0]
        except AssertionError as error:
            raise AssertionError(f"{text!r} is not among {self.seen[-5:]}") from error

    def said(self, room_id: str) -> list[str]:
        """The texts of others that the client shows in the room."""
        return [str(one["content"].get("body")) for one in self._of("message") if one["room"] == room_id]

    def joined(self, room_id: str, user: str) -> bool:
        """Has the client seen that somebody joined the room?"""
        return {"kind": "member", "room": room_id, "user": user, "is": "join"} in self.seen

    def unreadable(self, room_id: str) -> list[dict[str, Any]]:
        """What could not be decrypted."""
        return [one for one in self._of("unreadable") if one["room"] == room_id]

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.seen if one["kind"] == kind]

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.seen.append(json.loads(line))
