"""`gatewatch signatures check`: is every signature sound, and does it find its own samples?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.common import CODES, counted
from bot.errors import UserError
from bot.resources import shipped
from bot.shape import many
from bot.signatures import check as run_samples
from bot.signatures import load

app = typer.Typer(no_args_is_help=True, help="Look after signatures.", rich_markup_mode=None)


@app.command(epilog=CODES)
def check(
    folder: Annotated[Path | None, typer.Argument(help="A folder of signatures; without it the shipped ones.")] = None,
) -> None:
    """Name faulty and questionable signatures; run their sample lines.

    Example: gatewatch signatures check my-signatures
    """
    loaded = load([folder or shipped("signatures")])
    faults = [*loaded.faults, *run_samples(loaded)]
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}")
    if faults:
        raise UserError(f"{folder or 'the shipped signatures'}: {many(faults)}", [str(fault) for fault in faults])
    typer.echo(f"{counted(len(loaded.signatures), 'signature')}, no faults, {counted(len(loaded.warnings), 'warning')}")
