"""`gatewatch index DIR`: load folders of logs into the embedded index, also while the bot runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from bot.cli.common import configured
from bot.clock import utc_now
from bot.errors import UserError
from bot.text import counted


def index(config: Path, folder: Path) -> None:
    """Raises UserError for what was left out."""
    settings = configured(config)
    if not settings.search.embedded or settings.search.path is None:
        raise UserError(f"{config}: `search` names a cluster; only an embedded index can be loaded")
    problems = load_folder(settings.search.path, folder)
    if problems:
        raise left_out(problems)


def left_out(problems: Sequence[str]) -> UserError:
    """What to say of builds that were not loaded."""
    return UserError(f"left out: {counted(len(problems), 'build')}", problems)


def load_folder(path: Path, folder: Path) -> tuple[str, ...]:
    """Load it with a progress bar on standard error; returns what was wrong with builds that were left out."""
    from bot.search.embedded.loading import load

    console = Console(stderr=True)
    columns = (TextColumn("indexing {task.fields[name]}"), BarColumn(), MofNCompleteColumn(), TextColumn("lines"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("indexing", total=None, name=folder.name)
        loaded = load(path, folder, utc_now(), lambda done, total: bar.update(task, completed=done, total=total))
    console.print(f"indexed {counted(loaded.builds, 'build')}, {counted(loaded.lines, 'line')}", highlight=False)
    return loaded.problems
