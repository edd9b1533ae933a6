"""An address that swallows whoever connects to it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def deaf(host: str = "127.0.0.1") -> Iterator[tuple[str, int]]:
    """Its queue of connections is full, so that the next one waits, as where a packet filter swallows it."""
    with socket.create_server((host, 0), backlog=0) as server, ExitStack() as queue:
        address: tuple[str, int] = server.getsockname()
        for _ in range(4):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield address
