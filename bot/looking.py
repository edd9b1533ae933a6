"""All searches of one batch of builds, before its transaction: metadata, signatures, the most telling lines."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.classify import Answers, Classifier, Patience, unsearched
from bot.incidents import OPEN_STATES, Waits, first_listed, listed_again
from bot.model import Build, Line, Listed, Unknown
from bot.records import ALL, Failure, Standing, State
from bot.sources import Source

REASONS_AT_ONCE = 4


@dataclass(slots=True)
class Looked:
    """What the searches said. `asked`: per build, its signatures that were; `reasons`: per build that was looked at.

    `complete`: the listing was. `blind`: metadata did not come, or a build is open of which no signature has answered
    yet (perhaps it is not its turn to be asked), while none answered for others either; no deadline passes then.
    """

    listed: Sequence[Listed]
    before: Mapping[str, Failure]
    complete: bool = True
    described: Mapping[str, Build] = field(default_factory=dict)
    asked: dict[str, frozenset[str]] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    reasons: dict[str, Line | None] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    blind: bool = False


class Looker:
    """Asks the source and the search about a batch.

    `off`: signatures that the server refused. `reasons`: builds whose most telling line did not come, and when it is
    looked for again; kept in memory only, since no message waits for it.
    """

    def __init__(self, source: Source, classifier: Classifier, waits: Waits) -> None:
        self.classifier = classifier
        self.off: frozenset[str] = frozenset()
        self.reasons = Patience()
        self._source = source
        self._waits = waits

    @property
    def on(self) -> frozenset[str]:
        """The signatures that are asked."""
        return self.classifier.ids - self.off

    def all_asked(self, looked: Looked, uuid: str) -> bool:
        """Was every signature asked of the build, as its documents are now?"""
        return looked.asked[uuid] >= self.on

    async def look(
        self, batch: Sequence[Listed], before: Mapping[str, Failure], complete: bool, now: datetime
    ) -> Looked:
        """New builds, and those of before that have something open."""
        looked = Looked(batch, before, complete)
        await self._describe(looked, now)
        for one in batch:
            looked.asked[one.uuid] = self._to_ask(one, before.get(one.uuid), now)
        await self._ask(looked, looked.asked, now)
        silent = [one.uuid for one in batch if self._unanswered(looked, one.uuid, now)]
        if self._answers(looked):  # so nothing is wrong with the search, and they need not wait for their turn
            again = {uuid: self.on for uuid in silent if not looked.asked[uuid]}
            looked.asked |= again
            await self._ask(looked, again, now)
        else:
            looked.blind = looked.blind or bool(silent)
        await self._find_reasons(looked, now)
        return looked

    async def look_again(self, failures: Sequence[Failure], ids: Sequence[str], now: datetime) -> Looked:
        """New or changed signatures, of builds that were asked before."""
        looked = Looked([], {one.build.uuid: one for one in failures})
        looked.asked = {uuid: frozenset(ids) for uuid in looked.before}
        await self._ask(looked, looked.asked, now)
        looked.blind = any(self._unanswered(looked, uuid, now) for uuid in looked.answers.why)
        return looked

    def seen(self, looked: Looked, one: Listed, now: datetime) -> Failure | None:
        """The build with what the listing says; None for a new one without metadata. A new one has no unit yet."""
        failure = looked.before.get(one.uuid)
        if failure is not None:
            return listed_again(failure, one, now, self._waits, looked.complete)
        build = looked.described.get(one.uuid)
        return None if build is None else first_listed(build, "", one, now, self._waits, looked.complete)

    async def _describe(self, looked: Looked, now: datetime) -> None:
        new = [one.uuid for one in looked.listed if one.uuid not in looked.before]
        if not new:
            return
        answer = await self._source.described(new, now)
        looked.described = {one.uuid: one for one in answer.found}
        if isinstance(answer, Unknown):
            looked.troubles.append(answer.why)
            looked.blind = True

    def _to_ask(self, one: Listed, failure: Failure | None, now: datetime) -> frozenset[str]:
        """All signatures where documents came since they were asked; else those that did not answer then."""
        if failure is None or one.documents > failure.asked:
            return self.on
        due = {row.signature for row in failure.unsearched if row.next_try <= now}
        return self.on if ALL in due else self.on & due

    async def _ask(self, looked: Looked, asked: Mapping[str, frozenset[str]], now: datetime) -> None:
        window = self._source.window(now)
        for ids in set(asked.values()):
            uuids = [uuid for uuid, own in asked.items() if own == ids]
            looked.answers.take(uuids, await self.classifier.ask(sorted(ids), uuids, window))
        why = looked.answers.why
        looked.troubles += [next(iter(why[uuid].values())) for uuid in asked if uuid in why]

    def _unanswered(self, looked: Looked, uuid: str, now: datetime) -> bool:
        """Is the build open, or asked now, and has none of the signatures that are on answered for it?"""
        failure, asked = looked.before.get(uuid), looked.asked[uuid]
        if failure is not None and failure.state not in OPEN_STATES and not asked:
            return False
        before = [] if failure is None else [row for row in failure.unsearched if row.signature in {*self.on, ALL}]
        rows = unsearched(before, asked, self.on, looked.answers.why.get(uuid, {}), now)
        return 0 < len(self.on) <= sum(row.count for row in rows)

    @staticmethod
    def _answers(looked: Looked) -> bool:
        """Did any signature answer for any build?"""
        return any(asked - looked.answers.why.get(uuid, {}).keys() for uuid, asked in looked.asked.items())

    async def _find_reasons(self, looked: Looked, now: datetime) -> None:
        """Of each build that may turn out unknown in this tick; what did not answer is asked later and later."""
        hit = {hit.build for hit in looked.answers.hits}
        window = self._source.window(now)
        gate = asyncio.Semaphore(REASONS_AT_ONCE)

        async def find(uuid: str) -> None:
            async with gate:
                answer = await self.classifier.reason(uuid, window)
            self.reasons.note(uuid, answer.why if isinstance(answer, Unknown) else "", now)
            if isinstance(answer, Unknown):
                looked.troubles.append(answer.why)
            else:
                looked.reasons[uuid] = answer.found

        wanted = [one.uuid for one in looked.listed if one.uuid not in hit and self._wants_reason(looked, one, now)]
        await asyncio.gather(*(find(uuid) for uuid in wanted))

    def _wants_reason(self, looked: Looked, one: Listed, now: datetime) -> bool:
        failure = self.seen(looked, one, now)
        if failure is None or failure.old or failure.found or failure.reason_asked:
            return False
        return failure.settled and failure.build.voting and self.reasons.due(one.uuid, now)


def needs(listed: Listed, standing: Standing | None, reason_due: bool, now: datetime) -> bool:
    """Has a tick anything to do for this build? One that is settled, judged and complete costs nothing more.

    `reason_due`: it may be asked for its most telling line.
    """
    if standing is None or listed.documents > standing.asked or not standing.settled:
        return True
    if standing.state in OPEN_STATES:
        return True
    if standing.state is State.UNKNOWN and not standing.reason_asked and not standing.old and reason_due:
        return True
    return standing.retry is not None and standing.retry <= now
