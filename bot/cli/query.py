"""`gatewatch query`: run a Lucene query against the configured search."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.app import open_search
from bot.cli.common import configured
from bot.config import Config
from bot.errors import UserError
from bot.lucene.faults import pointed
from bot.lucene.lint import lint
from bot.lucene.parse import SyntaxFault, parse
from bot.lucene.rewrite import rewrite
from bot.lucene.tree import Node
from bot.model import Build, Hit, Unknown, Window
from bot.search import Question
from bot.section import duration

CHUNK = 200  # builds described at once


def query(config: Path, text: str, since: str, show: int) -> None:
    """`since`: how far back, as 24h; `show`: how many builds to list. Raises UserError for what is not found out."""
    settings = configured(config)
    asyncio.run(_query(settings, text, parsed(text), _back(since), show))


def parsed(text: str) -> Node:
    """The tree of a query. Raises UserError that shows where it is wrong."""
    try:
        return parse(text)
    except SyntaxFault as fault:
        raise UserError(f"not a Lucene query: {fault}", pointed(text, fault.at)) from None


def _back(since: str) -> timedelta:
    try:
        found = duration(since)
    except ValueError as error:
        raise UserError(f"--since {since}: {error}") from None
    assert isinstance(found, timedelta)
    return found


async def _query(settings: Config, text: str, tree: Node, back: timedelta, show: int) -> None:
    search = open_search(settings)
    shown = Console(stderr=True)
    now = datetime.now(UTC)
    window = Window(now - back, now + timedelta(hours=1))
    try:
        with Progress(console=shown, transient=True, disable=not shown.is_terminal) as bar:
            task = bar.add_task("asking", total=None)
            fields = await search.fields()
            if isinstance(fields, Unknown):
                raise UserError(fields.why)
            for remark in lint(text, tree, search.profile, fields.found):
                shown.print(f"warning: character {remark.at + 1}: {remark.message}", markup=False, highlight=False)
            question = Question("query", rewrite(tree, search.profile, fields.found))
            answer = (await search.hits([question], None, window))["query"]
            uuids = [hit.build for hit in answer.found]
            bar.update(task, description="describing builds", total=len(uuids))
            builds: dict[str, Build] = {}
            for start in range(0, len(uuids), CHUNK):
                described = await search.described(uuids[start : start + CHUNK], window)
                builds |= {one.uuid: one for one in described.found}
                bar.advance(task, CHUNK)
    finally:
        await search.close()
    if answer.found:
        _print(answer.found, builds, show)
    if isinstance(answer, Unknown):
        raise UserError(f"this is not all: {answer.why}" if answer.found else answer.why)
    if not answer.found:
        typer.echo(f"nothing is found from {window.start:%Y-%m-%d %H:%M} UTC on")


def _print(found: Sequence[Hit], builds: dict[str, Build], show: int) -> None:
    console = Console()
    hits = sorted(found, key=lambda hit: -hit.count)
    console.print(_by_result(hits, builds))
    for hit in hits[:show]:
        build = builds.get(hit.build)
        name = f"{build.project} {build.job} {build.change},{build.patchset}" if build else "?"
        console.print(f"{hit.build}  x{hit.count}  {name}", markup=False, highlight=False, soft_wrap=True)
    if len(hits) > show:
        console.print(f"and {len(hits) - show} more builds: --show lists them", highlight=False)


def _by_result(hits: Sequence[Hit], builds: dict[str, Build]) -> Table:
    table = Table("result", "builds", "hits", title=f"{sum(hit.count for hit in hits)} hits in {len(hits)} builds")
    rows: dict[str, list[int]] = {}
    for hit in hits:
        build = builds.get(hit.build)
        rows.setdefault(build.result if build else "?", []).append(hit.count)
    for result, counts in sorted(rows.items()):
        table.add_row(result, str(len(counts)), str(sum(counts)))
    return table
