"""Loading a folder of logs into the embedded index: `gatewatch index DIR`, and the example at the first start."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.errors import UserError
from bot.search.embedded.linetimes import first_time, timed
from bot.search.embedded.logfolder import BuildFolder, LogFile, read_builds, read_day
from bot.search.embedded.schema import MICROSECOND, TIME
from bot.search.embedded.writing import Writer

SHIFTS = "shifts.json"  # in the index's folder: per folder of logs, by how many microseconds its times were moved
EVERY = 1000  # lines between two calls of `progress`

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many builds and lines were written, and what was wrong with builds that were not, a line each."""

    builds: int
    lines: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One file of one build that is to be loaded."""

    build: BuildFolder
    file: LogFile
    near: datetime

    def lines(self) -> Iterator[tuple[datetime, str]]:
        """Its lines with their times, not yet moved."""
        start = first_time(self.file.lines(), self.near) or self.near
        return timed(self.file.lines(), self.near, start)


def later(folder: Path) -> list[tuple[timedelta, tuple[str, ...]]]:
    """Which files (`build-folder/file`) are to be loaded how long after the rest, soonest first.

    Raises UserError for a folder that is not there or a faulty day.yaml.
    """
    delays = read_day(folder).later
    return [
        (delay, tuple(sorted(name for name, after in delays.items() if after == delay)))
        for delay in sorted(set(delays.values()))
    ]


def load(
    path: Path, folder: Path, now: datetime, progress: Progress | None = None, part: Collection[str] | None = None
) -> Loaded:
    """Write a folder's builds into the index in the folder `path`, in one commit.

    Without `part` all files but those of `later`; with it only the files that it names, their times moved as the
    rest's were. What the index has of the same build and file is replaced. A build with faults is left out and
    reported in `Loaded.problems`. `progress` is told lines done and lines in all.

    Raises UserError: no such folder, nothing in it, a faulty day.yaml, the index is being written or cannot be.
    """
    day = read_day(folder)
    builds, problems = read_builds(folder)
    chosen = frozenset(part) if part is not None else None
    jobs = [
        Job(build, file, near)
        for build in builds
        for near in [build.near(now)]
        for file in build.files
        if (file.name not in day.later if chosen is None else file.name in chosen)
    ]
    total = sum(1 for job in jobs for _ in job.file.lines())
    with Writer(path) as writer:
        shift = kept_shift(path, folder) if part is not None else new_shift(jobs, day.newest_line_ago, now)
        lines = write(writer, jobs, shift, total, progress or (lambda done, total: None))
    keep_shift(path, folder, shift)
    return Loaded(len({job.build.build.uuid for job in jobs}), lines, tuple(problems))


def write(writer: Writer, jobs: list[Job], shift: timedelta, total: int, progress: Progress) -> int:
    """Replace each job's file in the index; says how many lines that made."""
    lines = 0
    for job in jobs:
        writer.remove(job.build.build.uuid, job.file.path)
        common = job.build.document(job.file)
        for at, message in job.lines():
            writer.add(common | {TIME: at + shift, "message": message}, job.file.path)
            lines += 1
            if lines % EVERY == 0:
                progress(lines, total)
    progress(total, total)
    return lines


def new_shift(jobs: list[Job], ago: timedelta | None, now: datetime) -> timedelta:
    """By how much the newest line has to move to lie `ago` before now; not at all without `ago`."""
    if ago is None:
        return timedelta()
    newest = max((at for job in jobs for at, _ in job.lines()), default=now - ago)
    return now - ago - newest


def is_loaded(path: Path, folder: Path) -> bool:
    """Whether the folder was ever loaded whole into the index in the folder `path`."""
    return str(folder.resolve()) in shifts(path)


def kept_shift(path: Path, folder: Path) -> timedelta:
    """By how much the rest of the folder was moved. Raises UserError if it was not loaded."""
    kept = shifts(path).get(str(folder.resolve()))
    if kept is None:
        raise UserError(f"{folder} is not yet in the index in {path}: run `gatewatch index {folder}` first")
    return timedelta(microseconds=kept)


def keep_shift(path: Path, folder: Path, shift: timedelta) -> None:
    """Remember by how much a folder was moved."""
    kept = shifts(path) | {str(folder.resolve()): shift // MICROSECOND}
    whole = path / f"{SHIFTS}.new"  # beside it: who reads, or is killed while it is written, has the old one
    whole.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    whole.replace(path / SHIFTS)


def shifts(path: Path) -> dict[str, int]:
    """All that is remembered."""
    file = path / SHIFTS
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
