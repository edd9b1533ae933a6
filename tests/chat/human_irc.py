"""A person with an IRC client: plain asyncio streams, none of the bot's code."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

WITHIN = 10.0  # seconds for anything that a server or the bot should do


@dataclass
class Human:
    """Connected as `nick`. `lines`: every line from the server, in order, without its line end."""

    nick: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    lines: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, line: str) -> None:
        self.send_bytes(line.encode())

    def send_bytes(self, line: bytes) -> None:
        """As it is, to send what is no UTF-8."""
        self.writer.write(line + b"\r\n")

    def say(self, target: str, text: str) -> None:
        self.send(f"PRIVMSG {target} :{text}")

    async def join(self, channel: str) -> None:
        """Return when in it."""
        self.send(f"JOIN {channel}")
        await self.wait_for(lambda line: " 366 " in line and channel.lower() in line.lower())

    async def wait_for(self, condition: Callable[[str], bool], within: float = WITHIN) -> str:
        """The first line, of all that came and will come, for which it holds."""

        def found() -> str | None:
            return next(filter(condition, self.lines), None)

        await self.until(lambda: found() is not None, within)
        line = found()
        assert line is not None
        return line

    async def until(self, condition: Callable[[], bool], within: float = WITHIN) -> None:
        """Return when it holds; it is asked again after each line. Fails with all lines when it never does."""
        try:
            async with asyncio.timeout(within):
                while not condition():
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            raise AssertionError(f"{self.nick} waited {within} s in vain; lines:\n" + "\n".join(self.lines)) from None

    def heard(self, target: str, by: str = "") -> list[str]:
        """The texts of all PRIVMSG and NOTICE to a channel or nick so far, in order; only `by` that nick if given."""
        return [text for _, nick, text in self.messages(target) if not by or nick == by]

    def messages(self, target: str) -> list[tuple[str, str, str]]:
        """(command, nick, text) of what was said to a channel or nick so far, in order."""
        return [(command, nick, text) for command, nick, to, text in self._said() if to.lower() == target.lower()]

    def said_by(self, nick: str) -> list[tuple[str, str, str]]:
        """(command, channel or nick, text) of what somebody has said anywhere, in order."""
        return [(command, to, text) for command, by, to, text in self._said() if by == nick]

    def _said(self) -> list[tuple[str, str, str, str]]:
        found = []
        for line in self.lines:
            source, command, to, text = ([*line.split(" ", 3), "", "", ""])[:4]
            if command in ("PRIVMSG", "NOTICE"):
                found.append((command, source[1:].partition("!")[0], to, text.removeprefix(":")))
        return found

    async def hears(self, target: str, text: str, within: float = WITHIN) -> None:
        """Return when somebody has said exactly this there."""
        await self.until(lambda: text in self.heard(target), within)

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while raw := await self.reader.readline():
                line = raw.decode(errors="replace").rstrip("\r\n")
                if line.startswith("PING"):
                    self.send(line.replace("PING", "PONG", 1))
                self.lines.append(line)
                self.news.set()


@asynccontextmanager
async def human(
    nick: str,
    port: int,
    ca_file: Path | None = None,
    certificate: Path | None = None,
    host: str = "localhost",
    channel: str = "",
) -> AsyncIterator[Human]:
    """Somebody on the server while the block runs, in `channel` if one is given.

    With TLS if `ca_file` is given, and their own certificate.
    """
    tls = None if ca_file is None else ssl.create_default_context(cafile=ca_file)
    if tls is not None and certificate is not None:
        tls.load_cert_chain(certificate)
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    person = Human(nick, reader, writer)
    reading = asyncio.create_task(person._read())
    try:
        person.send(f"NICK {nick}")
        person.send(f"USER {nick} 0 * :{nick}")
        await person.wait_for(lambda line: " 376 " in line or " 422 " in line)
        if channel:
            await person.join(channel)
        yield person
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        writer.transport.abort()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
