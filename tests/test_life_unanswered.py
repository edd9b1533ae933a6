"""Searches that a real OpenSearch answers by halves, signature by signature: a proxy edits its answers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from bot import poller
from bot.records import State
from bot.search.http import HttpSearch
from bot.search.retry import Retry
from bot.watch import Watch
from tests.fakes import BANG, DAY, HOUR, MINUTE, START, Gate, Noted
from tests.served import Logs, Watched, uuids
from tests.servers.proxy import Proxy, proxying, untouched

pytestmark = pytest.mark.xdist_group("opensearch")

FAILED = {"failures": [{"shard": 0, "reason": {"type": "circuit_breaking_exception", "reason": "Data too large"}}]}
WHY = "1 of 2 shards failed: circuit_breaking_exception: Data too large"


class Halved:
    """Of the questions with these words in them a shard fails, and what it had is not in the answer."""

    def __init__(self, proxy: Proxy) -> None:
        self.words: set[str] = set()
        self._asked: deque[str] = deque()
        proxy.before, proxy.edit = self._note, self._edit

    async def _note(self, request: web.Request, body: bytes) -> None:
        """One request is in flight at a time, so answers come in the order of the questions."""
        if request.path.endswith("_msearch"):
            self._asked.extend(body.decode().splitlines()[1::2])

    def _edit(self, answer: dict[str, Any]) -> dict[str, Any]:
        question = self._asked.popleft() if self._asked else ""
        if not any(word in question for word in self.words):
            return answer
        shards = {"total": 2, "successful": 1, "skipped": 0, "failed": 1, **FAILED}
        return {**answer, "_shards": shards, "aggregations": {"builds": {"buckets": []}}}


class Operated(Watched):
    """And what the operators are told."""

    def start(self) -> None:
        self.halved = Halved(self.proxy)
        self.troubles = Noted(self.gate)
        self._watch()

    def restart(self, search: HttpSearch) -> None:
        self.gate.search = search
        self.gate.start()
        self._watch()

    def _watch(self) -> None:
        gate = self.gate
        self.watch = Watch(gate.poller, gate.source, gate.store, self.troubles, lambda: gate.now)

    async def looks(self, times: int) -> None:
        for _ in range(times):
            await self.watch.look()
            await self.gate.speak()
            self.gate.now += MINUTE

    async def states(self) -> list[State]:
        failures = await self.gate.store.read(lambda tx: tx.failures_since(START - DAY))
        return [one.state for one in failures]

    async def unasked(self) -> set[str]:
        """Builds that the signatures have not answered for."""
        failures = await self.gate.store.read(lambda tx: tx.failures_since(START - DAY))
        answered = {one.build.uuid for one in failures if one.asked >= 0 and not one.unsearched}
        return {f"{number:032x}" for number in range(15)} - answered


def words(line: str) -> str:
    """What a line says of its one job, without the link."""
    return line.partition(" failed: tempest: ")[2].partition(" | ")[0]


@pytest.fixture
async def operated(opensearch: str, gates: Callable[..., Gate]) -> AsyncIterator[Operated]:
    logs = Logs(opensearch)
    async with proxying(opensearch) as proxy:
        search = logs.search(proxy.url)
        found = Operated(gates(search=search), logs, proxy)
        found.start()
        yield found
        await search.close()


async def test_one_signature_that_is_answered_by_halves(operated: Operated) -> None:
    """Its builds are asked again, the other's hits are kept, and nobody hears "unknown" of what it may explain."""
    operated.halved.words = {"bang"}
    await operated.fails(1, "bang")
    await operated.fails(2, "boom", "bang")
    await operated.looks(3)
    assert await operated.states() == [State.PENDING, State.KNOWN]
    assert operated.troubles.lines == []
    await operated.looks(9)
    assert operated.troubles.lines == [f"trouble: search: signature #{BANG.id} did not answer 3 times in a row: {WHY}"]
    assert [line for line in operated.gate.irc.told if "unknown" in line] == []
    operated.halved.words = set()
    await operated.looks(5)
    assert await operated.states() == [State.KNOWN, State.KNOWN]
    assert operated.troubles.lines[1:] == ["over: search works again after 12 min"]
    booms, *later = [words(line) for line in operated.gate.matrix.told]
    assert booms == "#1001 It booms (x1/24h, recheck ok)"
    assert set(later) == {f"{booms} #1002 It bangs (x2/24h)", "#1002 It bangs (x2/24h)"} and len(later) == 2


async def test_signatures_that_are_answered_by_halves_in_turns(operated: Operated) -> None:
    for number in range(12):
        operated.halved.words = {("boom", "bang")[number % 2]}
        await operated.fails(number, ("boom", "bang", "Error: odd")[number % 3])
        await operated.looks(1)
    operated.halved.words = set()
    await operated.looks(6)
    assert sorted(one.value for one in await operated.states()) == ["known"] * 8 + ["unknown"] * 4
    assert operated.troubles.lines == []
    assert len(operated.gate.irc.told) == 12 and not any(line.startswith("now: ") for line in operated.gate.irc.told)


async def test_no_signature_is_answered_whole(operated: Operated) -> None:
    operated.halved.words = {"boom", "bang"}
    await operated.fails(1, "bang")
    await operated.looks(25)
    assert await operated.states() == [State.PENDING]
    assert operated.gate.irc.told == []
    assert operated.troubles.lines == [f"trouble: search: {WHY}"]
    operated.halved.words = set()
    await operated.looks(8)
    assert [words(line) for line in operated.gate.irc.told] == ["#1002 It bangs (x1/24h)"]
    assert operated.troubles.lines[1:] == ["over: search works again after 31 min"]


@pytest.mark.parametrize("action", ["_msearch", "_search"])
async def test_a_search_that_hangs_costs_a_long_look_its_own_builds_only(
    operated: Operated, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """Of three batches the signatures of the second never answer, or its metadata does not come."""
    monkeypatch.setattr(poller, "BATCH", 5)
    hung = [await operated.fails(number, "boom", ended=(15 - number) * HOUR) for number in range(15)][5:10]

    async def hangs(request: web.Request, body: bytes) -> web.StreamResponse | None:
        if request.path.endswith(f"/{action}") and hung[0].encode() in body:
            await asyncio.sleep(60)
        return None

    operated.proxy.before = hangs
    search = operated.logs.search(operated.proxy.url, settings={"timeout": "1s"}, retry=Retry(tries=1))
    operated.restart(search)
    await operated.looks(1)
    assert await operated.unasked() == set(hung)
    assert len(operated.troubles.lines) == 1 and "did not answer within 1 s" in operated.troubles.lines[0]
    operated.proxy.before = untouched
    operated.proxy.passed.clear()
    await operated.looks(1)
    assert set().union(*uuids(operated.proxy.passed, "_msearch")) == set(hung)
    assert await operated.states() == [State.KNOWN] * 15
    await search.close()
