"""`!gate` and `!top`: how the gate is, and what breaks it most."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from bot.commands.ask import Ask, Verb
from bot.commands.counts import (
    DAY,
    HISTORY,
    Often,
    by_cause,
    counted,
    counting_since,
    percent,
)
from bot.commands.reply import JOB, PROJECT, TITLE, Part, Piece, clock, project, reply, short, span
from bot.commands.words import blind, cause, none_here, nothing, passing
from bot.errors import UserError
from bot.grouping import Group, group
from bot.model import FAILED_RESULTS, Message, Ran
from bot.records import Failure, State
from bot.sparkline import sparkline

GATE_SPAN = timedelta(hours=6)  # of one stored sample of totals, and of !gate
SHOWN = 3
PERIOD = re.compile(r"([1-9]\d{0,2})([hd])")


async def gate(ask: Ask) -> Message:
    """Failed and all builds of the last 6 h, how usual that is, how much is known, and the worst causes."""
    since = ask.now - GATE_SPAN
    failures, rows = await ask.store.read(lambda tx: (tx.failures_since(since), tx.ran_since(ask.now - HISTORY)))
    there = [one for one in counted(failures, since) if one.build.pipeline in ask.pipelines]
    samples = _samples(rows, ask.pipelines)
    name = ", ".join(ask.pipelines) or "gate"
    if not there and not samples:
        return reply([f"{name}: {await nothing(ask)}", blind(ask)])
    unknown = [one for one in there if one.state is State.UNKNOWN]
    groups = await asyncio.to_thread(group, unknown)
    parts: list[Part] = [f"{name}: {_rate(there, samples, ask.now)}", _known(there), _worst(ask, there)]
    return reply([*parts, _new(groups), blind(ask)])


@dataclass(frozen=True, slots=True)
class Sample:
    """How many builds failed and ran in the 6 h before a time."""

    at: datetime
    failed: int
    ran: int


def _samples(rows: Iterable[tuple[datetime, Ran]], pipelines: Sequence[str]) -> list[Sample]:
    counts: defaultdict[datetime, Counter[bool]] = defaultdict(Counter)
    for at, row in rows:
        if row.pipeline in pipelines:
            counts[at][row.result in FAILED_RESULTS] += row.builds
    return [Sample(at, one[True], one[True] + one[False]) for at, one in sorted(counts.items()) if one.total()]


def _rate(there: Sequence[Failure], samples: Sequence[Sample], now: datetime) -> str:
    if not samples or now - samples[-1].at > GATE_SPAN:
        return f"{len(there)} failed last {span(GATE_SPAN)}, all builds not counted yet"
    last, first = samples[-1], samples[0]
    usual = f"counting since {clock(first.at, now)}"
    if now - first.at >= DAY:
        usual = f"usual {_share(median(one.failed / one.ran for one in samples))}"
    text = f"{last.failed} fail / {last.ran} builds last {span(GATE_SPAN)} ({_share(last.failed / last.ran)}, {usual})"
    # Totals are counted more rarely than failures are listed.
    return text + (f" as of {clock(last.at, now)}" if now - last.at > timedelta(hours=1) else "")


def _share(rate: float) -> str:
    return f"{100 * rate:.1f}".removesuffix(".0") + "%"


def _known(there: Sequence[Failure]) -> str:
    if not there:
        return ""
    states = Counter(one.state for one in there)
    unknown = f", {states[State.UNKNOWN]} unknown" if states[State.UNKNOWN] else ""
    pending = states[State.PENDING] + states[State.NOT_READY]
    waiting = f", {pending} not yet judged" if pending else ""
    return f"{percent(states[State.KNOWN], len(there))}% known{unknown}{waiting}"


def _worst(ask: Ask, there: Sequence[Failure]) -> Part:
    for id, failures in by_cause(there, ask.signatures).items():
        jobs = {one.build.job for one in failures}
        only = f" ({short(jobs.pop(), JOB)} only)" if len(jobs) == 1 and len(failures) > 1 else ""
        return ["worst: ", cause(ask, id), f" x{len(failures)}{only}"]
    return ""


def _new(groups: Sequence[Group]) -> str:
    return next((f"new: {one.id} x{len(one.failures)}" for one in groups if len(one.failures) > 1), "")


async def top(ask: Ask) -> Message:
    """The causes with the most failures, in a period and of a project."""
    length, wanted = _period_and_project(ask.words)
    since = ask.now - length
    all, rows = await ask.store.read(lambda tx: (tx.failures_since(since), tx.ran_since(ask.now - HISTORY)))
    failures = counted(all, since)
    there = [one for one in failures if not wanted or wanted in (one.build.project, project(one.build.project))]
    here = passing(ask, there)
    head = f"top {short(wanted, PROJECT)} {_named(length)}: ".replace("  ", " ")
    if not here:
        none = none_here(len(there)) if there else "no failures" if failures else await nothing(ask)
        return reply([head + none, blind(ask)])
    unknown = [one for one in here if one.state is State.UNKNOWN]
    groups = await asyncio.to_thread(group, unknown)
    first, *others = _ranked(ask, here, there, groups, since) or [["no cause twice"]]
    parts: list[Part] = [[head, *first], *others, f"unknown {len(unknown)}/{len(here)}"]
    # The first look of all goes back in time, so that builds may be older than the counting.
    covered = min(counting_since(None, rows, ask.health.started), *(one.newest for one in all))
    late = f"counting since {clock(covered, ask.now)}" if covered - since > length / 10 else ""
    return reply([*parts, late, blind(ask)])


def _ranked(
    ask: Ask, here: Sequence[Failure], there: Sequence[Failure], groups: Sequence[Group], since: datetime
) -> list[list[Piece]]:
    """The most frequent causes, known and new ones together."""
    totals = by_cause(there, ask.signatures)
    rows: list[tuple[Sequence[Failure], list[Piece]]] = []
    for id, failures in by_cause(here, ask.signatures).items():
        title = ask.signatures[id].title if id in ask.signatures else ""
        rows.append(
            (failures, [cause(ask, id), f" {Often(len(failures), len(totals[id]))}", f" {short(title, TITLE)}"])
        )
    for one in groups:
        if len(one.failures) > 1:
            rows.append((one.failures, [one.id, f" x{len(one.failures)}", " NEW, no signature"]))
    rows.sort(key=lambda row: -len(row[0]))
    return [
        _row(place, failures, words, len(here), since, ask.now)
        for place, (failures, words) in enumerate(rows[:SHOWN], 1)
    ]


def _row(
    place: int, failures: Sequence[Failure], words: list[Piece], all: int, since: datetime, now: datetime
) -> list[Piece]:
    bars = sparkline((one.newest for one in failures), since, now)
    share = f" {bars} {percent(len(failures), all)}%" + (" of failures" if place == 1 else "")
    name, count, rest = words
    return [f"{place}) ", name, count, share, rest]


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
        "gate",
        "",
        "failures and builds of the last 6 hours, how much of it is known, and the worst cause",
        "gate",
        gate,
    ),
    Verb(
        "top", "[24h|7d] [PROJECT]", "the causes with the most failed builds, of this room's feeds", "top 24h nova", top
    ),
)
