"""`gatewatch signatures new`: a commented file to fill in."""

from __future__ import annotations

from pathlib import Path

import typer

from bot.cli.common import configured
from bot.errors import UserError
from bot.resources import shipped
from bot.workbench.draft import draft


def new(config: Path, bug: str, folder: Path | None) -> None:
    """In `folder`, else in the last of the config's own ones. Raises UserError; nothing is ever written over."""
    made = draft(bug)
    place = folder or own_folder(config)
    path = place / f"{made.id}.yaml"
    try:
        place.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(made.text)
    except FileExistsError:
        raise UserError(f"{path} is there already; nothing was changed") from None
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from error
    typer.echo(f"wrote {path}")
    if (shipped("signatures") / path.name).exists():
        typer.echo(f"it takes the place of the shipped {made.id}, where the config names its folder behind that one")
    typer.echo("1. fill in the query: gatewatch query 'message:\"...\"' says whether it is any good")
    typer.echo(f"2. gatewatch signatures check {place}")
    typer.echo(f"3. gatewatch signatures test {path} job-output.txt says which lines of a log it matches")


def own_folder(config: Path) -> Path:
    """The last of the config's folders that did not come with Gatewatch. Raises UserError where there is none."""
    own = [folder for folder in configured(config).signatures.folders if folder != shipped("signatures")]
    if not own:
        raise UserError(
            f"{config} has no folder of your own: name one with --folder DIR, and put it into the config: "
            'signatures: {folders: ["shipped:signatures", DIR]}'
        )
    return own[-1]
