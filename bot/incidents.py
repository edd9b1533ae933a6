"""What is known of a failed build, and what changed in that. Pure: no client, no clock, no store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.model import Build, Listed, Signature
from bot.records import Failure, News, State

# A build whose newest line is older than this when it is first listed has all its logs and all its siblings.
LONG_OVER = timedelta(hours=1)
OPEN_STATES = frozenset({State.PENDING, State.NOT_READY})
SAID_STATES = frozenset({State.KNOWN, State.UNKNOWN, State.NOT_READY})


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait for what (the config file's `builds`)."""

    settle: timedelta = timedelta(seconds=150)
    hold: timedelta = timedelta(seconds=90)
    hold_at_most: timedelta = timedelta(minutes=5)
    wait_for_logs: timedelta = timedelta(minutes=20)
    say_within: timedelta = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Judged:
    """A failure and what is known of it: `causes` are signature ids, `unanswered` how many could not be asked."""

    failure: Failure
    state: State
    causes: tuple[str, ...] = ()
    unanswered: int = 0

    @property
    def build(self) -> Build:
        return self.failure.build

    @property
    def said(self) -> bool:
        """Is this a state that rooms are told?"""
        return self.state in SAID_STATES

    @property
    def quiet(self) -> bool:
        """Is it explained only by signatures that are newer than the build?"""
        explaining = [found for found in self.failure.found if found.hit.signature in self.causes]
        return bool(explaining) and all(found.quiet for found in explaining)

    @property
    def long_over(self) -> bool:
        """Had it ended so long before it was first listed that no sibling is to be waited for?"""
        return self.failure.first_seen - self.failure.newest > LONG_OVER


def first_listed(
    build: Build, unit: str, listed: Listed, now: datetime, waits: Waits, complete: bool = True
) -> Failure:
    """A build that no tick has seen before. Who does not wait for logs to settle takes it as it is.

    `complete`: the listing was; nothing settles on one that was not.
    """
    age = now - listed.newest
    return Failure(
        build=build,
        unit=unit,
        first_seen=now,
        waits_from=now,
        newest=listed.newest,
        documents=listed.documents,
        count_since=now,
        settled=not waits.settle or (complete and age > LONG_OVER),
        old=age > waits.say_within,
    )


def listed_again(failure: Failure, listed: Listed, now: datetime, waits: Waits, complete: bool = True) -> Failure:
    """The same build at a later tick: more documents open it again, the same number for long enough settles it.

    Fewer documents (lines that left the index) are no news about the build. Lines that came later may tell more, so
    they are looked through again.
    """
    newest = max(failure.newest, listed.newest)
    if listed.documents > failure.documents:
        grown = replace(failure, newest=newest, documents=listed.documents, count_since=now)
        return replace(grown, settled=False, reason_asked=False)
    settled = failure.settled or (complete and now - failure.count_since >= waits.settle)
    return replace(failure, newest=newest, settled=settled)


def judge(failure: Failure, signatures: Mapping[str, Signature], now: datetime, waits: Waits) -> Judged:
    """Known at once by a hit; unknown when settled and every signature answered, or the wait for that is over."""
    unanswered = sum(row.count for row in failure.unsearched)
    explaining = [found.hit.signature for found in failure.found if _explains(failure, found.hit.signature, signatures)]
    causes = tuple(id for id in explaining if id not in signatures or signatures[id].notify)
    if causes:
        return Judged(failure, State.KNOWN, causes, unanswered)
    if not failure.build.voting:
        return Judged(failure, State.NONVOTING, (), unanswered)
    if explaining:
        return Judged(failure, State.EXPLAINED, tuple(explaining), unanswered)
    waited = now - failure.waits_from >= waits.wait_for_logs
    if failure.settled:
        answered = failure.asked >= 0 and not failure.unsearched
        return Judged(failure, State.UNKNOWN if answered or waited else State.PENDING, (), unanswered)
    return Judged(failure, State.NOT_READY if waited else State.PENDING, (), unanswered)


def _explains(failure: Failure, id: str, signatures: Mapping[str, Signature]) -> bool:
    """A non-voting build is explained by signatures that allow it only."""
    return failure.build.voting or (id in signatures and signatures[id].nonvoting)


def news(judged: Iterable[Judged], now: datetime) -> list[News]:
    """What changed in these builds since the store last wrote their state."""
    return [
        News(now, one.failure.unit, one.build.uuid, one.state, one.causes[0] if one.causes else "")
        for one in judged
        if one.state is not one.failure.state
    ]


def unit_base(build: Build) -> str:
    """What speaks once: the buildset; without one all that names one run of a pipeline over a change."""
    if build.buildset:
        return build.buildset
    return "|".join((build.project, build.branch, build.ref, build.change, build.patchset, build.pipeline))


def unit_of(build: Build, like: Iterable[tuple[str, frozenset[str]]]) -> str:
    """The unit of a new build; `like`: the units of the same base that are there, each with its job names.

    Without a buildset a job name that comes a second time is a recheck, and starts a new unit.
    """
    base = unit_base(build)
    if build.buildset:
        return base
    there = dict(like)
    latest = base if len(there) <= 1 else f"{base}#{len(there)}"
    if build.job not in there.get(latest, frozenset()):
        return latest
    return f"{base}#{len(there) + 1}"
