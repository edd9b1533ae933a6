"""`!gate`: how the gate is."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from bot.commands.ask import Ask, Verb
from bot.commands.counts import (
    DAY,
    HISTORY,
    by_cause,
    counted,
    percent,
)
from bot.commands.reply import JOB, Part, clock, reply, short, span
from bot.commands.words import blind, cause, nothing
from bot.grouping import Group, group
from bot.model import FAILED_RESULTS, Ran
from bot.records import Failure, State
from bot.talk import Message

GATE_SPAN = timedelta(hours=6)  # of one stored sample of totals, and of !gate


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


VERBS = (
    Verb(
        "gate",
        "",
        "failures and builds of the last 6 hours, how much of it is known, and the worst cause",
        "gate",
        gate,
    ),
)
