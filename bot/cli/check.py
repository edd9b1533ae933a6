"""`gatewatch check`: all faults of the config file and its signatures at once."""

from __future__ import annotations

import typer

from bot.cli.common import DEFAULT, ConfigFile, configured
from bot.config import shown
from bot.errors import UserError
from bot.signatures import check as run_samples
from bot.signatures import load


def check(config: ConfigFile = DEFAULT) -> None:
    """Say what is wrong with the config file and the signatures, all at once.

    Example: gatewatch check -c /etc/gatewatch/config.yaml
    """
    settings = configured(config)
    loaded = load(settings.signatures.folders)
    faults = [*loaded.faults, *run_samples(loaded)]
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}")
    if faults:
        raise UserError(f"{config} is sound, but signatures are not:", [str(fault) for fault in faults])
    for line in shown(settings):
        typer.echo(line)
    typer.echo(f"{config}: no faults, {len(loaded.signatures)} signatures")
