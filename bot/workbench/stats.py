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

AT_ONCE = 25  # signatures between two calls of the progress
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
class Asked:
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
) -> Asked:
    """Ask all signatures of all of the window. Raises nothing for what the index does: that is among the doubts."""
    asked = Asked()
    progress("listing failed builds", 0, 0)
    listed = await search.builds(window, Where(pipelines, tuple(sorted(FAILED_RESULTS))))
    asked.failures = {one.uuid: one for one in listed.found}
    asked.doubts += [f"not all failed builds were listed: {listed.why}"] if isinstance(listed, Unknown) else []
    asked.answers = await answers(search, trees, window, progress)
    hit = {hit.build for answer in asked.answers.values() for hit in answer.found}
    uuids = sorted(hit | asked.failures.keys())
    why = lacking(uuids, asked.builds, await describe(search, uuids, window, asked.builds, progress))
    asked.doubts += [why] if why else []
    return asked


async def answers(
    search: Search, trees: Mapping[str, Node], window: Window, progress: Progress = unseen
) -> dict[str, Answer[list[Hit]]]:
    """What each signature finds in all builds of the window, some signatures at a time."""
    found: dict[str, Answer[list[Hit]]] = {}
    match await questions(search, trees):
        case Unknown(why, _):
            return {id: Unknown(why, []) for id in trees}
        case Complete(all):
            for start in range(0, len(all), AT_ONCE):
                progress("asking signatures", start, len(all))
                found |= await search.hits(all[start : start + AT_ONCE], None, window)
    return found


def count(asked: Asked, signatures: Mapping[str, Signature], pipelines: Sequence[str], now: datetime) -> Stats:
    """The numbers of all that was asked. Pure.

    The rate is elastic-recheck's (uncategorized_fails.py): of the voting failed builds, those in which some signature
    is found; one that says nothing (suppress-notification) counts as well.
    """
    failures = {uuid: asked.builds[uuid] for uuid in asked.failures if uuid in asked.builds}
    voting = {uuid: build for uuid, build in failures.items() if build.voting}
    rows = [
        _row(signatures[id], answer, asked, failures if signatures[id].nonvoting else voting, pipelines, now)
        for id, answer in asked.answers.items()
    ]
    explained = {hit.build for answer in asked.answers.values() for hit in answer.found} & voting.keys()
    silent = sum(isinstance(answer, Unknown) for answer in asked.answers.values())
    unanswered = [f"{silent} of {len(asked.answers)} signatures did not answer completely"] if silent else []
    return Stats(
        sorted(rows, key=lambda row: (-row.failed.builds, -row.passed, row.id)),
        Share(len(explained), len(voting)),
        shares((voting[uuid] for uuid in explained), voting.values(), all=True),
        (*asked.doubts, *unanswered),
        not asked.doubts,
    )


def _row(
    signature: Signature,
    answer: Answer[list[Hit]],
    asked: Asked,
    failures: Mapping[str, Build],
    pipelines: Sequence[str],
    now: datetime,
) -> Row:
    own = [hit for hit in answer.found if hit.build in failures]
    others = (asked.builds.get(hit.build) for hit in answer.found)
    passed = sum(1 for one in others if one and one.pipeline in pipelines and sort_of(one) is Sort.PASSED)
    return Row(
        signature.id,
        Share(len(own), len(failures)),
        passed,
        sum(1 for hit in own if asked.failures[hit.build].newest >= now - DAY),
        max((hit.last for hit in own), default=None),
        shares((failures[hit.build] for hit in own), failures.values()),
        "; ".join([*([answer.why] if isinstance(answer, Unknown) else []), *asked.doubts]),
    )


def shares(some: Iterable[Build], of: Iterable[Build], all: bool = False) -> dict[str, Share]:
    """Per job how many of its builds these are, the most first; `all`: also jobs of which there is none."""
    mine, theirs = Counter(build.job for build in some), Counter(build.job for build in of)
    jobs = theirs if all else mine
    return {job: Share(mine[job], theirs[job]) for job in sorted(jobs, key=lambda job: (-jobs[job], job))}
