"""The HTTP search on a real OpenSearch, in each of the three layouts."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence

import pytest

from bot.search import Search
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from tests.search.contract import Fill, Logged, SearchContract
from tests.search.layouts import LAYOUTS, documents
from tests.servers import opensearch as server

pytestmark = pytest.mark.xdist_group("opensearch")
NUMBERS = itertools.count()


class TestHttpSearch(SearchContract):
    @pytest.fixture(params=sorted(LAYOUTS))
    def layout(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def index(self, layout: str) -> str:
        return f"contract-{layout}-{next(NUMBERS)}"

    @pytest.fixture
    async def search(self, opensearch: str, layout: str, index: str) -> AsyncIterator[Search]:
        settings = SearchConfig.model_validate({"url": opensearch, "index": f"{index}*", "profile": layout, "chunk": 2})
        adapter = HttpSearch(settings, page=10)
        yield adapter
        await adapter.close()
        server.call(f"{opensearch}/{index}", method="DELETE")

    @pytest.fixture
    async def fill(self, opensearch: str, layout: str, index: str) -> Fill:
        async def put(builds: Sequence[Logged]) -> None:
            server.fill(opensearch, index, documents(layout, builds))

        return put
