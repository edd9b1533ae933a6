"""What several verbs share: the config, the log, the store's address."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

from bot import config
from bot.errors import UserError
from bot.resources import shipped

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def found_there(path: Path) -> Path:
    """The path of a file that exists. Raises UserError with what to do where there is none."""
    if not path.exists():
        example = shipped("config.example.yaml")
        raise UserError(f"{path} is not there: copy {example} to it, or name another with -c FILE")
    return path


def configured(path: Path) -> config.Config:
    """The config of a file. Raises UserError with all its faults."""
    return config.load(found_there(path))


def store_address(settings: config.Config) -> str:
    """The store's URL, its password in it. Raises UserError where the password's file cannot be read."""
    try:
        return settings.store.address()
    except OSError as error:
        raise UserError(f"the password of the store {settings.store} cannot be read: {error}") from error


def start_log(settings: config.Logging, talks_here: bool = False) -> None:
    """The bot's log: one line per event, in UTC, to standard error or to a file; libraries only when they warn.

    Raises UserError where the file cannot be written. `talks_here`: the same terminal is a room, where only
    warnings come between its lines.
    """
    try:
        if settings.file:
            settings.file.parent.mkdir(parents=True, exist_ok=True)
        target = logging.FileHandler(settings.file) if settings.file else logging.StreamHandler(sys.stderr)
    except OSError as error:
        raise UserError(f"the log cannot be written to {settings.file}: {error.strerror}") from error
    _log_to(target)
    shown = talks_here and settings.level == "info" and not settings.file and sys.stderr.isatty()
    logging.getLogger("bot").setLevel("WARNING" if shown else settings.level.upper())


def start_short_log() -> None:
    """The log of a verb that answers by itself: only what goes wrong, to standard error."""
    _log_to(logging.StreamHandler(sys.stderr))


def _log_to(target: logging.Handler) -> None:
    line = logging.Formatter(FORMAT)
    line.converter = time.gmtime
    line.default_msec_format = "%s.%03dZ"
    target.setFormatter(line)
    logging.basicConfig(level=logging.WARNING, force=True, handlers=[target])
