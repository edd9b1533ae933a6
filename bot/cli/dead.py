"""`gatewatch signatures dead`: which ones found nothing of late, and with --delete away with them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import typer

from bot import yamlmarks
from bot.app import open_search, utc_now
from bot.cli.common import configured, known, told
from bot.config import Config
from bot.errors import UserError
from bot.resources import shipped
from bot.signatures import Loaded
from bot.text import counted, one_line
from bot.workbench.dead import Judged, find, kept


def dead(config: Path, days: int, delete: bool, dry_run: bool) -> None:
    """`dry_run`: only say what would be removed. Raises UserError for what could not be judged or removed."""
    settings = configured(config)
    loaded, judged = asyncio.run(_find(settings, days))
    problems = [f"{id}: {why}" for id, why in judged.unsure.items()]
    away = (delete or dry_run) and not judged.blank
    for id in judged.dead:
        if away:
            problems += _remove(loaded, id, settings.signatures.folders, dry_run)
        else:
            typer.echo(f"{id}  {one_line(loaded.signatures[id].title)}".rstrip())
    typer.echo(
        f"{len(judged.dead)} of {counted(len(loaded.trees), 'signature')} without a hit in {counted(days, 'day')}"
    )
    if judged.blank:
        blank = f"of {judged.blank} of these days the index has no line"
        problems += [f"nothing is removed: {blank}, and nobody knows what was found then"] if delete else []
        typer.echo(blank)
    if problems:
        raise UserError("this is not all:", problems)


async def _find(settings: Config, days: int) -> tuple[Loaded, Judged]:
    search = open_search(settings)
    loaded = known(settings, search.profile)
    try:
        with told() as progress:
            return loaded, await find(search, loaded.trees, utc_now(), days, progress)
    finally:
        await search.close()


def _remove(loaded: Loaded, id: str, folders: Iterable[Path], dry_run: bool) -> list[str]:
    """Remove a dead signature's file, or say why not; returns what went wrong."""
    file = Path(loaded.sources[id].marked.file)
    why = kept(loaded.signatures[id], file, list(folders), shipped("signatures"))
    if not why and not _as_loaded(loaded, id, file):
        why = "its file was changed meanwhile"
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


def _as_loaded(loaded: Loaded, id: str, file: Path) -> bool:
    """Does the file say what was asked of the index? What is not there any more cannot be removed by mistake."""
    try:
        return yamlmarks.read(file).text == loaded.sources[id].marked.text
    except OSError:
        return True
