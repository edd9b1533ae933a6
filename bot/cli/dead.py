"""`gatewatch signatures dead`: which ones found nothing of late, and with --delete away with them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

import typer

from bot import yamlmarks
from bot.app import open_search
from bot.cli.common import configured, known, listed, told
from bot.clock import utc_now
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
    if away:
        problems += _bury(loaded, judged.dead, settings.signatures.folders, dry_run)
    else:
        for id in judged.dead:
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


def _bury(loaded: Loaded, dead: Iterable[str], folders: Sequence[Path], dry_run: bool) -> list[str]:
    """Remove the files of dead signatures, then say which ones stay, and why; returns what went wrong."""
    problems: list[str] = []
    staying: dict[str, list[str]] = {}
    for id in dead:
        file = Path(loaded.sources[id].marked.file)
        if why := _stays(loaded, id, file, folders):
            staying.setdefault(why, []).append(id)
        else:
            problems += _remove(file, dry_run)
    for why, ids in staying.items():
        typer.echo(f"kept {listed(ids)}: {why}")
    return problems


def _stays(loaded: Loaded, id: str, file: Path, folders: Sequence[Path]) -> str:
    why = kept(loaded.signatures[id], file, folders, shipped("signatures"))
    return why or ("" if _as_loaded(loaded, id, file) else "its file was changed meanwhile")


def _remove(file: Path, dry_run: bool) -> list[str]:
    if dry_run:
        typer.echo(f"would remove {file}")
        return []
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
