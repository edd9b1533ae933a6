"""What a look costs a real OpenSearch: the requests are counted, and their bodies read, by a proxy before it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

import pytest

from tests.fakes import HOUR, Gate
from tests.served import Logs, Watched, uuids
from tests.servers.proxy import proxying

pytestmark = pytest.mark.xdist_group("opensearch")


@pytest.fixture
async def watched(opensearch: str, gates: Callable[..., Gate]) -> AsyncIterator[Watched]:
    logs = Logs(opensearch)
    async with proxying(opensearch) as proxy:
        search = logs.search(proxy.url, clock=lambda: found.seconds)
        found = Watched(gates(search=search), logs, proxy)
        yield found
        await search.close()


async def test_a_quiet_look_is_one_request_and_now_and_then_one_for_the_fields(watched: Watched) -> None:
    await watched.fails(1, "boom", ended=2 * HOUR)
    await watched.fails(2, "Error: odd", ended=2 * HOUR)
    await watched.fails(3, "boom")
    for _ in range(5):
        await watched.look()
    assert await watched.look() == ["_search"]
    assert uuids(watched.proxy.passed, "_search") == [set()]  # the listing
    watched.seconds += 601
    assert await watched.look() == ["_field_caps", "_search"]
    assert await watched.look() == ["_search"]
    assert watched.gate.ticks[-1].listed == 3


async def test_a_look_asks_about_new_and_grown_builds_only(watched: Watched) -> None:
    settled, grown, growing, waiting = [
        await watched.fails(1, "boom", ended=2 * HOUR),
        await watched.fails(2, "Error: odd", ended=2 * HOUR),
        await watched.fails(3, "boom"),
        await watched.fails(4, "Error: odd"),
    ]
    await watched.look()
    await watched.grows(2, "more")
    await watched.grows(3, "more")
    new = await watched.fails(5, "bang")
    assert "_msearch" in await watched.look()
    assert uuids(watched.proxy.passed, "_msearch") == [{grown, growing, new}]
    assert uuids(watched.proxy.passed, "_search") == [set(), {new}]  # the listing, and metadata
    bodies = b"".join(one.body for one in watched.proxy.passed).decode()
    assert settled not in bodies and waiting not in bodies


async def test_a_telling_line_is_asked_for_once_of_what_turns_out_unknown(watched: Watched) -> None:
    known, unknown = [
        await watched.fails(1, "boom", ended=2 * HOUR),
        await watched.fails(2, "Error: odd", ended=2 * HOUR),
    ]
    await watched.look()
    assert uuids(watched.proxy.passed, "_search") == [set(), {known, unknown}, {unknown}]
    assert await watched.look() == ["_search"]


async def test_a_listing_and_its_questions_go_to_the_same_copies_of_a_shard(watched: Watched) -> None:
    """Another copy may not have refreshed yet, and the build's count would stand still for ever after."""
    await watched.fails(1, "Error: odd", ended=2 * HOUR)
    await watched.look()
    asked = [one for one in watched.proxy.passed if one.action in ("_search", "_msearch")]
    headers = [json.loads(line) for one in asked if one.action == "_msearch" for line in one.body.splitlines()[::2]]
    copies = [one.query["preference"] for one in asked if one.action == "_search"]
    copies += [one["preference"] for one in headers]
    assert len(copies) == 3 + len(watched.gate.signatures) and len(set(copies)) == 1
