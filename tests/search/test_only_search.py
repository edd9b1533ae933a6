"""Of a cluster only `_search` is needed, and nothing but reading is ever asked of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from bot.model import Complete, Unknown, Where
from bot.search import Question
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from tests.cli.process import gatewatch
from tests.in_process import running
from tests.search.contract import CHECK, DAY, FIRST, LONG, found, phrase, uuids
from tests.servers import opensearch as server
from tests.servers.proxy import Before, Proxy
from tests.test_outages import WORDS, config, looks
from tests.test_outages import documents as failed

pytestmark = [pytest.mark.xdist_group("opensearch"), pytest.mark.engines]

NUMBERS = itertools.count()
MSEARCH = "the cluster refuses _msearch: searches go one by one, which takes more requests"
CAPS = "the cluster refuses _field_caps: the index's fields are read another way"
MAPPING = "the cluster refuses _mapping: the fields of the layout logsender are assumed"
# What may be asked of the index: method and the end of the path.
READING = {
    ("POST", "_search"),
    ("POST", "_msearch"),
    ("GET", "_field_caps"),
    ("GET", "_mapping"),
}


def forbidden(*actions: str) -> Before:
    """403 for these; "" is the root."""

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        closed = request.path.rpartition("/")[2] in actions or ("_validate" in actions and "_validate" in request.path)
        return web.json_response({"error": "no permissions", "status": 403}, status=403) if closed else None

    return before


async def everything(search: HttpSearch) -> dict[str, Any]:
    """All that the contract has, sorted where the order says nothing."""
    questions = [Question(text, phrase(search, text)) for text in ("Connection reset by peer", "Running: stack.sh")]
    hits = await search.hits(questions, uuids(FIRST, LONG, CHECK), DAY)
    described = found(await search.described(uuids(FIRST, LONG, CHECK), DAY))
    return {
        "builds": sorted(found(await search.builds(DAY, Where())), key=lambda one: one.uuid),
        "of a change": found(await search.builds(DAY, Where(change=FIRST.change, uuids=(FIRST.uuid,)))),
        "described": sorted(described, key=lambda one: one.uuid),
        "hits": {id_: sorted(found(answer), key=lambda one: one.build) for id_, answer in hits.items()},
        "lines": found(await search.lines(FIRST.uuid, phrase(search, "Connection reset by peer"), 9, DAY)),
        "totals": sorted(found(await search.totals(DAY)), key=repr),
    }


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (["_msearch"], [MSEARCH]),
        (["_field_caps"], [CAPS]),
        (["_mapping"], []),
        (["_validate"], []),
        ([""], []),
        (["_msearch", "_field_caps", "_mapping", "_validate", ""], [MAPPING, CAPS, MSEARCH]),
    ],
    ids=["msearch", "field_caps", "mapping", "validate", "root", "all"],
)
async def test_only_search_is_needed(
    engine: str, gate: str, proxy: Proxy, actions: Collection[str], said: list[str]
) -> None:
    """The same is found, and what the search goes without is said once; it is not asked for again."""
    settings = {"url": engine, "index": gate}
    direct, notices = HttpSearch(SearchConfig.model_validate(settings)), list[str]()
    proxy.before = forbidden(*actions)
    kept = HttpSearch(
        SearchConfig.model_validate(settings | {"url": proxy.url}), fields_for=DAY.reach * 0, notice=notices.append
    )
    try:
        expected = await everything(direct)
        assert len(expected["builds"]) == 5
        for _ in range(2):
            assert await everything(kept) == expected
    finally:
        await direct.close()
        await kept.close()
    assert notices == said
    assert asked_of(proxy) <= reading(gate)
    assert [proxy.actions().count(action) for action in actions if action in ("_msearch", "_field_caps")] == [
        1 for action in actions if action in ("_msearch", "_field_caps")
    ]


async def test_a_field_that_the_settings_name_is_looked_for_where_fields_are_assumed(gate: str, proxy: Proxy) -> None:
    proxy.before = forbidden("_field_caps", "_mapping")
    for name, there in (("build_name", True), ("nosuch", False)):
        search = HttpSearch(
            SearchConfig.model_validate({"url": proxy.url, "index": gate, "fields": {"job": name}}),
            notice=lambda _: None,
        )
        answer = await search.builds(DAY, Where())
        await search.close()
        assert isinstance(answer, Complete) is there, answer
    assert answer == Unknown(f"the fields of {gate} cannot be read, and nothing has nosuch: allow _field_caps", [])


def asked_of(proxy: Proxy) -> set[tuple[str, str]]:
    return {(one.method, one.path) for one in proxy.passed}


def reading(index: str) -> set[tuple[str, str]]:
    return {(method, f"/{index}/{action}") for method, action in READING}


def settings(folder: Path, proxy: Proxy, index: str) -> dict[str, Any]:
    return config(folder, "console:ops", ["console:gate"], search={"url": proxy.url, "index": index})


async def test_the_operators_hear_once_what_it_goes_without(engine: str, proxy: Proxy, tmp_path: Path) -> None:
    index = f"only-bot-{next(NUMBERS)}"
    await asyncio.to_thread(server.fill, engine, index, failed(1))
    proxy.before = forbidden("_msearch")
    async with running(tmp_path, settings(tmp_path, proxy, index)) as bot:
        await bot.until(lambda: bot.console("gate") and bot.console("ops"))
        await asyncio.to_thread(server.fill, engine, index, failed(2))
        await bot.until(lambda: len(bot.console("gate")) == 2)
        await looks(bot, 1)
        assert bot.console("ops") == [f"search: {MSEARCH}"]


async def test_nothing_is_ever_written(engine: str, proxy: Proxy, tmp_path: Path) -> None:
    """A running bot, and the verbs of the command line that ask the index, through a proxy that notes what is asked."""
    index = f"only-read-{next(NUMBERS)}"
    await asyncio.to_thread(server.fill, engine, index, [*failed(1), *failed(2, "an unknown error")])
    before = await asyncio.to_thread(contents, engine, index)
    given = settings(tmp_path, proxy, index)
    async with running(tmp_path, given) as bot:
        await bot.until(lambda: len(bot.console("gate")) == 2)
        await looks(bot, 2)
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.yaml").write_text(yaml.safe_dump(given | {"store": f"sqlite:///{home}/a.db"}), encoding="utf-8")
    for verb in (
        ["once", "--dry-run"],
        ["query", f'message:"{WORDS}"'],
        ["signatures", "check", "--live"],
        ["signatures", "stats"],
        ["signatures", "dead"],  # says that the index does not reach back far enough
    ):
        count = len(proxy.passed)
        done = await asyncio.to_thread(gatewatch, home, *verb, "-c", "config.yaml")
        assert done.code == (1 if "dead" in verb else 0), (verb, done)
        assert len(proxy.passed) > count, verb
    asked = asked_of(proxy)
    assert {("POST", f"/{index}/_search"), ("POST", f"/{index}/_msearch"), ("GET", f"/{index}/_field_caps")} <= asked
    assert asked <= reading(index)
    assert await asyncio.to_thread(contents, engine, index) == before


def contents(url: str, index: str) -> tuple[int, int]:
    """How much was ever indexed there and deleted."""
    server.call(f"{url}/{index}/_refresh", b"", "POST")
    indexing = server.call(f"{url}/{index}/_stats/indexing")["_all"]["primaries"]["indexing"]
    return indexing["index_total"], indexing["delete_total"]
