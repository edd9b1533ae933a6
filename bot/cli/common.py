"""What several verbs share: the option for the config file, the log, the store."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot import config
from bot.errors import UserError

ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", help="The config file.", envvar="GATEWATCH_CONFIG", show_default=True)
]
DEFAULT = Path("config.yaml")


def found_there(path: Path) -> Path:
    """The path of a file that exists. Raises UserError with what to do where there is none."""
    if not path.exists():
        raise UserError(f"{path} is not there: copy config.example.yaml to it, or name another with -c FILE")
    return path


def configured(path: Path) -> config.Config:
    """The config of a file. Raises UserError with all its faults."""
    return config.load(found_there(path))


def start_log(settings: config.Logging) -> None:
    """One line per event, in UTC, to standard error or to a file; libraries only when they warn."""
    target = {"filename": str(settings.file)} if settings.file else {"stream": sys.stderr}
    if settings.file:
        settings.file.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.WARNING, force=True, **target
    )
    logging.getLogger("bot").setLevel(settings.level.upper())
