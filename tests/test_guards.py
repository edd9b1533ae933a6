"""The tests' own guards and their table of times."""

from __future__ import annotations

import asyncio
import socket
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.guards import stays_here
from tests.timing import seconds_per_group


async def test_no_test_reaches_another_machine() -> None:
    with pytest.raises(pytest.fail.Exception, match="this machine only"), socket.socket() as one:
        one.connect(("192.0.2.1", 80))
    with pytest.raises(pytest.fail.Exception, match="this machine only"):
        await asyncio.open_connection("192.0.2.1", 80)


@pytest.mark.parametrize("address", [("127.0.0.1", 1), ("127.8.8.8", 1), ("::1", 1, 0, 0), ("localhost", 1), "/tmp/x"])
def test_this_machine_is_free(address: object) -> None:
    assert stays_here(address)


def test_local_time_is_not_utc() -> None:
    assert datetime.now().astimezone().utcoffset() == timedelta(hours=5, minutes=45)


def test_seconds_are_summed_per_folder_and_per_file() -> None:
    reports = [
        SimpleNamespace(nodeid=nodeid, duration=duration)
        for nodeid, duration in [
            ("tests/chat/test_irc.py::test_a", 1.0),
            ("tests/chat/test_irc.py::test_a", 0.5),
            ("tests/chat/test_matrix.py::test_b[x::y]", 2.0),
            ("tests/test_config.py::test_c", 0.25),
        ]
    ]
    assert seconds_per_group(cast("list[Any]", reports)) == [("tests/chat", 3.5, 2), ("tests/test_config.py", 0.25, 1)]
