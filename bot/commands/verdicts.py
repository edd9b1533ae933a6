"""What `!why` says of the failed builds of one run: from the store, or as they were found on the spot. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.commands.ask import Ask
from bot.commands.counts import DAY, by_cause, counted, often
from bot.commands.reply import JOB, REASON, TITLE, Link, Piece, project, reply, short, span
from bot.commands.spot import Spot
from bot.commands.words import cause
from bot.formatting import ADVICE
from bot.incidents import unit_base
from bot.model import Build, Line
from bot.reasons import telling
from bot.records import Failure, State
from bot.talk import Message

SHOWN = 4  # jobs of one answer


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of one failed build: the signatures that explain it, or `open`, what is said without one.

    `unknown`: no signature will explain it; else without causes it is too early to tell.
    """

    build: Build
    causes: tuple[str, ...] = ()
    open: str = ""
    unknown: bool = False
    line: Line | None = None


def told(failure: Failure, signatures: int) -> Told:
    """As the store has it; `signatures`: how many there are to ask."""
    causes = tuple(dict.fromkeys(one.hit.signature for one in failure.found))
    unanswered = _unanswered(sum(row.count for row in failure.unsearched), signatures)
    if causes:
        return Told(failure.build, causes)
    if failure.state is State.NOT_READY:
        return Told(failure.build, open=f"logs not ready{unanswered}")
    if failure.state is State.PENDING:
        waits = ", its signatures are being asked" if failure.settled else ", its logs still come in"
        return Told(failure.build, open=f"not yet known{unanswered or waits}")
    line = failure.reason
    words = f': "{short(telling(line), REASON)}"' if line else ", no telling line" if failure.reason_asked else ""
    return Told(failure.build, open=f"not known{words}{unanswered}", unknown=True, line=line)


def _unanswered(count: int, of: int) -> str:
    return f" ({count} of {of} signatures did not answer)" if count else ""


def spot_reply(ask: Ask, name: str, spot: Spot, recent: Sequence[Failure]) -> Message:
    """The newest run among what was found; what is missing is said, and never taken for nothing."""
    if not spot.builds:
        if spot.doubts:
            return reply([f"{name}: not in the store, and the index gave no answer", *spot.doubts])
        back = f" in the last {span(ask.now - ask.window.start)}" if ask.window else ""
        return reply([f"{name}: no failed build{back}"])
    run = [one for one in spot.builds if unit_base(one) == unit_base(spot.builds[0])]
    others = len({unit_base(one) for one in spot.builds}) - 1
    earlier = f"{others} earlier {'run' if others == 1 else 'runs'}" if others else ""
    return told_reply(ask, [_spotted(one, spot) for one in run], recent, ["asked just now", earlier, *spot.doubts])


def _spotted(build: Build, spot: Spot) -> Told:
    causes = tuple(spot.hits.get(build.uuid, ()))
    if causes:
        return Told(build, causes)
    if spot.unanswered is None:
        return Told(build, open="not classified")
    missing = _unanswered(spot.unanswered, spot.asked)
    return Told(build, open=f"not known{missing}", unknown=not missing)


def told_reply(ask: Ask, run: Sequence[Told], recent: Sequence[Failure], notes: Sequence[str]) -> Message:
    """`912345,3 nova gate FAILURE: tempest-full -> #2098765 title (known, x31 in 24h); ceph -> not known: "..."`."""
    ordered = sorted(run, key=lambda one: (not one.causes, not one.build.voting, one.build.job))
    build = ordered[0].build
    results = {one.build.result for one in ordered}
    pieces: list[Piece] = [Link(_name(build), ask.links.change(build.change))]
    pieces.append(f" {project(build.project)} {short(build.pipeline, 30)}".rstrip())
    pieces.append(f" {short(build.result, 20)}: " if len(results) == 1 else ": ")
    last_day = by_cause(counted(recent, ask.now - DAY), ask.signatures)
    for place, one in enumerate(ordered[:SHOWN]):
        pieces += ["; " if place else "", *_job(ask, one, len(results) > 1, last_day)]
    more = len(ordered) - SHOWN
    pieces += [f"; {more} more {'job' if more == 1 else 'jobs'}"] if more > 0 else []
    return reply([pieces, *notes], _page(ask, ordered), spared=_advice(ask, ordered))


def _name(build: Build) -> str:
    if build.change:
        return short(build.change + (f",{build.patchset}" if build.patchset else ""), 20)
    return short(build.branch or build.ref or build.uuid[:7], 60)


def _job(ask: Ask, one: Told, with_result: bool, last_day: Mapping[str, Sequence[Failure]]) -> list[Piece]:
    marks = [short(one.build.result, 20)] if with_result else []
    marks += [] if one.build.voting else ["non-voting"]
    job: list[Piece] = [Link(short(one.build.job, JOB), ask.links.build(one.build.uuid))]
    job.append(f" ({', '.join(marks)}) -> " if marks else " -> ")
    if not one.causes:
        return [*job, one.open]
    for place, id in enumerate(one.causes):
        title = short(ask.signatures[id].title, TITLE) if id in ask.signatures else ""
        seen = f", {often(last_day[id], ask.passes)} in 24h" if id in last_day else ""
        job += [" and " if place else "", cause(ask, id), f" {title}".rstrip() + f" (known{seen})"]
    return job


def _advice(ask: Ask, run: Sequence[Told]) -> str:
    """What to do about the run: what is open or wants a look comes first; "" where no signature advises."""
    advised = [(one, ask.signatures[id].advice) for one in run for id in one.causes if id in ask.signatures]
    look = [one for one in run if one.unknown and one.build.voting]
    look += [one for one, advice in advised if advice == "look"]
    if look:
        return f"advice: look at {short(look[0].build.job, JOB)} first" if len(run) > 1 else "advice: look at the log"
    words = {advice for _, advice in advised if advice}
    if "wait" in words:
        return f"advice: {ADVICE['wait']}"
    return f"advice: {ADVICE['recheck']}" if words else ""


def _page(ask: Ask, run: Sequence[Told]) -> str:
    """The log of the first failure that is not known, else the page of one build."""
    for one in run:
        if one.line is not None and (page := ask.links.log(one.line)):
            return page
    first = next((one for one in run if not one.causes), run[0])
    return ask.links.build(first.build.uuid)
