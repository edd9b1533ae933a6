"""An index with GATE, a proxy before it, and adapters on that; for tests that carry `xdist_group("opensearch")`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from bot.search.http import HttpSearch
from tests.search.asking import Make, adapter
from tests.search.contract import GATE
from tests.search.layouts import documents
from tests.servers import opensearch as server
from tests.servers.proxy import Proxy, proxying


@pytest.fixture(scope="session")
def gate(engine: str) -> str:
    """An index that holds GATE; no test changes it."""
    server.fill(engine, "faults-gate", documents("logsender", GATE))
    return "faults-gate"


@pytest.fixture
async def proxy(engine: str) -> AsyncIterator[Proxy]:
    async with proxying(engine) as one:
        yield one


@pytest.fixture
async def make(proxy: Proxy, gate: str) -> AsyncIterator[Make]:
    """Adapters behind the proxy, or where `settings` say; closed at the end."""
    made: list[HttpSearch] = []

    def making(settings: Mapping[str, Any] | None = None, **options: Any) -> HttpSearch:
        made.append(adapter(proxy.url, gate, settings, **options))
        return made[-1]

    yield making
    for one in made:
        await one.close()
