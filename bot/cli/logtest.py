"""`gatewatch signatures test`: does a signature match these log files? Without any index."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

import typer

from bot.errors import UserError
from bot.search.documents import EPOCH
from bot.search.embedded.linetimes import timed
from bot.search.embedded.logfolder import tags_of
from bot.shape import many
from bot.signatures import load_file
from bot.text import counted, one_line
from bot.workbench.logs import Fields, LogTest, fields_given, joined

STDIN = "-"
PACKED = b"\x1f\x8b"  # how gzip begins (RFC 1952 2.3.1), whatever the name is


def test(file: Path, logs: Sequence[str], fields: Sequence[str], show: int) -> None:
    """`show`: lines shown of each log. Raises UserError where no line matches, and for what cannot be read."""
    loaded = load_file(file)
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if loaded.faults:
        raise UserError(f"{file}: {many(loaded.faults)}", [str(fault) for fault in loaded.faults])
    tree = loaded.trees[file.stem]
    given = fields_given(fields, tree)
    tests = {log: LogTest(tree, joined(given, known_of(log))) for log in logs}
    found = sum(_one(one, log, show) for log, one in tests.items())
    taken = list(dict.fromkeys(name for one in tests.values() for name in one.taken))
    if taken:
        typer.echo(f"taken to be so: {', '.join(taken)}; --field NAME=VALUE says what a field is")
    if not found:
        alone = sum((Counter(one.clauses) for one in tests.values()), Counter[str]())
        clauses = dict.fromkeys(clause for one in tests.values() for clause in one.clauses)
        hints = dict.fromkeys(hint for one in tests.values() for hint in one.hints)
        each = [f"{clause} alone: {counted(alone[clause], 'line')}" for clause in clauses]
        raise UserError(f"{file} matches no line", [*each, *hints])
    if len(logs) > 1:
        typer.echo(f"in all: {counted(found, 'line')}")


def known_of(log: str) -> Fields:
    """What the name of a log tells: logsender's base name and tags, without the ending of a packed file."""
    if log == STDIN:
        return {}
    name = Path(log).name.removesuffix(".gz")
    return {"filename": [name], "tags": tags_of(name)}


def _one(test: LogTest, log: str, show: int) -> int:
    """Show a log's lines that match; returns how many there are."""
    name = "standard input" if log == STDIN else log
    found = read = 0
    for number, message in messages(log):
        read += 1
        if test.matches(message):
            found += 1
            if found <= show:
                typer.echo(f"{name}:{number}: {one_line(message)}")
    more = f", {found - show} not shown" if found > show else ""
    typer.echo(f"{name}: {found} of {counted(read, 'line')} {'matches' if 1 in (found, read) else 'match'}{more}")
    return found


def messages(log: str) -> Iterator[tuple[int, str]]:
    """A log's messages with their line numbers, as logsender would send them. Raises UserError."""
    for number, line in enumerate(lines(log), 1):
        for _, message in timed([line], EPOCH, EPOCH):
            yield number, message


def lines(log: str) -> Iterator[str]:
    """Raises UserError where the file cannot be read."""
    try:
        with ExitStack() as closing:
            raw = sys.stdin.buffer if log == STDIN else closing.enter_context(Path(log).open("rb"))
            packed = cast(io.BufferedReader, raw).peek(len(PACKED)).startswith(PACKED)
            opened = cast(IO[bytes], gzip.GzipFile(fileobj=raw) if packed else raw)
            for line in opened:
                yield line.decode("utf-8", "replace").rstrip("\r\n")
    except OSError as error:
        raise UserError(f"{log} cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise UserError(f"{log} cannot be unpacked: {error}") from error
