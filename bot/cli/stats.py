"""`gatewatch signatures stats`: what each signature explains, and the classification rate."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bot.app import open_search
from bot.cli.common import back, configured, known, told
from bot.clock import utc_now
from bot.config import Config
from bot.errors import UserError
from bot.model import Signature, Window
from bot.sources.index import AHEAD
from bot.text import counted, cut, one_line
from bot.workbench.stats import Row, Share, Stats, ask, count

JOBS_SHOWN = 2  # of one signature, in the table
RATES_SHOWN = 15
TITLE, JOB = 100, 40  # bytes
WIDE = 120  # columns from which on there is room for titles
COLUMNS = ("kind", "signature", "job", "builds", "of", "percent", "passed", "last_24h", "last", "unknown")


def stats(config: Path, since: str, form: str) -> None:
    """`form`: table, json or csv. Raises UserError where it is not all, after what there is was printed."""
    settings = configured(config)
    now = utc_now()
    window = Window(now - back(since), now + AHEAD)
    signatures, found = asyncio.run(_count(settings, window, now))
    match form:
        case "json":
            print(json.dumps(as_json(found, signatures, window, settings.builds.pipelines), indent=1))
        case "csv":
            csv.writer(sys.stdout, lineterminator="\n").writerows([COLUMNS, *as_rows(found)])
        case _:
            _print(found, signatures, since)
    if not found.complete:
        raise UserError(f"this is not all: {'; '.join(found.unknown)}")


async def _count(settings: Config, window: Window, now: datetime) -> tuple[dict[str, Signature], Stats]:
    search = open_search(settings)
    loaded = known(settings, search.profile)
    pipelines = settings.builds.pipelines
    try:
        with told() as progress:
            asked = await ask(search, loaded.trees, pipelines, window, progress)
    finally:
        await search.close()
    return loaded.signatures, count(asked, loaded.signatures, pipelines, now)


# -- for programs -----------------------------------------------------------------------------------------------


def as_json(found: Stats, signatures: dict[str, Signature], window: Window, pipelines: tuple[str, ...]) -> Any:
    """Everything; times in UTC, a percentage of nothing is null, and so is an `unknown` where the answer is whole.

    While `listed` is false failed builds are missing, `of` is a least, and no percentage is known.
    """
    share = partial(_share, listed=found.listed)
    return {
        "from": window.start.isoformat(timespec="seconds"),
        "pipelines": list(pipelines),
        "complete": found.complete,
        "listed": found.listed,
        "unknown": list(found.unknown),
        "rate": share(found.rate),
        "jobs": {job: share(one) for job, one in found.jobs.items()},
        "signatures": [
            {"id": row.id, "title": signatures[row.id].title, "failed": share(row.failed), "passed": row.passed}
            | {"last_24h": row.last_day, "last": _moment(row.last) or None}
            | {"jobs": {job: share(one) for job, one in row.jobs.items()}, "unknown": row.unknown or None}
            for row in found.rows
        ],
    }


def _share(share: Share, listed: bool) -> dict[str, Any]:
    return {"builds": share.builds, "of": share.of, "percent": share.percent if listed else None}


def _moment(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


def as_rows(found: Stats) -> Iterator[tuple[Any, ...]]:
    """The rates (of all, then of each job), then each signature and behind it its share of each job."""
    why = "; ".join(found.unknown)
    percent = partial(_percent, listed=found.listed)
    for job, share in [("", found.rate), *found.jobs.items()]:
        yield ("rate", "", one_line(job), share.builds, share.of, percent(share), "", "", "", why)
    for row in found.rows:
        counts = (row.passed, row.last_day, _moment(row.last), one_line(row.unknown))
        yield ("signature", row.id, "", row.failed.builds, row.failed.of, percent(row.failed), *counts)
        for job, share in row.jobs.items():
            shown = (share.builds, share.of, percent(share), "", "", "", one_line(row.unknown))
            yield ("job", row.id, one_line(job), *shown)


def _percent(share: Share, listed: bool) -> str:
    return "" if share.percent is None or not listed else f"{share.percent:g}"


# -- for people -------------------------------------------------------------------------------------------------


def _print(found: Stats, signatures: dict[str, Signature], since: str) -> None:
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = max(console.width, WIDE)
    shown = [row for row in found.rows if row.failed.builds or row.passed or row.unknown]
    if shown:
        console.print(_table(shown, signatures, since, console.width >= WIDE))
    if len(shown) < len(found.rows):
        console.print(
            f"{counted(len(found.rows) - len(shown), 'signature')} without a hit in watched pipelines in {since}"
        )
    console.print(_rates(found, since))
    if len(found.jobs) > RATES_SHOWN:
        console.print(f"and {counted(len(found.jobs) - RATES_SHOWN, 'more job')}: --format csv has all")


def _bare(first: str, title: str, *numbers: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    return table


def _table(rows: list[Row], signatures: dict[str, Signature], since: str, wide: bool) -> Table:
    titles = wide and any(signatures[row.id].title for row in rows)
    title = f"failed builds that each signature explains, last {since}"
    table = _bare("signature", title, "failed", "24h", "passed", "last hit UTC")
    # Where there is no room words go on in the next line; columns that may not wrap would be left out, numbers too.
    table.columns[0].no_wrap, table.columns[0].overflow = False, "fold"
    table.add_column("share of a job's failures", overflow="fold")
    if titles:
        table.add_column("title", overflow="fold")
    for row in rows:
        sure = "at least " if row.unknown else ""
        last = f"{row.last:%d %b %H:%M}" if row.last else "-"
        words = [f"unknown: {row.unknown}" if row.unknown else _jobs(row), signatures[row.id].title]
        counts = (*(f"{sure}{number}" for number in (row.failed.builds, row.last_day, row.passed)), last)
        table.add_row(row.id, *counts, *(cut(one_line(word), TITLE) for word in words[: 1 + titles]))
    for column in table.columns[1:5]:
        column.min_width = max(len(str(cell)) for cell in (column.header, *column.cells))  # no number is cut
    return table


def _jobs(row: Row) -> str:
    jobs = [f"{share.percent:g}% of {cut(job, JOB)}" for job, share in list(row.jobs.items())[:JOBS_SHOWN]]
    return ", ".join([*jobs, *([f"{len(row.jobs) - JOBS_SHOWN} more"] if len(row.jobs) > JOBS_SHOWN else [])])


def _rates(found: Stats, since: str) -> Table:
    table = _bare("job", f"failed builds that any signature explains, last {since}", "failed", "known", "rate")
    sure = "at least " if found.unknown else ""
    for job, share in [("all jobs", found.rate), *list(found.jobs.items())[:RATES_SHOWN]]:
        rate = "-" if share.percent is None else f"{sure}{share.percent:g}%" if found.listed else "not known"
        failed = f"{'' if found.listed else 'at least '}{share.of}"
        table.add_row(cut(one_line(job), JOB), failed, f"{sure}{share.builds}", rate)
    return table
