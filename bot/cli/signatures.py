"""`gatewatch signatures check`: is every signature sound, and does it find its own samples?"""

from __future__ import annotations

from pathlib import Path

import typer

from bot.errors import UserError
from bot.resources import shipped
from bot.shape import many
from bot.signatures import check as run_samples
from bot.signatures import load
from bot.text import counted


def check(folder: Path | None) -> None:
    """Of a folder, or of the shipped ones (None). Raises UserError with all faults."""
    loaded = load([folder or shipped("signatures")])
    faults = [*loaded.faults, *run_samples(loaded)]
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}")
    if faults:
        raise UserError(f"{folder or 'the shipped signatures'}: {many(faults)}", [str(fault) for fault in faults])
    typer.echo(f"{counted(len(loaded.signatures), 'signature')}, no faults, {counted(len(loaded.warnings), 'warning')}")
