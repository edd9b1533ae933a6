"""A plain TCP proxy before a server; held, what the server answers stays in it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

CHUNK = 65536


class Held:
    """`port`: where it listens. `withheld`: bytes of the server that came since it is held, and wait in it."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open = asyncio.Event()
        self._open.set()
        self._ends: set[asyncio.Task[None]] = set()
        self._asking: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.withheld = 0
        self._last = 0.0

    def hold(self) -> None:
        """From now on requests get through and answers do not."""
        self._open.clear()

    def release(self) -> None:
        self.withheld = 0
        self._open.set()

    def step(self) -> None:
        """What waits gets through, what comes then is held again."""
        self.release()
        self.hold()

    def still(self, seconds: float) -> bool:
        """Did nothing come from the server for so long?"""
        return time.monotonic() - self._last > seconds

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._ends.add(task)
        self._asking.add(writer)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ways = [asyncio.create_task(self._requests(reader, far_writer))]
        ways.append(asyncio.create_task(self._answers(far_reader, writer)))
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _ended(ways)
            await _closed(writer, far_writer)
            self._asking.discard(writer)
            self._ends.discard(task)

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            self._last = time.monotonic()
            if not self._open.is_set():
                self.withheld += len(data)
                await self._open.wait()
            writer.write(data)
            await writer.drain()

    async def close(self) -> None:
        """End all connections; who accepted them ends by that."""
        for writer in self._asking:
            writer.transport.abort()
        await asyncio.gather(*self._ends, return_exceptions=True)


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _closed(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def held(target: int) -> AsyncIterator[Held]:
    """A proxy before a port of this machine, open until it is held."""
    proxy = Held(target)
    server = await asyncio.start_server(proxy._accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        await server.wait_closed()
