"""The bot's IRC connection without a network: lines go in as bytes, events come out, and what it writes is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bot.chat.irc.connection import Connection, Event, new_connection


class Written(asyncio.Transport):
    """A transport that goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[bytes] = []

    def write(self, data: Any) -> None:
        self.lines.append(bytes(data))

    def abort(self) -> None:
        pass


@contextmanager
def fed(listen: Callable[[Event], None]) -> Iterator[Connection]:
    """A connection whose `process_data` takes what a server sends; needs a running loop."""
    connection = new_connection()
    connection.listen = listen
    connection.transport, connection.connected = Written(), True
    connection.buffer, connection.handlers = connection.buffer_class(), {}  # as its connect() does
    connection.server, connection.real_nickname, connection.real_server_name = "test", "bot", ""
    yield connection
    connection.abort()
