"""The bot's IRC adapter, running against a server for the length of a block."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.chat.irc.adapter import IrcChat
from bot.chat.irc.config import IrcConfig
from bot.clock import utc_now
from bot.talk import Heard, Message, Person, Post
from tests.servers.ircd import Ircd

WITHIN = 10.0
# Short waits where the defaults are long; the same kinds of waits all the same.
TIMINGS = {
    "connect": 5,
    "registration": 5,
    "identify": 3,
    "join": 3,
    "join_again": [0.3],
    "join_soon": [0.3],
    "kicked": 0.3,
    "regain": 0.5,
    "dead": 1,
    "confirm": 3,
    "reconnect": [0.2],
    "reconnect_floor": 0.1,
    "long_wait": [0.5],
}
# Faster than a server takes for long; a flood is tested at the real pace.
HASTY = {"burst": 6, "per_second": 5}


@dataclass
class Running:
    """A bot at work: what it heard, and its end."""

    chat: IrcChat
    heard: list[Heard] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def until(self, condition: Callable[[], bool], within: float = WITHIN) -> None:
        """Return when it holds; fails with the network's status when it never does."""
        deadline = asyncio.get_running_loop().time() + within
        while not condition():
            if self.task is not None and self.task.done():
                self.task.result()
            assert asyncio.get_running_loop().time() < deadline, self.chat.status()
            await asyncio.sleep(0.01)

    async def ready(self) -> None:
        await self.until(lambda: self.chat.status().ready)

    async def not_ready(self) -> None:
        await self.until(lambda: not self.chat.status().ready)

    async def joined(self, room: str) -> None:
        await self.until(lambda: self.chat.status().rooms[room] == "joined")


def section(ircd: Ircd, **overrides: Any) -> IrcConfig:
    """A config section for this server, TLS on."""
    values: dict[str, Any] = {
        "type": "irc",
        "host": ircd.host,
        "port": ircd.tls_port,
        "ca_file": ircd.ca_file,
        "nick": "gatewatch",
        "timings": TIMINGS,
        "pace": HASTY,
    }
    return IrcConfig.model_validate({**values, **overrides})


def chat_for(ircd: Ircd, *rooms: str, clock: Callable[[], datetime] = utc_now, **overrides: Any) -> IrcChat:
    return IrcChat("test", section(ircd, **overrides), [f"test:{room}" for room in rooms], clock=clock)


@asynccontextmanager
async def running(
    ircd: Ircd, *rooms: str, on_heard: Callable[[Heard], None] | None = None, **overrides: Any
) -> AsyncIterator[Running]:
    """A bot that is to be in `rooms`; on the way out it is cancelled and has to leave within 2 s."""
    bot = Running(chat_for(ircd, *rooms, **overrides))

    async def hear(heard: Heard) -> None:
        bot.heard.append(heard)
        if on_heard is not None:
            on_heard(heard)

    bot.task = asyncio.create_task(bot.chat.run(hear))
    try:
        yield bot
    finally:
        bot.task.cancel()
        async with asyncio.timeout(2):
            with contextlib.suppress(asyncio.CancelledError):
                await bot.task


def post(room: str, text: str, **more: Any) -> Post:
    return Post(room=f"test:{room}", key=text, message=Message(text), **more)


def question(room: str) -> Mapping[str, Any]:
    """What makes a post the answer to something heard."""
    asked = Heard("1", "test", f"test:{room}", False, Person("ann"), "!top", datetime(2026, 11, 20, tzinfo=UTC))
    return {"answers": asked}
