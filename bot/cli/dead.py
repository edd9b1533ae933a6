"""`gatewatch signatures dead`: which ones found nothing of late, and with --delete away with them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import typer

from bot.app import open_search, utc_now
from bot.cli.common import configured
from bot.cli.query import told
from bot.config import Config
from bot.errors import UserError
from bot.resources import shipped
from bot.signatures import Loaded, load
from bot.text import counted, one_line
from bot.workbench.dead import Found, find, kept


def dead(config: Path, days: int, delete: bool, dry_run: bool) -> None:
    """`dry_run`: only say what would be removed. Raises UserError for what could not be judged or removed."""
    settings = configured(config)
    loaded, found = asyncio.run(_find(settings, days))
    problems = [f"{id}: {why}" for id, why in found.unsure.items()]
    for id in found.dead:
        if delete or dry_run:
            problems += _remove(loaded, id, settings.signatures.folders, dry_run)
        else:
            typer.echo(f"{id}  {one_line(loaded.signatures[id].title)}".rstrip())
    typer.echo(
        f"{len(found.dead)} of {counted(len(loaded.trees), 'signature')} without a hit in {counted(days, 'day')}"
    )
    if problems:
        raise UserError("this is not all:", problems)


async def _find(settings: Config, days: int) -> tuple[Loaded, Found]:
    search = open_search(settings)
    loaded = load(settings.signatures.folders, search.profile)
    for fault in loaded.faults:
        typer.echo(f"left out: {fault}", err=True)
    try:
        with told() as progress:
            return loaded, await find(search, loaded.trees, utc_now(), days, progress)
    finally:
        await search.close()


def _remove(loaded: Loaded, id: str, folders: Iterable[Path], dry_run: bool) -> list[str]:
    """Remove a dead signature's file, or say why not; returns what went wrong."""
    file = Path(loaded.sources[id].marked.file)
    why = kept(loaded.signatures[id], file, list(folders), shipped("signatures"))
    if why:
        typer.echo(f"kept {id}: {why}")
    elif dry_run:
        typer.echo(f"would remove {file}")
    else:
        try:
            file.unlink()
        except OSError as error:
            return [f"{file} was not removed: {error.strerror}"]
        typer.echo(f"removed {file}")
    return []
