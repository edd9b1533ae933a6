"""What several verbs share: the config, its signatures, the log, the store's address, a progress bar."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from bot import config
from bot.errors import UserError
from bot.model import Profile
from bot.resources import shipped
from bot.section import duration
from bot.signatures import Loaded, load
from bot.workbench.builds import Progress as Told

NAMED = 5  # signatures in a sentence about many
FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def listed(ids: Iterable[str]) -> str:
    """`a, b, c, d, e and 3 more`, in order."""
    names = sorted(ids)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def found_there(path: Path) -> Path:
    """The path of a file that exists. Raises UserError with what to do where there is none."""
    if not path.exists():
        example = shipped("config.example.yaml")
        raise UserError(f"{path} is not there: copy {example} to it, or name another with -c FILE")
    return path


def configured(path: Path) -> config.Config:
    """The config of a file. Raises UserError with all its faults."""
    return config.load(found_there(path))


def known(settings: config.Config, profile: Profile) -> Loaded:
    """The signatures of the config's folders; those that are not sound are named on standard error."""
    loaded = load(settings.signatures.folders, profile)
    for fault in loaded.faults:
        typer.echo(f"left out: {fault}", err=True)
    return loaded


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


def back(since: str) -> timedelta:
    """A length of time given with --since. Raises UserError."""
    try:
        found = duration(since)
    except ValueError as error:
        raise UserError(f"--since {since}: {error}") from None
    assert isinstance(found, timedelta)
    return found


@contextmanager
def told() -> Iterator[Told]:
    """Progress on standard error, where that is a terminal."""
    shown = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as bar:
        task = bar.add_task("asking", total=None)
        yield lambda what, done, all: bar.update(task, description=what, completed=done, total=all or None)
