"""An IRC server in this process, for what no real one does on request."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.ircd import Ircd


@dataclass
class Fake:
    """A server that lets the bot in, and leaves the rest to `answer(line)`, which gives lines to send.

    `raw`: what came, line by line as bytes; `lines`: the same as text, without line ends.
    """

    answer: Callable[[str], list[bytes]]
    raw: list[bytes] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        while raw := await reader.readline():
            self.raw.append(raw)
            line = raw.decode(errors="replace").rstrip("\r\n")
            self.lines.append(line)
            for out in self.answer(line):
                writer.write(out + b"\r\n")
            if line.startswith("QUIT"):
                writer.close()

    def say(self, line: bytes) -> None:
        self.writers[-1].write(line + b"\r\n")


def polite(line: str) -> list[bytes]:
    command, _, rest = line.partition(" ")
    replies = {
        "USER": [b":s 001 gatewatch :hello", b":s 422 gatewatch :no message"],
        "JOIN": [f":gatewatch!u@h JOIN {rest}".encode()],
        "PING": [f":s PONG s {rest}".encode()],
        "WHOIS": [f":s 318 gatewatch {rest} :End of WHOIS".encode()],
    }
    return replies.get(command, [])


@asynccontextmanager
async def fake(
    answer: Callable[[str], list[bytes]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Fake, Ircd]]:
    """A fake server, and where it is."""
    far_end = Fake(answer)
    server = await asyncio.start_server(far_end.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield far_end, Ircd(daemon=None, port=port, tls_port=port, folder=Path("/nowhere"))  # type: ignore[arg-type]
    finally:
        for writer in far_end.writers:
            writer.transport.abort()
        server.close()
        await asyncio.sleep(0)


OPEN = {"tls": False, "ca_file": None}
