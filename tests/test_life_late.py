"""LIFE 1 and 2 on a real OpenSearch: however late and in whatever order lines come, each hit is found once."""

from __future__ import annotations

import os
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from bot.model import Answer, Hit, Listed, Unknown, Where, Window
from bot.records import State
from bot.search import Question
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from tests.fakes import MATRIX, MINUTE, Gate
from tests.late import SIGNATURES, Arrival, Schedule, schedule
from tests.served import Logs, documents

pytestmark = pytest.mark.xdist_group("opensearch")

EVENING = datetime(2026, 11, 20, 22, 40, tzinfo=UTC)  # the indices roll over in the middle
BUILDS = 12  # of one run, each by a schedule of its own
# How many evenings there are. A long run has 100: `make soak`.
RUNS = range(int(os.environ.get("GATEWATCH_RUNS", "3")))


class Busy(HttpSearch):
    """An index into which lines go on coming: `arrive` is called between a listing and the questions after it.

    `silent`: does a question not get a whole answer this time?
    """

    arrive: Callable[[], Awaitable[None]]
    silent: Callable[[], bool]

    async def builds(self, window: Window, where: Where) -> Answer[list[Listed]]:
        answer = await super().builds(window, where)
        await self.arrive()
        return answer

    async def hits(
        self, questions: Sequence[Question], uuids: Sequence[str] | None, window: Window
    ) -> Mapping[str, Answer[list[Hit]]]:
        answers = await super().hits(questions, uuids, window)
        return {id: Unknown("shaken", one.found[::2]) if self.silent() else one for id, one in answers.items()}


class Evening:
    """A gate with some builds, their lines on the way, and what has come of them so far.

    `shaky`: while lines come, some questions are not answered completely.
    """

    def __init__(self, gate: Gate, logs: Logs, seed: int, shaky: bool) -> None:
        self.shaky = shaky
        self.gate = gate
        self.logs = logs
        self.random = random.Random(seed)
        self.schedules = [self._schedule(number) for number in range(BUILDS)]
        self.coming = sorted((one for own in self.schedules for one in own.arrivals), key=lambda one: one.at)
        self.sent: list[Arrival] = []

    def _schedule(self, number: int) -> Schedule:
        """Every third change has two jobs."""
        change = 900_000 + number - (number % 3 == 2)
        build = self.gate.build(f"{number:032x}", f"job-{number}", str(change), tenant="openstack")
        return schedule(build, EVENING + self.random.random() * 30 * MINUTE, self.random)

    async def start(self) -> None:
        """The bot starts, or starts again on the same store."""
        if isinstance(self.gate.search, Busy):
            await self.gate.search.close()
        search = Busy(SearchConfig.model_validate({"url": self.logs.url, "index": self.logs.pattern}))
        search.arrive = lambda: self.arrive(self.gate.now + MINUTE / 2)
        search.silent = lambda: self.shaky and bool(self.coming) and self.random.random() < 0.2
        self.gate.search = search
        self.gate.start()

    async def arrive(self, until: datetime) -> None:
        """What is to come by then can be found, in the index of the day on which it was sent."""
        due = [one for one in self.coming if one.at <= until]
        self.coming = self.coming[len(due) :]
        for day in {one.at.date() for one in due}:
            of_day = [one for one in due if one.at.date() == day]
            await self.logs.send((doc for one in of_day for doc in documents(one.build, one.lines)), of_day[0].at)
        self.sent += due

    async def pass_by(self) -> None:
        """Until all has come and been looked at; now and then the bot is restarted, at once or after a while."""
        await self.start()
        quiet = before = 0
        while quiet < 8:
            await self.arrive(self.gate.now)
            quiet = 0 if self.coming or await self.unanswered() else quiet + 1
            listed = list(self.sent)
            await self.gate.tick(every=MINUTE if quiet else self.random.choice((1, 1, 2, 3)) * MINUTE)
            await self.assert_none_is_called_unknown_too_early(listed)
            await self.assert_all_are_listed_and_what_grew_is_open(listed[:before], listed[before:])
            before = len(listed)
            if self.random.random() < 0.05:
                self.gate.now += self.random.choice((0, 2, 20)) * MINUTE
                await self.start()

    async def unanswered(self) -> bool:
        failures = await self.gate.store.read(lambda tx: tx.failures(one.build.uuid for one in self.schedules))
        return any(one.unsearched for one in failures)

    async def assert_none_is_called_unknown_too_early(self, listed: list[Arrival]) -> None:
        """But after the wait for signatures that do not answer, of which the message says how many they are."""
        uuids = {one.build.uuid for one in listed for own in SIGNATURES if one.shows(own.id)}
        failures = await self.gate.store.read(lambda tx: tx.failures(uuids))
        assert [one.build.uuid for one in failures if one.state is State.UNKNOWN and not one.unsearched] == []

    async def assert_all_are_listed_and_what_grew_is_open(self, before: list[Arrival], new: list[Arrival]) -> None:
        there = {one.build.uuid for one in before}
        grown = there & {one.build.uuid for one in new}
        assert self.gate.ticks[-1].listed == len(there | {one.build.uuid for one in new})
        failures = await self.gate.store.read(lambda tx: tx.failures(grown))
        assert [one.build.uuid for one in failures if one.settled] == []

    # -- in the end ---------------------------------------------------------------------------------------------------

    async def assert_each_hit_is_found_once(self) -> None:
        failures = await self.gate.store.read(lambda tx: tx.failures(one.build.uuid for one in self.schedules))
        stored = {(own.hit.signature, own.hit.build): own.hit.count for one in failures for own in one.found}
        assert stored == await self._plain_counts()
        assert {one.build.uuid for one in failures if one.settled} == {one.build.uuid for one in self.schedules}
        assert {one.build.uuid: one.state for one in failures} == {one.build.uuid: one.state for one in self.schedules}

    async def _plain_counts(self) -> dict[tuple[str, str], int]:
        """One search per signature and build; the index has each word where it was planted, and nowhere else."""
        pairs = [(own.id, one.build.uuid) for one in self.schedules for own in SIGNATURES]
        query = {own.id: own.query for own in SIGNATURES}
        counts = {(id, uuid): await self.logs.count(uuid, query[id]) for id, uuid in pairs}
        found = {pair: count for pair, count in counts.items() if count}
        assert found.keys() == {(id, one.build.uuid) for one in self.schedules for id in one.causes}
        return found

    async def assert_each_change_was_told_once_and_right(self) -> None:
        spoken = {spoke.build: spoke for row in await self.gate.rows(MATRIX) for spoke in row.spoke}
        told = {uuid: (one.state, frozenset(one.causes)) for uuid, one in spoken.items()}
        assert told == {one.build.uuid: (one.state, one.causes) for one in self.schedules}
        for change in {one.build.change for one in self.schedules}:
            own = [one for one in self.schedules if one.build.change == change]
            irc = [line for line in self.gate.irc.told if f" {change}," in line]
            matrix = [line for line in self.gate.matrix.told if f" {change}," in line]
            assert_told(irc, ("now: ", "also: "), change)
            assert_told(matrix, ("edit of ",), change)
            causes = {id for one in own for id in one.causes}
            assert {one.id for one in SIGNATURES if f"#{one.id}" in matrix[-1]} == causes, (change, matrix)
            for one in own:
                assert sum(is_unknown(one.build.job, line) for line in irc) <= 1, (change, irc)
            if len(own) == 1:
                assert any(f"#{id}" in irc[-1] for id in causes) == bool(causes), (change, irc)
                assert ("unknown" in irc[-1]) != bool(causes), (change, irc)


def assert_told(lines: list[str], again: tuple[str, ...], change: str) -> None:
    """One announcement, then corrections, none of which says what the one before it said."""
    assert [line.startswith(again) for line in lines] == [False, *[True] * (len(lines) - 1)], (change, lines)
    assert all(text_of(one) != text_of(other) for one, other in pairwise(lines)), (change, lines)


def is_unknown(job: str, line: str) -> bool:
    """Does a line say so of this job?"""
    parts = line.partition(" failed: ")[2].split("; ")
    return any(
        job in jobs.split(", ") for jobs, _, words in (part.partition(": ") for part in parts) if "unknown" in words
    )


def text_of(line: str) -> str:
    return line[line.index("[") :]


@pytest.fixture
def logs(opensearch: str) -> Logs:
    return Logs(opensearch)


@pytest.mark.parametrize("seed", RUNS)
async def test_late_lines_are_found_and_what_was_said_is_corrected(
    logs: Logs, gates: Callable[..., Gate], seed: int
) -> None:
    gate = gates(signatures=SIGNATURES, now=EVENING, fold_over=0)
    evening = Evening(gate, logs, seed, shaky=seed % 2 == 1)
    try:
        await evening.pass_by()
    finally:
        await evening.gate.search.close()
    await evening.assert_each_hit_is_found_once()
    await evening.assert_each_change_was_told_once_and_right()
