"""A made-up day of failed builds, long over by now, and the catch-up line that a room is told of it."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.model import Build, Line
from tests.search.layouts import logsender

SIGNATURES = {"2000001": "the frobnicator went away", "2000002": "no valid grue", "2000003": "xyzzy did nothing"}
PROJECTS = ("openstack/nova", "openstack/neutron", "openstack/cinder")


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


def heard(lines: Iterable[str]) -> list[Told]:
    """What a room was told; AssertionError where that is anything but old news."""
    return [told(line) for line in lines]
