"""`!bug` and `!new`: one known cause, and the failures that no signature knows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.commands.ask import Ask, Verb
from bot.commands.counts import DAY, HISTORY, counted, often, shares
from bot.commands.reply import JOB, PROJECT, REASON, Link, Part, ago, clock, project, reply, short
from bot.commands.words import KEPT, beginning, blind, cause, none_here, nothing, passing
from bot.errors import UserError
from bot.grouping import Group, group
from bot.model import Signature
from bot.records import ALL, Failure, State
from bot.sparkline import sparkline
from bot.store import Tx
from bot.talk import Message
from bot.text import counted as counted_text
from bot.wording import nearest

ENOUGH = timedelta(hours=48)  # of history, from which on a usual rate is said
LONGEST_TITLE = 100
SENTENCE = 100
GROUPS = 4
HOURS = re.compile(r"([1-9]\d{0,2})h?")


async def bug(ask: Ask) -> Message:
    """What one signature is about, and how often it was seen."""
    id = _signature_id(ask)
    since = ask.now - KEPT
    found, begun, trouble = await ask.store.read(
        lambda tx: (tx.hit_builds(id, since), beginning(ask, tx), _trouble(ask, tx, id))
    )
    signature = ask.signatures.get(id)
    if signature is None and not found:
        raise UserError(_no_such(ask, id))
    hits = [one for one in found if one.build.voting or (signature is not None and signature.nonvoting)]
    head: list[Part] = [[cause(ask, id), f" {_title(signature)}".rstrip()], _nature(signature), trouble]
    page = ask.links.cause(signature) if signature else ask.links.bug(id)
    query = ask.query(id)
    search = Link("search", ask.links.discover(query, ask.now - DAY, ask.now) if query else "")
    if not hits:
        seen = "no hit is known" if trouble else "not seen"
        return reply([*head, f"{seen}; {_since(ask, begun)}", blind(ask)], page, search)
    jobs = "jobs: " + " ".join(f"{short(job, JOB)} {share}%" for job, share in shares([h.build.job for h in hits]))
    seen = _seen(id, hits, ask.now)
    return reply([*head, seen, _rate(ask, hits, begun), jobs, blind(ask)], page, search)


def _signature_id(ask: Ask) -> str:
    if not ask.words:
        raise UserError(f"which one? e.g. {ask.prefix}bug 2098765, or a signature's id: {ask.prefix}top lists some")
    word = ask.words[0].lstrip("#")
    if word in ask.signatures:
        return word
    same = [one.id for one in ask.signatures.values() if word and word in (one.bug, one.bug.rpartition("/")[2])]
    lower = [id for id in ask.signatures if id.lower() == word.lower()]
    return next(iter([*same, *lower]), word)


def _no_such(ask: Ask, id: str) -> str:
    near = nearest(id, list(ask.signatures))
    meant = f"did you mean {short(near, 60)}? " if near else ""
    return f"no signature is called {short(id, 60)}; {meant}{ask.prefix}top lists the frequent ones"


def _title(signature: Signature | None) -> str:
    return short(signature.title, LONGEST_TITLE) if signature else "(its signature's file is gone)"


def _nature(signature: Signature | None) -> str:
    if signature is None:
        return ""
    words = [f"advice: {signature.advice}" if signature.advice else ""]
    words += [f"resolved {short(signature.resolved_at, 30)}" if signature.resolved_at else ""]
    words += ["" if signature.notify else "explains builds, says nothing"]
    return ", ".join(word for word in words if word)


def _trouble(ask: Ask, tx: Tx, id: str) -> str:
    """Why what is known of it may not be all: the index refuses it, or has not answered it; "" if neither."""
    if id not in ask.signatures:
        return ""
    state = tx.signature_states().get(id)
    if state is not None and state.off:
        return f"off: {short(state.off, SENTENCE)}"
    rows = [row for row in tx.unanswered(ask.window.start) if row.signature in (id, ALL)] if ask.window else []
    if not rows:
        return ""
    number = counted_text(sum(row.builds for row in rows), "build")
    most = "up to " if any(row.signature == ALL for row in rows) else ""
    return f"unanswered in {most}{number}: {short(rows[0].why, SENTENCE)}"


def _seen(id: str, hits: Sequence[Failure], now: datetime) -> str:
    found = [one.hit for failure in hits for one in failure.found if one.hit.signature == id]
    return f"first {ago(min(h.first for h in found), now)}, last {ago(max(h.last for h in found), now)}"


def _rate(ask: Ask, hits: Sequence[Failure], beginning: datetime) -> str:
    day = ask.now - DAY
    last_day = [one for one in hits if one.newest >= day]
    usual = _since(ask, beginning)
    if ask.now - beginning >= ENOUGH:
        start = max(beginning, ask.now - HISTORY)
        before = sum(1 for one in hits if start <= one.newest < day)
        usual = f"usual {before / ((day - start) / DAY):.1f}".removesuffix(".0")
    bars = sparkline((one.newest for one in last_day), day, ask.now)
    return f"24h {often(last_day, ask.passes)} ({usual}) {bars}".rstrip()


def _since(ask: Ask, beginning: datetime) -> str:
    return f"counting since {clock(beginning, ask.now)}"


async def new(ask: Ask) -> Message:
    """Failures that no signature knows, those that look alike together."""
    hours = _hours(ask.words)
    since = ask.now - timedelta(hours=hours)
    there = counted(await ask.store.read(lambda tx: tx.failures_since(since)), since)
    failures = passing(ask, there)
    head = f"unknown {hours}h: "
    if not failures:
        return reply([head + (none_here(len(there)) if there else await nothing(ask)), blind(ask)])
    groups = await asyncio.to_thread(group, [one for one in failures if one.state is State.UNKNOWN])
    many = [one for one in groups if len(one.failures) > 1]
    single = [one for one in groups if len(one.failures) == 1 and one.line]
    shown: list[Part] = [_group(one) for one in (many or single)[:GROUPS]]
    more = len(many) - GROUPS
    rest = [f"{more} more groups" if more > 0 else ""]
    rest += [_once(len(single) if many else len(single) - GROUPS, bool(many))]
    silent = sum(1 for one in groups if not one.line)
    rest += [f"{silent} without a telling line" if silent else ""]
    waiting = sum(1 for one in failures if one.state in (State.PENDING, State.NOT_READY))
    rest += [f"{waiting} not yet judged" if waiting else ""]
    if not groups:
        rest = [f"none of {len(failures)} failures", *rest]
    parts = [part for part in [*shown, *rest] if part]
    return reply([_after(head, parts[0]), *parts[1:], blind(ask)])


def _once(count: int, all: bool) -> str:
    """How many stand alone, `all` of them or those beyond the ones shown."""
    return f"{count}{'' if all else ' more'} seen once" if count > 0 else ""


def _after(head: str, part: Part) -> Part:
    return head + part if isinstance(part, str) else [head, *part]


def _hours(words: Sequence[str]) -> int:
    match = HOURS.fullmatch(words[0]) if words else None
    hours = int(match[1]) if match else 6
    if (words and match is None) or timedelta(hours=hours) > KEPT:
        raise UserError(f"'{short(words[0], 40)}' is no number of hours from 1 to {KEPT // timedelta(hours=1)}")
    return hours


def _group(one: Group) -> str:
    projects = sorted({project(f.build.project) for f in one.failures})
    jobs = sorted({f.build.job for f in one.failures})
    where = f"{_named(projects, 'projects', PROJECT)} {_named(jobs, 'jobs', JOB)}"
    return f'{one.id} x{len(one.failures)} {where} "{short(one.line, REASON)}"'


def _named(names: Sequence[str], many: str, most: int) -> str:
    return short(names[0], most) if len(names) == 1 else f"{len(names)} {many}"


VERBS = (
    Verb(
        "bug",
        "N",
        "a known cause: what it is, how often and where it was seen; N is a bug or a signature's id",
        "bug 2098765",
        bug,
    ),
    Verb(
        "new", "[HOURS]", "failures that no signature knows, of this room's feeds, alike ones together", "new 12", new
    ),
)
