"""Old news: a first start on a full index, and a restart after three days. One message per room (LIFE 3)."""

from __future__ import annotations

import random
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.model import Build, Line
from bot.search.embedded.writing import add
from tests.endtoend.process import Bot as Process
from tests.in_process import running, said_in
from tests.search.layouts import logsender

pytestmark = pytest.mark.xdist_group("first start")

SIGNATURES = {"2000001": "the frobnicator went away", "2000002": "no valid grue", "2000003": "xyzzy did nothing"}
PROJECTS = ("openstack/nova", "openstack/neutron", "openstack/cinder")
WITHIN = 120.0  # seconds from the start to the catch-up; 10 to 36 were seen, how fast it is bench tells


@dataclass(frozen=True)
class Told:
    """What a catch-up line says."""

    builds: int
    known: int  # per cent
    worst: dict[str, int]
    gap: str = ""


LINE = re.compile(
    r"catching up, last 24 h: (?P<builds>\d+) failed builds, (?P<known>\d+) % known"
    r"(?:, worst (?P<worst>[^;]*))?(?:; nothing was seen (?P<gap>.*))?"
)


def told(line: str) -> Told:
    """A catch-up line, read."""
    found = LINE.fullmatch(line)
    assert found is not None, line
    worst = dict(part.split(" x") for part in (found["worst"] or "").split(", ") if part)
    return Told(
        int(found["builds"]),
        int(found["known"]),
        {cause.removeprefix("#"): int(count) for cause, count in worst.items()},
        found["gap"] or "",
    )


@dataclass(frozen=True)
class Broken:
    """A build of the made-up day, and the signature whose words are in its logs ("": none)."""

    build: Build
    newest: datetime
    cause: str


def broken(number: int, newest: datetime, random_: random.Random) -> Broken:
    change = str(700_000 + number // 2)  # two jobs each
    build = Build(
        uuid=f"{number:032x}",
        job=f"job-{number % 2}",
        result="SUCCESS" if number % 10 == 9 else "FAILURE",
        project=PROJECTS[number // 2 % len(PROJECTS)],
        pipeline="gate",
        branch="master",
        ref=f"refs/changes/1/{change}/1",
        change=change,
        patchset="1",
        buildset=f"set-{number // 2}",
        log_url=f"https://logs.example.org/{number:032x}/job-output.txt",
        tenant="openstack",
    )
    return Broken(build, newest, random_.choices(["", *SIGNATURES], [4, 3, 2, 1])[0])


def documents(day: Sequence[Broken]) -> Iterator[dict[str, Any]]:
    """Two or three lines of each build, the newest at its time."""
    for one in day:
        texts = ["starting", *([SIGNATURES[one.cause]] if one.cause else []), f"ERROR: {one.build.job} failed"]
        for back, text in enumerate(reversed(texts)):
            line = Line(one.newest - timedelta(seconds=back), text, "job-output.txt", one.build.log_url)
            yield logsender(one.build, line)


def expected(day: Sequence[Broken], now: datetime, projects: Sequence[str], events: Sequence[str]) -> Told:
    """The line's numbers, from the builds that were made."""
    failed = [one for one in day if one.build.result != "SUCCESS" and one.newest >= now - timedelta(hours=24)]
    heard = [one for one in failed if one.build.project in projects and ("known" if one.cause else "unknown") in events]
    counts = Counter(one.cause for one in heard if one.cause)
    known = round(100 * sum(counts.values()) / len(heard))
    return Told(len(heard), known, dict(counts.most_common(3)))


def folder_of_signatures(folder: Path) -> Path:
    folder.mkdir()
    for id, words in SIGNATURES.items():
        (folder / f"{id}.yaml").write_text(f"query: 'message:\"{words}\"'\n", encoding="utf-8")
    return folder


def config(tmp_path: Path) -> dict[str, Any]:
    """Two rooms of the console with different filters; the waits and the poll are the defaults."""
    return {
        "search": {"url": "embedded", "path": "index"},
        "builds": {},
        "poll": {},
        "store": "sqlite:///gatewatch.db",
        "networks": {"console": {"type": "console"}},
        "feeds": {
            "nova": {"rooms": ["console:nova"], "projects": ["openstack/nova"]},
            "causes": {"rooms": ["console:causes"], "events": ["known"]},
        },
        "signatures": {"folders": [str(folder_of_signatures(tmp_path / "signatures")), "shipped:signatures"]},
    }


def a_full_day(now: datetime, builds: int) -> list[Broken]:
    """Builds of the last 23 h; of the youngest the last line is some 70 minutes old."""
    random_ = random.Random(1)
    youngest, oldest = timedelta(minutes=70), timedelta(hours=23)
    step = (oldest - youngest) / builds
    return [broken(number, now - oldest + number * step, random_) for number in range(builds)]


def last_look(store: Path) -> str:
    """When the bot last looked at the whole index, as its store has it; "" for never."""
    if not store.exists():
        return ""
    with closing(sqlite3.connect(store)) as there, suppress(sqlite3.OperationalError):  # its table may not be there yet
        return str(there.execute("SELECT max(value) FROM meta WHERE key = 'look.complete'").fetchone()[0] or "")
    return ""


def heard(lines: Iterable[str]) -> list[Told]:
    """What a room was told; AssertionError where that is anything but old news."""
    return [told(line) for line in lines]


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
