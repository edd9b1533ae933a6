"""A homeserver that a test makes misbehave, and what an earlier life of its bot kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.chat.fake_matrix import FarEnd, earlier_keep
from tests.chat.matrix_bot import MemoryKeep


@pytest.fixture
async def far_end() -> AsyncIterator[FarEnd]:
    server = FarEnd()
    async with server.serving():
        yield server


@pytest.fixture
def keep() -> MemoryKeep:
    return earlier_keep()
