"""Options and words that several verbs have alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", help="The config file.", envvar="GATEWATCH_CONFIG", show_default=True)
]
DEFAULT = Path("config.yaml")
CODES = "Exit codes: 0 done, 1 it could not be done (a sentence says why), 2 wrong usage, 130 Ctrl-C."


def seconds(what: str) -> typer.models.OptionInfo:
    """An option that takes a length of time."""
    option: typer.models.OptionInfo = typer.Option(min=0, metavar="SECONDS", help=what)
    return option
