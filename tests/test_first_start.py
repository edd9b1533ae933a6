"""Old news: a first start on a full index, and a restart after three days. One message per room (LIFE 3)."""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.search.embedded.writing import add
from tests.endtoend.process import Bot as Process
from tests.full_day import PROJECTS, Told, a_full_day, broken, config, documents, expected, heard
from tests.in_process import running, said_in

pytestmark = pytest.mark.xdist_group("first start")

WITHIN = 120.0  # seconds from the start to the catch-up; 10 to 36 were seen, how fast it is bench tells


def last_look(store: Path) -> str:
    """When the bot last looked at the whole index, as its store has it; "" for never."""
    if not store.exists():
        return ""
    with closing(sqlite3.connect(store)) as there, suppress(sqlite3.OperationalError):  # its table may not be there yet
        return str(there.execute("SELECT max(value) FROM meta WHERE key = 'look.complete'").fetchone()[0] or "")
    return ""


async def test_a_first_start_on_ten_thousand_failed_builds_says_one_line_per_room(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    day = a_full_day(now, 11_200)
    assert sum(one.build.result == "FAILURE" for one in day) >= 10_000
    add(tmp_path / "index", documents(day))
    bot, store = Process(tmp_path, config(tmp_path), piped=True), tmp_path / "gatewatch.db"

    def console(room: str) -> list[Told]:
        return heard(said_in("\n".join(bot.shown()), room))

    started = time.monotonic()
    with bot.running():
        await bot.until(lambda: bool(console("nova") and console("causes")), WITHIN)
        print(f"first start: {time.monotonic() - started:.1f} s until both rooms were told")
        await bot.stop()
        before = last_look(store)
    with bot.running():
        await bot.until(lambda: last_look(store) > before)
        await bot.stop()
    assert console("nova") == [expected(day, now, PROJECTS[:1], ("known", "unknown"))]
    assert console("causes") == [expected(day, now, PROJECTS, ("known",))]
    assert " ERROR " not in bot.log()


async def test_a_restart_after_three_days_says_one_line_per_room_and_names_the_gap(tmp_path: Path) -> None:
    left, back = datetime(2026, 11, 20, 9, tzinfo=UTC), datetime(2026, 11, 23, 9, tzinfo=UTC)
    long_ago, meanwhile, lately = (
        [broken(number, moved, random.Random(number)) for number, moved in numbered]
        for numbered in (
            [(n, left - timedelta(minutes=190 + 10 * n)) for n in range(100)],
            [(n, left + timedelta(hours=1, minutes=20 * (n - 200))) for n in range(200, 330)],
            [(n, back - timedelta(minutes=190 + 6 * (n - 400))) for n in range(400, 580)],
        )
    )
    # When the bot is stopped, the first of these waits for its hold and the other for its logs; nobody wants to hear
    # of one of them three days later.
    waiting = [
        replace(broken(number, left - timedelta(minutes=5), random.Random(1)), cause=cause)
        for number, cause in ((600, "2000001"), (602, ""))
    ]
    add(tmp_path / "index", documents([*long_ago, *waiting]))
    settings, store = config(tmp_path) | {"poll": {"every": "1s"}}, tmp_path / "gatewatch.db"
    async with running(tmp_path, settings, at=left) as bot:
        await bot.until(lambda bot=bot: bot.console("nova") and bot.console("causes"))
    add(tmp_path / "index", documents([*meanwhile, *lately]))
    short = {"settle": "1s", "hold": "1s", "hold_at_most": "2s", "wait_for_logs": "3s"}
    for restart, seconds in ((back, 5), (back + timedelta(minutes=1), 1)):
        enough = (restart + timedelta(seconds=seconds)).isoformat()
        async with running(tmp_path, settings | {"builds": short}, at=restart) as bot:
            await bot.until(lambda enough=enough: last_look(store) > enough)
    gap = "20 Nov 09:00 to 22 Nov 09:00 UTC"
    for room, projects, events in (("nova", PROJECTS[:1], ("known", "unknown")), ("causes", PROJECTS, ("known",))):
        assert heard(bot.console(room)) == [
            expected([*long_ago, waiting[0]], left, projects, events),
            replace(expected(lately, back, projects, events), gap=gap),
        ]


async def test_what_waited_when_the_bot_left_for_four_hours_is_old_news_too(tmp_path: Path) -> None:
    left = datetime(2026, 11, 20, 9, tzinfo=UTC)
    back = left + timedelta(hours=4)
    waiting = [
        replace(broken(number, left - timedelta(minutes=5), random.Random(1)), cause=cause)
        for number, cause in ((600, "2000001"), (606, ""), (612, "2000001"))
    ]
    add(tmp_path / "index", documents(waiting))
    settings, store = config(tmp_path) | {"poll": {"every": "1s"}}, tmp_path / "gatewatch.db"
    async with running(tmp_path, settings, at=left) as bot:
        await bot.until(lambda: last_look(store))
    enough = (back + timedelta(seconds=4)).isoformat()
    async with running(tmp_path, settings, at=back) as bot:
        await bot.until(lambda: last_look(store) > enough)
    assert heard(bot.console("nova")) == [expected(waiting, back, PROJECTS[:1], ("known", "unknown"))]
    assert heard(bot.console("causes")) == [expected(waiting, back, PROJECTS, ("known",))]
