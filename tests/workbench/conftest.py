"""The made-up gate in an embedded index and in a real OpenSearch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.search import Search
from bot.search.config import SearchConfig
from bot.search.embedded import EmbeddedSearch
from bot.search.embedded.writing import add
from bot.search.http import HttpSearch
from tests.search.contract import Logged
from tests.servers import opensearch as server
from tests.workbench.gate import as_documents, made

INDEX = "workbench"
Where = Callable[[], dict[str, Any]]


@pytest.fixture(scope="session")
def gate() -> list[Logged]:
    return made(seed=5)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, gate: Sequence[Logged]) -> Path:
    path = tmp_path_factory.mktemp("workbench") / "index"
    add(path, as_documents(gate))
    return path


@pytest.fixture(scope="session")
def filled(opensearch: str, gate: Sequence[Logged]) -> Iterator[str]:
    server.fill(opensearch, INDEX, as_documents(gate))
    yield opensearch
    server.call(f"{opensearch}/{INDEX}", method="DELETE")


ENGINES = [
    pytest.param("embedded"),
    pytest.param("opensearch", marks=pytest.mark.xdist_group("opensearch")),
]


@pytest.fixture(params=ENGINES)
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the config file's `search` says."""
    if request.param == "embedded":
        return {"url": "embedded", "path": str(request.getfixturevalue("folder"))}
    return {"url": request.getfixturevalue("filled"), "index": INDEX}


@pytest.fixture
async def search(settings: dict[str, Any]) -> AsyncIterator[Search]:
    config = SearchConfig.model_validate(settings)
    search: Search = EmbeddedSearch(config.path) if config.embedded and config.path else HttpSearch(config)
    yield search
    await search.close()
