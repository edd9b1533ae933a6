"""LIFE 1 and 3 on a real OpenSearch: a first start on a full index, killed in the middle, keeps what it had done."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from bot.app import open_search
from bot.config import load
from bot.core import build_core
from bot.poller import BATCH
from bot.store import Store
from tests.endtoend.process import Bot as Process
from tests.full_day import PROJECTS, Told, a_full_day, config, documents, expected, heard
from tests.in_process import said_in
from tests.served import Logs, is_metadata, uuids
from tests.servers.proxy import Passed, Proxy, proxying

pytestmark = pytest.mark.xdist_group("opensearch")

# A long run has 10,000: `make soak`.
BUILDS = int(os.environ.get("GATEWATCH_BACKLOG", "1500"))
WITHIN = 30.0 + BUILDS / 50  # seconds
ROOMS = ("nova", "causes")


class Door:
    """Before the server: metadata of so many batches gets through, then that of the next one is held."""

    def __init__(self, proxy: Proxy, batches: int) -> None:
        self.left = batches
        self.held = False
        self._open = asyncio.Event()
        proxy.before = self._pass

    async def _pass(self, request: web.Request, body: bytes) -> web.StreamResponse | None:
        if is_metadata(request.path.rpartition("/")[2], body):
            self.held = self.left == 0
            self.left -= 1
            if self.held:
                await self._open.wait()
        return None

    def open(self) -> None:
        self.left = -1
        self._open.set()


def stored(store: Path, query: str) -> list[str]:
    with closing(sqlite3.connect(store)) as connection:
        return [str(row[0]) for row in connection.execute(query)]


async def test_a_backlog_is_worked_off_in_batches_and_a_kill_keeps_what_was_done(
    opensearch: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    day = a_full_day(now, BUILDS * 10 // 9)  # each tenth passed
    failed = {one.build.uuid for one in day if one.build.result == "FAILURE"}
    logs, path = Logs(opensearch), tmp_path / "gatewatch.db"
    await logs.send(documents(day), now)
    async with proxying(opensearch) as proxy:
        door = Door(proxy, 1 + BUILDS // BATCH // 2)
        search = {"url": proxy.url, "index": logs.pattern}
        bot = Process(tmp_path, config(tmp_path) | {"search": search, "poll": {"every": "1s"}}, piped=True)

        def told(room: str) -> list[Told]:
            return heard(said_in("\n".join(bot.shown()), room))

        started = time.monotonic()
        with bot.running():
            await bot.until(lambda: door.held, WITHIN)
            print(f"{time.monotonic() - started:.1f} s until the kill")
            bot.kill()
            done = set(stored(path, "SELECT uuid FROM build"))
            assert len(done) == BATCH * (1 + BUILDS // BATCH // 2)
            assert [told(room) for room in ROOMS] == [[], []]
            proxy.passed.clear()
            door.open()
            started = time.monotonic()
            bot.start()
            await bot.until(lambda: all(told(room) for room in ROOMS), WITHIN)
            print(f"{len(failed - done)} builds after a kill: {time.monotonic() - started:.1f} s until rooms were told")
            passed = list(proxy.passed)
            await bot.until(lambda: proxy.actions()[-2:] == ["_search"] * 2, WITHIN)  # quiet looks
            await bot.stop()
        assert_only_the_rest_was_asked(passed, failed - done)
        assert set(stored(path, "SELECT uuid FROM build")) == failed
        hits = [(one.cause, one.build.uuid) for one in day if one.cause and one.build.uuid in failed]
        assert sorted(stored(path, "SELECT signature || build FROM hit")) == sorted(map("".join, hits))
        assert told("nova") == [expected(day, now, PROJECTS[:1], ("known", "unknown"))]
        assert told("causes") == [expected(day, now, PROJECTS, ("known",))]
        assert stored(path, "SELECT stage FROM delivery WHERE stage != 'folded'") == ["said"] * 2
        await assert_a_look_is_cheap(tmp_path / "config.yaml", proxy, len(failed))


def assert_only_the_rest_was_asked(passed: list[Passed], rest: set[str]) -> None:
    """The listing names no build; metadata is asked for once of each, in batches; then the signatures are."""
    metadata = uuids([one for one in passed if is_metadata(one.action, one.body)], "_search")
    assert {len(own) for own in metadata} == {BATCH}
    assert sum(map(len, metadata)) == len(rest) and set().union(*metadata) == rest
    assert set().union(*uuids(passed, "_msearch")) == rest


async def assert_a_look_is_cheap(path: Path, proxy: Proxy, builds: int) -> None:
    """All builds of the look-back are known and settled by now."""
    settings = load(path)
    store = Store.open(settings.store.address(), now=datetime.now(UTC))
    search = open_search(settings)
    core = build_core(settings, search, store)
    for _ in range(2):  # the first reads the fields of the index
        proxy.passed.clear()
        started = time.monotonic()
        ticked = await core.poller.tick(datetime.now(UTC))
        took = time.monotonic() - started
    await search.close()
    await store.close()
    print(f"a look at {builds} settled builds: {took:.2f} s, {proxy.actions()}")
    assert (ticked.listed, ticked.new, ticked.trouble) == (builds, 0, "")
    assert set(proxy.actions()) == {"_search"} and len(proxy.passed) <= 2
