"""A real OpenSearch whose answers are cut on the way: no verdict, every count marked, nothing dead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from bot.workbench.asked import read
from bot.workbench.dead import find
from bot.workbench.known import classifier
from bot.workbench.stats import ask, count
from bot.workbench.trial import try_out
from bot.workbench.verdict import found, verdict
from tests.servers.proxy import proxying
from tests.workbench.conftest import INDEX
from tests.workbench.gate import NOW, WINDOW
from tests.workbench.test_stats import GATE, SIGNATURES, TREES

pytestmark = pytest.mark.xdist_group("opensearch")


def out_of_time(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"timed_out": True}


@asynccontextmanager
async def behind(url: str) -> AsyncIterator[HttpSearch]:
    """A search whose every answer ran out of time, with all that it found."""
    async with proxying(url) as proxy:
        search = HttpSearch(SearchConfig.model_validate({"url": proxy.url, "index": INDEX}))
        proxy.edit = out_of_time
        try:
            yield search
        finally:
            await search.close()


async def test_a_query_has_no_verdict_and_shows_what_was_found(filled: str) -> None:
    async with behind(filled) as search:
        trial = await try_out(search, read('message:"alpha fault"'), WINDOW, classifier(search, TREES, WINDOW), 60)
    assert verdict(trial) == "no verdict: the answer is not complete"
    assert found(trial).startswith("at least ") and trial.hits and trial.totals is None
    assert all("ran out of time" in doubt for doubt in trial.doubts[:1])
    assert trial.doubts[-1] == "4 known signatures did not answer"


async def test_every_row_and_rate_is_marked(filled: str) -> None:
    async with behind(filled) as search:
        stats = count(await ask(search, TREES, GATE, WINDOW), SIGNATURES, GATE, NOW)
    assert not stats.complete and not stats.listed
    assert all("ran out of time" in row.unknown for row in stats.rows)
    assert any(row.failed.builds for row in stats.rows)


async def test_nothing_is_dead(filled: str) -> None:
    async with behind(filled) as search:
        judged = await find(search, TREES, NOW, 10)
    assert judged.dead == [] and "a" in judged.alive and set(judged.unsure) == {"d"}
