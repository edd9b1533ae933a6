"""The HTTP search on a real engine, in each way to keep the documents."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence

import pytest

from bot.search import Search
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from tests.search.contract import DAY, Fill, Logged, SearchContract, build, found, logged
from tests.search.kept import WAYS, Kept, has_data_streams, version
from tests.search.layouts import LAYOUTS, documents
from tests.servers import opensearch as server

pytestmark = [pytest.mark.xdist_group("opensearch"), pytest.mark.engines]
NUMBERS = itertools.count()


class OnAnEngine:
    """The fixtures of the contract, for documents kept in one of `ways`."""

    @pytest.fixture
    def kept(self, way: str, engine: str) -> Kept:
        found = WAYS[way]
        if found.stream and not has_data_streams(engine):
            pytest.skip(f"{version(engine)}, as it is built here, has no data streams")
        return found

    @pytest.fixture
    def index(self) -> str:
        return f"contract-{next(NUMBERS)}"

    @pytest.fixture
    async def search(self, engine: str, kept: Kept, index: str) -> AsyncIterator[Search]:
        settings = {"url": engine, "index": kept.asked.format(index=index), "profile": kept.layout, "chunk": 2}
        adapter = HttpSearch(SearchConfig.model_validate(settings), page=10)
        yield adapter
        await adapter.close()
        kept.drop(engine, index)

    @pytest.fixture
    async def fill(self, engine: str, kept: Kept, index: str) -> Fill:
        async def put(builds: Sequence[Logged]) -> None:
            kept.put(engine, index, builds)

        return put


class TestHttpSearch(OnAnEngine, SearchContract):
    @pytest.fixture(params=LAYOUTS)
    def way(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)


class TestOtherWaysToKeepDocuments(OnAnEngine):
    """What of the contract depends on them."""

    @pytest.fixture(params=sorted(WAYS.keys() - LAYOUTS.keys()))
    def way(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    test_lists = SearchContract.test_lists_builds_with_their_lines_and_newest
    test_lists_by_each_condition = SearchContract.test_lists_by_each_condition
    test_describes = SearchContract.test_describes_builds
    test_finds_hits = SearchContract.test_finds_hits_with_counts_times_and_the_first_line
    test_finds_hits_of_the_window = SearchContract.test_finds_hits_in_all_builds_of_the_window
    test_a_metadata_clause_is_exact = SearchContract.test_a_metadata_clause_is_exact
    test_gives_lines = SearchContract.test_gives_lines_of_one_build_oldest_first
    test_counts = SearchContract.test_counts_voting_builds_of_every_result
    test_names_its_fields = SearchContract.test_names_its_fields


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
