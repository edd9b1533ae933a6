"""`gatewatch check`: all faults of the config file and its signatures at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import typer

from bot.chat.irc.checks import warnings as irc_warnings
from bot.chat.matrix.checks import warnings as matrix_warnings
from bot.cli.common import found_there
from bot.config import Config, look_over, shown
from bot.errors import UserError
from bot.model import Profile
from bot.search.config import SearchConfig
from bot.search.profiles import PROFILES, with_overrides
from bot.shape import many
from bot.signatures import Loaded, load
from bot.signatures import check as run_samples
from bot.text import counted
from bot.yamlmarks import KeyPath, written


def check(config: Path) -> None:
    """Raises UserError with all faults."""
    settings, faults = look_over(found_there(config))
    loaded = Loaded() if settings is None else load(settings.signatures.folders, profile_of(settings.search))
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}")
    faults = [*faults, *loaded.faults, *run_samples(loaded)]
    if settings is None or faults:
        raise UserError(f"{config} and its signatures: {many(faults)}", [str(fault) for fault in faults])
    for doubtful in _doubtful(settings):
        typer.echo(f"warning: {config}: {doubtful}")
    for line in shown(settings):
        typer.echo(line)
    typer.echo(f"{config}: no faults, {counted(len(loaded.signatures), 'signature')}")


def _doubtful(settings: Config) -> Iterator[str]:
    for name, network in settings.networks.items():
        found: Iterable[tuple[KeyPath, str]] = ()
        if network.type == "irc":
            found = irc_warnings(network)
        elif network.type == "matrix":
            found = matrix_warnings(network)
        yield from (f"{written(('networks', name, *path))}: {why}" for path, why in found)


def profile_of(search: SearchConfig) -> Profile:
    """The layout of the configured index."""
    return with_overrides(PROFILES[search.profile], search.fields)
