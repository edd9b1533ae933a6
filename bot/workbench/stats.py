"""How much each signature explains, and how much all of them do: counts over the index, by build."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.lucene.tree import Node
from bot.model import FAILED_RESULTS, Answer, Build, Complete, Hit, Listed, Signature, Unknown, Where, Window
from bot.search import Search
from bot.workbench.builds import Progress, Sort, describe, lacking, sort_of, unseen
from bot.workbench.known import questions

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Share:
    """Some builds of others."""

    builds: int
    of: int

    @property
    def percent(self) -> float | None:
        """With one digit; None of nothing."""
        return round(100 * self.builds / self.of, 1) if self.of else None


@dataclass(frozen=True, slots=True)
class Row:
    """What one signature was found in: builds of the watched pipelines that vote (with allow-nonvoting: all).

    `failed`: of all failed builds. `jobs`: per job that it explains failures of, the most first, of all that job's.
    `last`: its last line in one of them. `unknown`: why its counts are no more than a least, "" if they are all.
    """

    id: str
    failed: Share
    passed: int
    last_day: int
    last: datetime | None
    jobs: Mapping[str, Share]
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Stats:
    """The rows, the most frequent first; and the classification rate, of all failed builds and of each job's.

    `unknown`: why counts may be too small, in any row or rate; `listed`: not because failed builds are missing, so that
    the rates are no less than what they say.
    """

    rows: Sequence[Row]
    rate: Share
    jobs: Mapping[str, Share]
    unknown: Sequence[str] = ()
    listed: bool = True

    @property
    def complete(self) -> bool:
        """Is all of it sure?"""
        return not self.unknown


@dataclass(slots=True)
class Gathered:
    """What the index gave: the failed builds of the watched pipelines, what every signature found, whose builds."""

    failures: Mapping[str, Listed] = field(default_factory=dict)
    answers: dict[str, Answer[list[Hit]]] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)


async def ask(
    search: Search,
    trees: Mapping[str, Node],
    pipelines: tuple[str, ...],
    window: Window,
    progress: Progress = unseen,
) -> Gathered:
    """Ask all signatures of all of the window. Raises nothing for what the index does: that is among the doubts."""
    gathered = Gathered()
    progress("listing failed builds", 0, 0)
    listed = await search.builds(window, Where(pipelines, tuple(sorted(FAILED_RESULTS))))
    gathered.failures = {one.uuid: one for one in listed.found}
    gathered.doubts += [f"not all failed builds were listed: {listed.why}"] if isinstance(listed, Unknown) else []
    gathered.answers = await answers(search, trees, window, progress)
    hit = {hit.build for answer in gathered.answers.values() for hit in answer.found}
    uuids = sorted(hit | gathered.failures.keys())
    why = lacking(uuids, gathered.builds, await describe(search, uuids, window, gathered.builds, progress))
    gathered.doubts += [why] if why else []
    return gathered


async def answers(
    search: Search, trees: Mapping[str, Node], window: Window, progress: Progress = unseen
) -> dict[str, Answer[list[Hit]]]:
    """What each signature finds in all builds of the window.

    All are asked by one call, so that the search can join them and lists the builds once.
    """
    match await questions(search, trees):
        case Unknown(why, _):
            return {id: Unknown(why, []) for id in trees}
        case Complete(all):
            progress("asking signatures", 0, 0)
            return dict(await search.hits(all, None, window))


def count(gathered: Gathered, signatures: Mapping[str, Signature], pipelines: Sequence[str], now: datetime) -> Stats:
    """The numbers of all that was gathered. Pure.

    The rate is elastic-recheck's (uncategorized_fails.py): of the voting failed builds, those in which some signature
    is found; one that says nothing (suppress-notification) counts as well.
    """
    failures = {uuid: gathered.builds[uuid] for uuid in gathered.failures if uuid in gathered.builds}
    voting = {uuid: build for uuid, build in failures.items() if build.voting}
    rows = [
        _row(signatures[id], answer, gathered, failures if signatures[id].nonvoting else voting, pipelines, now)
        for id, answer in gathered.answers.items()
    ]
    explained = {hit.build for answer in gathered.answers.values() for hit in answer.found} & voting.keys()
    silent = sum(isinstance(answer, Unknown) for answer in gathered.answers.values())
    unanswered = [f"{silent} of {len(gathered.answers)} signatures did not answer completely"] if silent else []
    return Stats(
        sorted(rows, key=lambda row: (-row.failed.builds, -row.passed, row.id)),
        Share(len(explained), len(voting)),
        shares((voting[uuid] for uuid in explained), voting.values(), all=True),
        (*gathered.doubts, *unanswered),
        not gathered.doubts,
    )


def _row(
    signature: Signature,
    answer: Answer[list[Hit]],
    gathered: Gathered,
    failures: Mapping[str, Build],
    pipelines: Sequence[str],
    now: datetime,
) -> Row:
    own = [hit for hit in answer.found if hit.build in failures]
    others = (gathered.builds.get(hit.build) for hit in answer.found)
    passed = sum(1 for one in others if one and one.pipeline in pipelines and sort_of(one) is Sort.PASSED)
    return Row(
        signature.id,
        Share(len(own), len(failures)),
        passed,
        sum(1 for hit in own if gathered.failures[hit.build].newest >= now - DAY),
        max((hit.last for hit in own), default=None),
        shares((failures[hit.build] for hit in own), failures.values()),
        "; ".join([*([answer.why] if isinstance(answer, Unknown) else []), *gathered.doubts]),
    )


def shares(some: Iterable[Build], of: Iterable[Build], all: bool = False) -> dict[str, Share]:
    """Per job how many of its builds these are, the most first; `all`: also jobs of which there is none."""
    mine, theirs = Counter(build.job for build in some), Counter(build.job for build in of)
    jobs = theirs if all else mine
    return {job: Share(mine[job], theirs[job]) for job in sorted(jobs, key=lambda job: (-jobs[job], job))}
