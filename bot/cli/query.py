"""`gatewatch query`: is a Lucene query a good signature? Asked of the configured search."""

from __future__ import annotations

import asyncio
import textwrap
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from bot.app import open_search
from bot.cli.common import back, configured, known, told
from bot.clock import utc_now
from bot.config import Config
from bot.errors import UserError
from bot.links import web
from bot.model import Build, Hit, Window
from bot.sources.index import AHEAD
from bot.sparkline import sparkline
from bot.text import counted, cut, one_line
from bot.workbench.asked import Asked, read
from bot.workbench.builds import Sort, sort_of
from bot.workbench.known import classifier
from bot.workbench.trial import Trial, try_out
from bot.workbench.verdict import base, example, found, lines, overlap, verdict

BARS = 24
LONGEST_LINE = 300  # bytes of the sample line
NAMED = 6  # known signatures


def query(config: Path, text: str, since: str, show: int, timeout: float) -> None:
    """`since`: how far back, as 24h; `show`: how many builds to list; `timeout`: seconds for all of it.

    Raises UserError for what is not found out.
    """
    settings = configured(config)
    asked = read(text)
    now = utc_now()
    window = Window(now - back(since), now + AHEAD)
    trial = asyncio.run(_try(settings, asked, window, timeout))
    _print(trial, since, now, show)
    if trial.doubts:
        raise UserError(("this is not all: " if trial.hits else "") + "; ".join(trial.doubts))


async def _try(settings: Config, asked: Asked, window: Window, patience: float) -> Trial:
    search = open_search(settings)
    trees = known(settings, search.profile).trees
    try:
        with told() as progress:
            return await try_out(search, asked, window, classifier(search, trees, window), patience, progress)
    finally:
        await search.close()


def _print(trial: Trial, since: str, now: datetime, show: int) -> None:
    for remark in trial.remarks:
        typer.echo(f"warning: character {remark.at + 1}: {remark.message}", err=True)
    if not trial.hits:
        if not trial.missing:
            typer.echo(f"nothing is found from {trial.window.start:%Y-%m-%d %H:%M} UTC on")
        return
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for name, text in _facts(trial, since, now):
        console.print(folded(f"{name:8} {text}", console))
    console.print(_by_result(trial))
    _list(console, trial, show)


def folded(text: str, console: Console) -> str:
    """On a terminal as lines of its width, broken between words: an address stays whole. Elsewhere as it is."""
    if not console.is_terminal:
        return text
    indent = " " * 9
    lines = textwrap.wrap(text, console.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def _facts(trial: Trial, since: str, now: datetime) -> Iterator[tuple[str, str]]:
    yield "verdict", verdict(trial)
    yield "found", f"{found(trial)}; {counted(lines(trial), 'line')} in {since}"
    if said := base(trial):
        yield "", said
    if said := overlap(trial, NAMED):
        yield "known", said
    first, last = min(hit.first for hit in trial.hits), max(hit.last for hit in trial.hits)
    bars = sparkline((hit.last for hit in trial.hits), trial.window.start, now, BARS)
    yield "seen", f"first {first:%Y-%m-%d %H:%M}, last {last:%Y-%m-%d %H:%M} UTC {bars}"
    hit = example(trial)
    if hit is not None and hit.sample is not None:
        yield "sample", cut(one_line(hit.sample.message), LONGEST_LINE)
        if address := web(hit.sample.log_url):
            yield "", address


def _result(build: Build | None) -> str:
    if build is None:
        return "?"
    return build.result + (f" ({Sort.NONVOTING.value})" if sort_of(build) is Sort.NONVOTING else "")


def _by_result(trial: Trial) -> Table:
    table = Table("result")
    table.add_column("builds", justify="right")
    table.add_column("lines", justify="right")
    builds, rows = Counter[str](), Counter[str]()
    for hit in trial.hits:
        result = _result(trial.builds.get(hit.build))
        builds[result] += 1
        rows[result] += hit.count
    for result, count in builds.most_common():
        table.add_row(one_line(result), str(count), str(rows[result]))
    return table


def _list(console: Console, trial: Trial, show: int) -> None:
    hits = sorted(trial.hits, key=lambda hit: -hit.count)
    for hit in hits[:show]:
        console.print(folded(f"{hit.build}  x{hit.count}  {_name(hit, trial)}", console))
    if len(hits) > show:
        console.print(f"and {counted(len(hits) - show, 'more build')}: --show lists them")


def _name(hit: Hit, trial: Trial) -> str:
    build = trial.builds.get(hit.build)
    return one_line(f"{build.project} {build.job} {build.change},{build.patchset}") if build else "?"
