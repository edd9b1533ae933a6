"""`!top`: what breaks the gate most, with a picture of when."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.commands.ask import Ask, Verb
from bot.commands.counts import DAY, HISTORY, Often, by_cause, counted, percent
from bot.commands.reply import PROJECT, TITLE, Part, Piece, clock, project, reply, short, span
from bot.commands.words import beginning, blind, cause, none_here, nothing, passing
from bot.errors import UserError
from bot.grouping import Group, group
from bot.plots import Plot
from bot.records import Failure, State
from bot.sparkline import sparkline
from bot.talk import Message

SHOWN = 3
BARS = 24  # of the picture
PERIOD = re.compile(r"([1-9]\d{0,2})([hd])")


async def top(ask: Ask) -> Message:
    """The causes with the most failures, in a period and of a project."""
    length, wanted = _period_and_project(ask.words)
    since = ask.now - length
    all, begun = await ask.store.read(lambda tx: (tx.failures_since(since), beginning(ask, tx)))
    failures = counted(all, since)
    there = [one for one in failures if not wanted or wanted in (one.build.project, project(one.build.project))]
    here = passing(ask, there)
    if wanted and not there and wanted[0].isdigit():
        raise UserError(f"'{short(wanted, 40)}' is neither a period, as 24h or 7d, nor a project with failures")
    head = f"top {short(wanted, PROJECT)} {_named(length)}: ".replace("  ", " ")
    if not here:
        none = none_here(len(there)) if there else "no failures" if failures else await nothing(ask)
        return reply([head + none, blind(ask)])
    unknown = [one for one in here if one.state is State.UNKNOWN]
    groups = await asyncio.to_thread(group, unknown)
    ranked = _ranked(ask, here, there, groups)
    shown = [_row(place, row, len(here), since, ask.now) for place, row in enumerate(ranked, 1)]
    first, *others = shown or [["no cause twice"]]
    parts: list[Part] = [[head, *first], *others, f"unknown {len(unknown)}/{len(here)}"]
    # The first look of all goes back in time, so that builds may be older than the counting.
    covered = min(begun, *(one.newest for one in all))
    late = f"counting since {clock(begun, ask.now)}" if covered - since > length / 10 else ""
    message = reply([*parts, late, blind(ask)])
    if ask.draw is None or not ranked:
        return message
    return replace(message, picture=await ask.draw(_plot(ranked, wanted, since, ask.now)))


@dataclass(frozen=True, slots=True)
class Row:
    """One cause, its failures, and the words behind its name and count."""

    cause: Piece
    failures: Sequence[Failure]
    often: str
    words: str

    @property
    def name(self) -> str:
        return self.cause if isinstance(self.cause, str) else self.cause.shown


def _ranked(ask: Ask, here: Sequence[Failure], there: Sequence[Failure], groups: Sequence[Group]) -> list[Row]:
    """The most frequent causes, known and new ones together."""
    totals = by_cause(there, ask.signatures)
    rows = []
    for id, failures in by_cause(here, ask.signatures).items():
        title = ask.signatures[id].title if id in ask.signatures else ""
        often = str(Often(len(failures), len(totals[id])))
        rows.append(Row(cause(ask, id), failures, often, short(title, TITLE)))
    for one in groups:
        if len(one.failures) > 1:
            rows.append(Row(one.id, one.failures, f"x{len(one.failures)}", "NEW, no signature"))
    return sorted(rows, key=lambda row: -len(row.failures))[:SHOWN]


def _row(place: int, row: Row, all: int, since: datetime, now: datetime) -> list[Piece]:
    bars = sparkline((one.newest for one in row.failures), since, now)
    share = f" {bars} {percent(len(row.failures), all)}%" + (" of failures" if place == 1 else "")
    return [f"{place}) ", row.cause, f" {row.often}", share, f" {row.words}"]


def _plot(rows: Sequence[Row], wanted: str, since: datetime, now: datetime) -> Plot:
    """The failures of each cause over the period, in BARS bars."""
    width = (now - since) / BARS
    counts = []
    for row in rows:
        at = Counter(min(BARS - 1, (one.newest - since) // width) for one in row.failures)
        counts.append((row.name, tuple(at[bar] for bar in range(BARS))))
    of_project = f"{short(wanted, PROJECT)}: " if wanted else ""
    title = f"{of_project}failed builds of the top causes per {span(width)}, last {_named(now - since)}"
    each = ", ".join(f"{row.name} {row.often}" for row in rows)
    return Plot(title, since, width, tuple(counts), f"{title}: {each}", "top.png")


def _period_and_project(words: Sequence[str]) -> tuple[timedelta, str]:
    length, wanted = DAY, ""
    for word in words:
        match = PERIOD.fullmatch(word)
        if match:
            length = timedelta(**{{"h": "hours", "d": "days"}[match[2]]: int(match[1])})
        elif wanted:
            raise UserError(f"one project at a time: not '{short(wanted, 40)}' and '{short(word, 40)}'")
        else:
            wanted = word
    if length > HISTORY:
        raise UserError(f"{_named(length)} is too long: at most {_named(HISTORY)}")
    return length, wanted


def _named(length: timedelta) -> str:
    hours = int(length.total_seconds()) // 3600
    return f"{hours // 24}d" if hours % 24 == 0 and hours > 24 else f"{hours}h"


VERBS = (
    Verb(
        "top", "[24h|7d] [PROJECT]", "the causes with the most failed builds, of this room's feeds", "top 24h nova", top
    ),
)
