"""`gatewatch check`: all faults of the config file and its signatures at once."""

from __future__ import annotations

import typer

from bot.cli.common import DEFAULT, ConfigFile, counted, found_there
from bot.config import look_over, shown
from bot.core import profile_of
from bot.errors import UserError
from bot.shape import many
from bot.signatures import Loaded, load
from bot.signatures import check as run_samples


def check(config: ConfigFile = DEFAULT) -> None:
    """Name all faults of the config file and the signatures at once.

    Example: gatewatch check -c /etc/gatewatch/config.yaml
    """
    settings, faults = look_over(found_there(config))
    loaded = Loaded() if settings is None else load(settings.signatures.folders, profile_of(settings))
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}")
    faults = [*faults, *loaded.faults, *run_samples(loaded)]
    if settings is None or faults:
        raise UserError(f"{config} and its signatures: {many(faults)}", [str(fault) for fault in faults])
    for line in shown(settings):
        typer.echo(line)
    typer.echo(f"{config}: no faults, {counted(len(loaded.signatures), 'signature')}")
