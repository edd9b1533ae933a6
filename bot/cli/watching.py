"""`gatewatch signatures check --watch`: again at each save, and only what is new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import typer
from watchfiles import Change, watch

from bot.cli.signatures import Scope, faults_of, summary
from bot.errors import UserError
from bot.signatures import load
from bot.yamlmarks import Fault

ENDINGS = (".yaml", ".yml")
TOGETHER = 300  # ms; a save by rename is several changes
READY = 200  # ms

# What stays the same when lines above it come or go.
Key = tuple[str, str, str, int]


def watch_over(scope: Scope) -> None:
    """Until Ctrl-C. Raises UserError where a folder is not there, or goes away."""
    with suppress(KeyboardInterrupt):
        _watch_over(scope)


def _watch_over(scope: Scope) -> None:
    there(scope)
    shown: dict[Key, str] | None = None
    for changes in saves(scope.folders):
        there(scope)
        if shown is None:
            shown = show(scope, {}, ())
            typer.echo(f"watching {', '.join(map(str, scope.folders))}; Ctrl-C ends it")
        elif changes:
            shown = show(scope, shown, names(changes))


def saves(folders: Sequence[Path]) -> Iterator[set[tuple[Change, str]]]:
    """What was saved or deleted, and nothing every now and then: for the first time when no save is missed any more."""
    own = {str(folder.absolute()) for folder in folders}
    return watch(
        *folders,
        watch_filter=lambda _, path: path.endswith(ENDINGS) or path in own,
        debounce=TOGETHER,
        rust_timeout=READY,
        yield_on_timeout=True,
        recursive=False,
    )


def there(scope: Scope) -> None:
    for folder in scope.folders:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder, or is gone")


def names(changes: Iterable[tuple[Change, str]]) -> list[str]:
    """The files that were saved or deleted."""
    return sorted({Path(path).name for _, path in changes})


def show(scope: Scope, before: dict[Key, str], saved: Iterable[str]) -> dict[Key, str]:
    """Print what was not there before, what is no more, and the verdict; returns all that there is."""
    loaded = load(scope.folders, scope.profile)
    faults = faults_of(loaded)
    lines = [(fault, str(fault)) for fault in faults]
    lines += [(warning, f"warning: {warning}") for warning in sorted(loaded.warnings)]
    now: dict[Key, str] = {}
    for fault, line in lines:
        now[key(fault, now)] = line
    for line in (line for one, line in now.items() if one not in before):
        typer.echo(line)
    for line in (line for one, line in before.items() if one not in now):
        typer.echo(f"mended: {line}")
    typer.echo(": ".join([*filter(None, [", ".join(saved)]), summary(loaded, faults)]))
    return now


def key(fault: Fault, others: Collection[Key]) -> Key:
    """The last part tells those apart that are said twice of one query."""
    same = (fault.file, fault.key_path, fault.message)
    return *same, sum(other[:3] == same for other in others)
