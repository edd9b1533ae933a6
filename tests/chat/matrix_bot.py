"""The bot's side of the Matrix tests: an adapter that runs, and what it keeps and hears."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.chat.matrix.adapter import MatrixChat
from bot.chat.matrix.config import MatrixConfig, Timings
from bot.talk import Heard, Message, Post
from tests.chat.human_matrix import until

PASSWORD = "bot's own pässword"
LEAVES_WITHIN = 2.0


def milliseconds(number: int) -> timedelta:
    return timedelta(milliseconds=number)


def timings(**changed: timedelta) -> Timings:
    """Short ones."""
    short = {
        "sync": timedelta(seconds=20),
        "request": timedelta(seconds=5),
        "pause": milliseconds(50),
        "longest_pause": milliseconds(300),
        "join_pause": milliseconds(200),
        "longest_join_pause": milliseconds(400),
    }
    return Timings(**{**short, **changed})


def config(url: str, user: str, **changed: Any) -> MatrixConfig:
    if not {"token", "token_file", "password_file"} & set(changed):
        changed.setdefault("password", SecretStr(PASSWORD))
    return MatrixConfig(type="matrix", homeserver=url, user=user, **{"timings": timings(), **changed})


class MemoryKeep:
    """What the bot's store does, for one test: outlives the adapter."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        return self.values.get(name)

    async def put(self, name: str, value: str) -> None:
        self.values[name] = value

    def value(self, end: str) -> str:
        """The value of the one key that ends so."""
        [found] = [value for name, value in self.values.items() if name.endswith(end)]
        return found


class Bot:
    """An adapter and what it heard. Its network is called `net`."""

    def __init__(
        self, config: MatrixConfig, rooms: Sequence[str], keep: MemoryKeep, crypto: Path | None = None
    ) -> None:
        self.chat = MatrixChat("net", config, rooms, keep, crypto=crypto)
        self.heard: list[Heard] = []
        self.fails_on = ""
        self.task: asyncio.Task[None] | None = None

    async def hear(self, heard: Heard) -> None:
        self.heard.append(heard)
        if self.fails_on and self.fails_on in heard.text:
            raise KeyError("a defect in the command")

    def texts(self) -> list[str]:
        return [heard.text for heard in self.heard]

    async def ready(self, within: float = 20.0) -> None:
        await until(lambda: self.chat.status().ready, within)

    async def joined(self, room: str, within: float = 20.0) -> None:
        await until(lambda: self.chat.status().rooms[room] == "joined", within)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Bot]:
        """Runs inside; leaving takes under 2 s, even in the middle of a long poll."""
        self.task = asyncio.create_task(self.chat.run(self.hear))
        try:
            yield self
        finally:
            started = time.monotonic()
            self.task.cancel()
            await asyncio.wait([self.task])
            assert time.monotonic() - started < LEAVES_WITHIN


def post(room: str, text: str, key: str, **more: Any) -> Post:
    message = Message(text=text, html=more.pop("html", ""))
    return Post(room=room, key=key, message=message, **more)
