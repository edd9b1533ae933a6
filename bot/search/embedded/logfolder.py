"""The folder that `gatewatch index DIR` loads: docs/log-folders.md says what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from bot import shape
from bot.errors import UserError
from bot.search.embedded.linetimes import first_time
from bot.section import Duration, Section
from bot.wording import strange_word

BUILD = "build.yaml"
DAY = "day.yaml"
CONSOLE = "job-output.txt"
CONSOLE_TAGS = ["console", "console.html"]  # what OpenDev's logsender config gives to job-output.txt


def number_as_text(value: object) -> object:
    """`change: 912345` needs no quotes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(number_as_text)]


class BuildFile(Section):
    """A build's metadata, in our words (bot.model.Build)."""

    uuid: Annotated[str, Field(min_length=1)]
    job: Annotated[str, Field(min_length=1)]
    result: Annotated[str, Field(min_length=1)]
    project: str = ""
    pipeline: str = ""
    branch: Text = ""
    ref: str = ""
    change: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    patchset: Text = ""
    buildset: str = ""
    voting: bool = True
    log_url: str = ""
    tenant: str = ""


class Day(Section):
    """What goes for the whole folder: how its times are moved, and what comes later."""

    newest_line_ago: Duration | None = None
    later: Mapping[str, Duration] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log file of a build; `path` is relative to the build's folder, `name` to the whole folder."""

    file: Path
    path: str
    name: str

    def lines(self) -> Iterator[str]:
        """Its lines without their ends; what is not UTF-8 becomes U+FFFD."""
        with self.file.open("rb") as opened:
            for line in opened:
                yield line.decode("utf-8", "replace").rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class BuildFolder:
    """One build with its log files, job-output.txt first."""

    build: BuildFile
    files: tuple[LogFile, ...]

    def near(self, now: datetime) -> datetime:
        """The first full date in its logs: what gives syslog lines their year."""
        return next(filter(None, (first_time(file.lines(), None) for file in self.files)), now)

    def document(self, file: LogFile) -> dict[str, Any]:
        """What all lines of a file have in common, in today's layout."""
        build = self.build
        texts = {
            "build_uuid": build.uuid,
            "build_name": build.job,
            "build_status": build.result,
            "project": build.project,
            "build_queue": build.pipeline,
            "build_branch": build.branch,
            "build_ref": build.ref,
            "build_patchset": build.patchset,
            "build_set": build.buildset,
            "tenant": build.tenant,
            "log_url": f"{build.log_url.rstrip('/')}/{file.path}" if build.log_url else "",
            "filename": file.file.name,
        }
        change = {} if build.change is None else {"build_change": build.change}
        return (
            {name: text for name, text in texts.items() if text}
            | change
            | {"voting": int(build.voting), "tags": tags_of(file.file.name)}
        )


def tags_of(name: str) -> list[str]:
    """What logsender's config calls a file of this base name."""
    return [*(CONSOLE_TAGS if name == CONSOLE else ()), name]


def read_day(folder: Path) -> Day:
    """The folder's day.yaml; it may be missing. Raises UserError with all its faults."""
    path = folder / DAY
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; `gatewatch index DIR` takes a folder with one folder per build")
    if not path.exists():
        return Day()
    return shape.load(
        path,
        Day,
        checks=lambda day, marked: [
            marked.fault(("later", name), unknown_file(folder, name), about_key=True)
            for name in day.later
            if not (folder / name).is_file()
        ],
    )


def unknown_file(folder: Path, name: str) -> str:
    """What to say of a file that is not there, with the one that was perhaps meant."""
    names = [file.relative_to(folder).as_posix() for file in folder.glob("*/**/*") if file.is_file()]
    return strange_word("no such file", name, names)


def read_builds(folder: Path) -> tuple[list[BuildFolder], list[str]]:
    """The builds that can be loaded, and what is wrong with the others. Raises UserError where there is none at all."""
    builds: list[BuildFolder] = []
    problems: list[str] = []
    seen: dict[str, Path] = {}
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        try:
            build = read_build(place)
            if build.build.uuid in seen:
                raise UserError(
                    f"{place / BUILD}: {seen[build.build.uuid]} has the same uuid; each build needs its own"
                )
        except UserError as fault:
            problems += fault.problems or [fault.message]
            continue
        seen[build.build.uuid] = place
        builds.append(build)
    if not builds and not problems:
        raise UserError(f"{folder}: no builds in it; each build is a folder with a {BUILD} and its log files")
    return builds, problems


def read_build(place: Path) -> BuildFolder:
    """One build's folder. Raises UserError with all faults of its build.yaml."""
    if not (place / BUILD).is_file():
        raise UserError(f"{place}: no {BUILD} in it; write one with at least uuid, job and result")
    build = shape.load(place / BUILD, BuildFile)
    found = sorted(path for path in place.rglob("*") if path.is_file() and path != place / BUILD)
    files = [
        LogFile(path, path.relative_to(place).as_posix(), path.relative_to(place.parent).as_posix())
        for path in found
        if not path.name.startswith(".")
    ]
    return BuildFolder(build, tuple(sorted(files, key=lambda file: file.path != CONSOLE)))
