"""Indices as they are found: closed ones, empty ones, filtered aliases, fields that differ or do not fit."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.model import Complete, Listed, Ran, Unknown, Where
from bot.search import Question, Search
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from tests.search.contract import (
    CHECK,
    DAY,
    FIRST,
    GATE,
    LONG,
    Logged,
    by_build,
    every,
    exact,
    found,
    hours,
    logged,
    phrase,
    uuids,
)
from tests.search.kept import KEYWORD, RAW, Mappings
from tests.search.layouts import documents
from tests.servers import opensearch as server

pytestmark = [pytest.mark.xdist_group("opensearch"), pytest.mark.engines]

NUMBERS = itertools.count()
Make = Callable[..., HttpSearch]
RESET = "Connection reset by peer"


class Indices:
    """Indices of one test, all named alike."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = f"found-{next(NUMBERS)}"

    def put(self, day: str, builds: Sequence[Logged], mapping: Mappings | None = None, **other: Any) -> str:
        """A new index with these builds' lines; `other`: more that each document has."""
        index = f"{self.name}-{day}"
        given = [line | other for line in documents("logsender", builds)]
        server.fill(self.url, index, given, {"mappings": mapping or {}})
        return index

    def alias(self, name: str, index: str, **more: Any) -> None:
        body = {"actions": [{"add": {"index": index, "alias": name} | more}]}
        server.call(f"{self.url}/_aliases", json.dumps(body).encode(), "POST")

    def close(self, index: str) -> None:
        server.call(f"{self.url}/{index}/_close", b"", "POST")


@pytest.fixture
def indices(engine: str) -> Indices:
    return Indices(engine)


@pytest.fixture
async def make(engine: str, indices: Indices) -> AsyncIterator[Make]:
    made: list[HttpSearch] = []

    def adapter(index: str = "", **options: Any) -> HttpSearch:
        settings = {"url": engine, "index": index or f"{indices.name}-*"}
        made.append(HttpSearch(SearchConfig.model_validate(settings), **options))
        return made[-1]

    yield adapter
    for one in made:
        await one.close()


async def listed(search: Search) -> set[str]:
    return {one.uuid for one in found(await search.builds(DAY, Where()))}


async def hit(search: Search) -> dict[str, int]:
    return by_build(found((await search.hits([Question("1", phrase(search, RESET))], None, DAY))["1"]))


async def test_a_closed_index_is_passed_over(indices: Indices, make: Make) -> None:
    """By the pattern, and where an alias names it, which is an error unless one asks to ignore it."""
    old = indices.put("a", GATE[1:2])
    new = indices.put("b", GATE[:1])
    for index in (old, new):
        indices.alias(f"{indices.name}.all", index)
    indices.close(old)
    for search in (make(), make(f"{indices.name}.all")):
        assert await listed(search) == {FIRST.uuid}
        assert await hit(search) == {FIRST.uuid: 2}
        assert sum(one.builds for one in found(await search.totals(DAY))) == 1


async def test_an_alias_shows_what_its_filter_lets_through(indices: Indices, make: Make) -> None:
    index = indices.put("a", GATE)
    name = f"{indices.name}.check"
    indices.alias(name, index, filter={"term": {"build_queue.keyword": "check"}})
    search = make(name)
    assert await listed(search) == {CHECK.uuid}
    assert await hit(search) == {CHECK.uuid: 1}
    assert found(await search.totals(DAY)) == (Ran("check", "openstack/nova", "tempest-full-py3", "TIMED_OUT", 1),)
    assert [one.uuid for one in found(await search.described(uuids(FIRST, CHECK), DAY))] == [CHECK.uuid]


async def test_a_daily_index_that_is_still_empty(indices: Indices, make: Make) -> None:
    """It has no mapping yet: nothing in it can be aggregated, sorted or filtered, and that is no error."""
    indices.put("a", GATE)
    indices.put("b", [])
    search = make()
    assert found(await search.fields())["build_uuid"].exact == "build_uuid.keyword"
    assert await listed(search) >= set(uuids(FIRST, LONG, CHECK))
    assert (await hit(search)).items() >= {FIRST.uuid: 2, LONG.uuid: 1}.items()
    assert len(found(await search.lines(FIRST.uuid, phrase(search, RESET), 9, DAY))) == 2
    assert len(found(await search.described(uuids(FIRST, LONG), DAY))) == 2
    assert sum(one.builds for one in found(await search.totals(DAY))) == 5


async def test_only_an_empty_index_is_unknown(indices: Indices, make: Make) -> None:
    indices.put("a", [])
    answer = await make().builds(DAY, Where())
    assert isinstance(answer, Unknown)
    assert answer.why.startswith("the index has no field build_uuid for uuid")


async def test_no_index_is_unknown(make: Make) -> None:
    answer = await make().builds(DAY, Where())
    assert isinstance(answer, Unknown)
    assert answer.why.startswith("no index matches found-")


async def test_without_voting_all_builds_count(indices: Indices, make: Make) -> None:
    for line in documents("logsender", GATE):
        line.pop("voting")
        server.fill(indices.url, f"{indices.name}-a", [line])
    search = make()
    assert "voting" not in found(await search.fields())
    assert sum(one.builds for one in found(await search.totals(DAY))) == 6
    (build,) = found(await search.described([FIRST.uuid], DAY))
    assert build.voting


async def test_values_as_lists(indices: Indices, make: Make) -> None:
    """A list of one is its value; of several the first, and each is found."""
    indices.put("a", GATE[:1], build_uuid=[FIRST.uuid], build_queue=["gate", "post"], build_status=["FAILURE"])
    search = make()
    for pipeline in ("gate", "post"):
        where = Where(pipelines=(pipeline,), results=("FAILURE",))
        assert found(await search.builds(DAY, where)) == [Listed(FIRST.uuid, 4, hours(1))]
    assert await hit(search) == {FIRST.uuid: 2}
    assert [one.pipeline for one in found(await search.described([FIRST.uuid], DAY))] == ["gate"]


async def test_what_is_too_long_for_the_keyword_is_not_counted_by(indices: Indices, make: Make) -> None:
    """Dynamic mapping leaves what is over 256 characters out of `.keyword`: the build is there all the same."""
    long = replace(FIRST, job="j" * 300)
    indices.put("a", [replace(GATE[0], build=long), *GATE[2:3]])
    search = make()
    assert await listed(search) == set(uuids(FIRST, CHECK))
    assert await hit(search) == {FIRST.uuid: 2, CHECK.uuid: 1}
    assert [one.job for one in found(await search.described([FIRST.uuid], DAY))] == [long.job]
    assert {(one.job, one.builds) for one in found(await search.totals(DAY))} == {("", 1), (CHECK.job, 1)}


@pytest.mark.parametrize("other", [KEYWORD, RAW], ids=["keyword", "raw"])
async def test_indices_that_keep_strings_differently_are_unknown(other: Mappings, indices: Indices, make: Make) -> None:
    """No one path finds the builds of both; by one index's path those of the other would be missed silently."""
    indices.put("a", GATE[:1], other)
    indices.put("b", GATE[1:2])
    search = make()
    assert found(await search.fields())["build_uuid"].exact is None
    for answer in (
        await search.builds(DAY, Where()),
        (await search.hits([Question("1", phrase(search, RESET))], uuids(FIRST, LONG), DAY))["1"],
        await search.totals(DAY),
        await search.described(uuids(FIRST), DAY),
    ):
        assert isinstance(answer, Unknown)
        assert answer.why == (
            "the field build_uuid is analysed text, in some index without a keyword: it cannot be counted by; "
            "let search.index match indices of one mapping"
        )
    assert await listed(make(f"{indices.name}-*,-{indices.name}-a")) == {LONG.uuid}


async def test_a_field_that_some_indices_lack_is_exact_all_the_same(indices: Indices, make: Make) -> None:
    """`build_newrev` came later: where it is not mapped there is nothing to miss."""
    for name, more in (("a", {}), ("b", {"build_newer": "yes"})):
        indices.put(name, GATE[:1], **more)
    search = make()
    fields = found(await search.fields())
    assert fields["build_newer"].exact == "build_newer.keyword"
    newer = Question("1", every(phrase(search, RESET), exact("build_newer.keyword", "yes")))
    assert by_build(found((await search.hits([newer], uuids(FIRST), DAY))["1"])) == {FIRST.uuid: 2}


async def test_a_number_that_was_a_keyword_once(indices: Indices, make: Make) -> None:
    """The change, found in both kinds of index."""
    indices.put("a", GATE[:1], {"properties": {"build_change": {"type": "keyword"}}})
    indices.put("b", GATE[6:7])
    search = make()
    for change, expected in (("912001", {FIRST.uuid, GATE[6].build.uuid}), ("912002", set())):
        assert {one.uuid for one in found(await search.builds(DAY, Where(change=change)))} == expected


async def test_nanoseconds_keep_their_order(indices: Indices, make: Make) -> None:
    """Lines of one index with `date` and one with `date_nanos`, oldest first; the times are those of the documents."""
    indices.put("a", [logged(FIRST, (3, f"first {RESET}"), (1, f"last {RESET}"))])
    nanos = {"properties": {"@timestamp": {"type": "date_nanos"}}}
    indices.put("b", [logged(FIRST, (2, f"middle {RESET}"))], nanos)
    line = next(documents("logsender", [logged(FIRST, (2, f"a moment later {RESET}"))]))
    server.fill(indices.url, f"{indices.name}-b", [line | {"@timestamp": "2026-08-17T10:00:00.002500900"}])
    search = make()
    lines = found(await search.lines(FIRST.uuid, phrase(search, RESET), 9, DAY))
    assert [line.message.split()[0] for line in lines] == ["first", "middle", "a", "last"]
    assert lines[2].at == hours(2).replace(microsecond=2500)
    (build,) = found(await search.builds(DAY, Where()))
    assert build == Listed(FIRST.uuid, 4, hours(1))
    answer = (await search.hits([Question("1", phrase(search, "moment"))], uuids(FIRST), DAY))["1"]
    assert isinstance(answer, Complete)
    (only,) = answer.found
    assert abs((only.first - lines[2].at).total_seconds()) < 0.002
    assert only.sample is not None
    assert only.sample.at == lines[2].at
