"""A large gate: more builds in the window than one page holds, and half a year of daily indices."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Complete, Listed, Unknown, Where
from bot.search import Question
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from tests.search.contract import DAY, FAILED, NOW, Logged, build, by_build, found, hours, logged, phrase
from tests.search.layouts import documents
from tests.servers import opensearch as server
from tests.servers.proxy import Proxy, proxying

pytestmark = [pytest.mark.xdist_group("opensearch"), pytest.mark.engines]

BUILDS = 10_500
RARE = 700  # one build in so many has the rare line
DAYS = 150  # more than the 128 shards from which on a server asks first which of them can match
RESET = "Connection reset by peer"
TEXT = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}


class Keeping(Proxy):
    """A proxy that keeps what the server says of its shards."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.shards: list[Mapping[str, int]] = []
        self.edit = self.keep

    def keep(self, answer: dict[str, Any]) -> dict[str, Any]:
        self.shards.append(answer["_shards"])
        return answer


@pytest.fixture
async def proxy(engine: str) -> AsyncIterator[Keeping]:
    async with proxying(engine, kind=Keeping) as one:
        yield one


def search_of(proxy: Proxy, index: str) -> HttpSearch:
    return HttpSearch(SearchConfig.model_validate({"url": proxy.url, "index": index}))


def one_of_many(number: int) -> Logged:
    text = f"an {'odd' if number % RARE == 0 else 'even'} line"
    return logged(build(number, job=f"job-{number % 7}"), (1 + number / 1000, text))


@pytest.fixture(scope="module")
def many(engine: str) -> Iterator[str]:
    server.fill(engine, "large-many", documents("logsender", [one_of_many(number) for number in range(BUILDS)]))
    yield "large-many"
    server.call(f"{engine}/large-many", method="DELETE")


async def test_more_builds_than_one_page_holds(many: str, proxy: Keeping) -> None:
    """Each is listed once, with its own newest line, in two pages; and they can be described and classified."""
    search = search_of(proxy, many)
    try:
        listed = found(await search.builds(DAY, Where(pipelines=("gate",), results=FAILED)))
        assert sorted(listed, key=lambda one: one.uuid) == [
            Listed(build(number).uuid, 1, millis(1 + number / 1000)) for number in range(BUILDS)
        ]
        assert proxy.actions() == ["_field_caps", "_search", "_search"]
        totals = found(await search.totals(DAY))
        assert {one.job: one.builds for one in totals} == {f"job-{number}": BUILDS // 7 for number in range(7)}
        uuids = [one.uuid for one in listed]
        described = found(await search.described(uuids, DAY))
        assert {one.uuid for one in described} == set(uuids)
        odd = Question("odd", phrase(search, "odd line"))
        rare = {build(number).uuid: 1 for number in range(0, BUILDS, RARE)}
        for asked in (uuids, None):
            assert by_build(found((await search.hits([odd], asked, DAY))["odd"])) == rare
    finally:
        await search.close()


async def test_a_query_that_more_builds_have_than_one_answer_holds(many: str, proxy: Keeping) -> None:
    """Asked of the whole window it is Unknown, and keeps the 10,000 that came; asked of all by name it is whole."""
    search = search_of(proxy, many)
    every = Question("every", phrase(search, "line"))
    try:
        answer = (await search.hits([every], None, DAY))["every"]
        assert isinstance(answer, Unknown)
        assert answer.why.startswith("more than 10000 builds have it")
        assert len(answer.found) == 10_000
        uuids = [build(number).uuid for number in range(BUILDS)]
        assert len(found((await search.hits([every], uuids, DAY))["every"])) == BUILDS
    finally:
        await search.close()


def millis(before: float) -> Any:
    """As the server keeps a time: to the millisecond."""
    at = hours(before)
    return at - timedelta(microseconds=at.microsecond % 1000)


@pytest.fixture(scope="module")
def half_a_year(engine: str) -> Iterator[str]:
    """A failed build a day, each in the index of its day."""
    template = {
        "index_patterns": ["large-daily-*"],
        "priority": 1,
        "template": {
            "mappings": {
                "properties": {"@timestamp": {"type": "date"}},
                "dynamic_templates": [{"text": {"match_mapping_type": "string", "mapping": TEXT}}],
            }
        },
    }
    server.call(f"{engine}/_index_template/large-daily", json.dumps(template).encode(), "PUT")
    names, lines = [], []
    for day in range(DAYS):
        names.append(f"large-daily-{NOW - timedelta(days=day):%Y.%m.%d}")
        for document in documents("logsender", [logged(build(day), (1 + 24 * day, RESET))]):
            lines += [json.dumps({"index": {"_index": names[-1]}}).encode(), json.dumps(document).encode()]
    server.send(engine, names[0], lines)
    server.call(f"{engine}/large-daily-*/_refresh", b"", "POST")
    yield "large-daily-*"
    for start in range(0, DAYS, 50):
        server.call(f"{engine}/{','.join(names[start : start + 50])}", method="DELETE")
    server.call(f"{engine}/_index_template/large-daily", method="DELETE")


async def test_skipped_shards_of_150_daily_indices_are_healthy(half_a_year: str, proxy: Keeping) -> None:
    search = search_of(proxy, half_a_year)
    newest = build(0)
    try:
        assert found(await search.builds(DAY, Where(results=FAILED))) == [Listed(newest.uuid, 1, hours(1))]
        answers = await search.hits([Question("1", phrase(search, RESET))], None, DAY)
        assert by_build(found(answers["1"])) == {newest.uuid: 1}
        assert len(found(await search.lines(newest.uuid, phrase(search, RESET), 9, DAY))) == 1
        assert isinstance(await search.totals(DAY), Complete)
    finally:
        await search.close()
    assert {one["total"] for one in proxy.shards} == {DAYS}
    assert min(one["skipped"] for one in proxy.shards) > DAYS - 5
