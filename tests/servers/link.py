"""A TCP link to a server, which a test can break: held in one direction or both, reset, or down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

UP, DOWN = "to the server", "to the client"


@dataclass
class Link:
    """Passes bytes on as they come. `attempts`: the loop's time of each connection that was tried.

    `sent`: all that clients have sent, to be read where the link is to a port without TLS.
    """

    target: int
    port: int = 0
    attempts: list[float] = field(default_factory=list)
    sent: bytearray = field(default_factory=bytearray)
    _open: dict[str, asyncio.Event] = field(default_factory=dict)
    _refusing: bool = False
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)

    def hold(self, *directions: str) -> None:
        """Nothing passes that way, on any connection: what is sent meanwhile comes when the link is whole again."""
        for direction in directions:
            self._open[direction].clear()

    def reset(self) -> None:
        """Break all connections."""
        for end in list(self._ends):
            end.transport.abort()

    def refuse(self) -> None:
        """Break all connections, and each new one at once."""
        self._refusing = True
        self.reset()

    def mend(self) -> None:
        """Whole again."""
        self._refusing = False
        for way in self._open.values():
            way.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts.append(asyncio.get_running_loop().time())
        try:
            if self._refusing:
                return
            await self._open[UP].wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return
        finally:
            if self._refusing:
                writer.transport.abort()
        self._ends |= {writer, far_writer}
        await asyncio.gather(self._pass(reader, far_writer, UP), self._pass(far_reader, writer, DOWN))
        self._ends -= {writer, far_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: str) -> None:
        """Until one side ends; the end, too, is held back."""
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._open[direction].wait()
                if direction == UP:
                    self.sent += data
                writer.write(data)
        await self._open[direction].wait()
        writer.close()


@asynccontextmanager
async def link_to(port: int) -> AsyncIterator[Link]:
    """A link to a port of this machine, from a free one."""
    link = Link(port, _open={UP: asyncio.Event(), DOWN: asyncio.Event()})
    link.mend()
    tasks: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(link._serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    link.port = server.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        server.close()
        link.refuse()
        link.mend()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
