"""What holds for every test: it talks to this machine only, and it does not assume the machine's time zone."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest

ODD_ZONE = "ODD-05:45"  # POSIX's way to write it: 5:45 ahead of UTC, and no zone files are needed


def stays_here(address: object) -> bool:
    """Is it a Unix socket's path, or a host and port of this machine?"""
    if not isinstance(address, tuple):
        return True
    host = str(address[0]).partition("%")[0]
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in ("localhost", "")


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """pytest.fail goes through every guard of the bot; an OSError would be one more broken connection."""

    def guarded(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
        def checked(self: socket.socket, address: Any) -> Any:
            if not stays_here(address):
                pytest.fail(f"a test may talk to this machine only, not to {address}")
            return connect(self, address)

        return checked

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        yield


@pytest.fixture(scope="session", autouse=True)
def _odd_time_zone() -> Iterator[None]:
    """For this process and those that it starts."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = ODD_ZONE
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()
