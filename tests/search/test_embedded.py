"""The embedded search: the contract, what it cannot answer, and a writer in another process beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.search.embedded import EmbeddedSearch
from bot.search.embedded.writing import add
from tests.search.contract import Fill, Logged, SearchContract
from tests.search.layouts import documents


@pytest.fixture
async def search(tmp_path: Path) -> AsyncIterator[EmbeddedSearch]:
    adapter = EmbeddedSearch(tmp_path / "index")
    yield adapter
    await adapter.close()


@pytest.fixture
async def fill(search: EmbeddedSearch) -> Fill:
    async def put(builds: Sequence[Logged]) -> None:
        await asyncio.to_thread(add, search.path, documents("logsender", builds))

    return put


class TestEmbeddedSearch(SearchContract):
    pass
