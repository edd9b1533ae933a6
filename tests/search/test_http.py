"""The HTTP search on a real engine, in each of the three layouts."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence

import pytest

from bot.search import Search
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from tests.search.contract import DAY, Fill, Logged, SearchContract, build, found, logged
from tests.search.layouts import LAYOUTS, documents
from tests.servers import opensearch as server

pytestmark = [pytest.mark.xdist_group("opensearch"), pytest.mark.engines]
NUMBERS = itertools.count()


class TestHttpSearch(SearchContract):
    @pytest.fixture(params=sorted(LAYOUTS))
    def layout(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def index(self, layout: str) -> str:
        return f"contract-{layout}-{next(NUMBERS)}"

    @pytest.fixture
    async def search(self, engine: str, layout: str, index: str) -> AsyncIterator[Search]:
        settings = SearchConfig.model_validate({"url": engine, "index": f"{index}*", "profile": layout, "chunk": 2})
        adapter = HttpSearch(settings, page=10)
        yield adapter
        await adapter.close()
        server.call(f"{engine}/{index}", method="DELETE")

    @pytest.fixture
    async def fill(self, engine: str, layout: str, index: str) -> Fill:
        async def put(builds: Sequence[Logged]) -> None:
            server.fill(engine, index, documents(layout, builds))

        return put


@pytest.mark.parametrize(
    ("mapping", "votes", "counted"),
    [
        ({"type": "long"}, [1, 2, None, 0], 3),
        ({"type": "keyword"}, ["1", "2", "true", None, "0", "false"], 4),
        ({"type": "boolean"}, [True, None, False], 2),
        ({"type": "text"}, ["1", "0"], 2),  # it has no exact field: all are counted
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else None,
)
async def test_totals_are_of_builds_that_vote_however_that_is_kept(
    engine: str, mapping: dict[str, str], votes: Sequence[object], counted: int
) -> None:
    index = f"voting-{mapping['type']}"
    lines = [next(documents("logsender", [logged(build(number), (1, "a line"))])) for number in range(len(votes))]
    given = [line | {"voting": vote} for line, vote in zip(lines, votes, strict=True)]
    server.fill(engine, index, given, {"mappings": {"properties": {"voting": mapping}}})
    search = HttpSearch(SearchConfig.model_validate({"url": engine, "index": index}))
    try:
        assert sum(one.builds for one in found(await search.totals(DAY))) == counted
    finally:
        await search.close()
        server.call(f"{engine}/{index}", method="DELETE")
