"""Trying a query: the numbers against a count of the generated lines, the words, and what is missing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from math import comb

import pytest

from bot.lucene.parse import parse
from bot.model import FAILED_RESULTS, Answer, Build, Complete, Hit, Ran, Totals, Unknown, Window
from bot.search import Question, Search
from bot.workbench.asked import Asked, read
from bot.workbench.builds import Sort
from bot.workbench.known import classifier
from bot.workbench.trial import Trial, try_out
from bot.workbench.verdict import base, chance_of, found, lines, overlap, ran, verdict
from tests.fakes import Index
from tests.search.contract import Logged
from tests.workbench.gate import NOW, PHRASES, QUERIES, WINDOW, failed, passed, seen

TREES = {id: parse(query) for id, query in QUERIES.items()}


@pytest.mark.parametrize("phrase", PHRASES[:3])
async def test_the_numbers_are_those_of_the_lines(search: Search, gate: Sequence[Logged], phrase: str) -> None:
    trial = await try_out(search, read(f'message:"{phrase}"'), WINDOW, classifier(search, TREES, WINDOW), 60)
    there = seen(gate, phrase)
    mine = [one for one in there if one.times]
    assert (trial.missing, trial.doubts, trial.remarks) == ("", [], [])
    assert len(trial.of(Sort.FAILED)) == sum(map(failed, mine))
    assert len(trial.of(Sort.PASSED)) == sum(map(passed, mine))
    assert len(trial.of(Sort.NONVOTING)) == sum(not one.build.voting for one in mine)
    assert len(trial.hits) == len(mine)
    assert lines(trial) == sum(len(one.times) for one in mine)
    assert min(hit.first for hit in trial.hits) == min(at for one in mine for at in one.times)
    assert max(hit.last for hit in trial.hits) == max(at for one in mine for at in one.times)
    assert ran(trial, FAILED_RESULTS) == sum(map(failed, there))
    assert ran(trial, frozenset({"SUCCESS"})) == sum(map(passed, there))


async def test_overlap_is_counted_over_the_failed_builds(search: Search, gate: Sequence[Logged]) -> None:
    asked = read('message:"alpha fault" OR message:"line 0 of nothing"')
    trial = await try_out(search, asked, WINDOW, classifier(search, TREES, WINDOW), 60)
    explained = {id: set[str]() for id in QUERIES}
    for id, phrase in zip(QUERIES, PHRASES, strict=True):
        explained[id] = {one.build.uuid for one in seen(gate, phrase) if failed(one) and one.times}
    all_failed = {one.build.uuid for one in seen(gate, "") if failed(one)}
    assert trial.known == Counter({id: len(own) for id, own in explained.items() if own})
    assert trial.compared == len(all_failed)
    assert trial.alone == len(all_failed - set().union(*explained.values())) > 0
    assert f"#a {len(explained['a'])}, #b" in overlap(trial, 3)


@pytest.mark.parametrize("query", ['build_status:* AND "MadeUpFault"', 'message:"MadeUpFault: was raised"'])
async def test_a_word_that_only_stands_inside_another_is_said_of_what_finds_nothing(search: Search, query: str) -> None:
    trial = await try_out(search, read(query), WINDOW, None, 60)
    assert (trial.hits, trial.doubts) == ([], [])
    said = [one.message for one in trial.remarks if one.at == query.index('"')]
    assert said[-1].startswith("MadeUpFault stands inside gate.lib.exceptions.MadeUpFault, which is one word: write ")


# -- the words --------------------------------------------------------------------------------------------------


def tried(failed: int, passed: int, totals: tuple[int, int] | None = (100, 900), **changes: object) -> Trial:
    trial = Trial(WINDOW)
    for number in range(failed + passed):
        build = Build(f"{number}", "unit", "FAILURE" if number < failed else "SUCCESS")
        trial.builds[build.uuid] = build
        trial.hits.append(Hit("query", build.uuid, 2, NOW, NOW))
    if totals:
        trial.totals = (Ran("gate", "p", "unit", "FAILURE", totals[0]), Ran("gate", "p", "unit", "SUCCESS", totals[1]))
    for name, value in changes.items():
        setattr(trial, name, value)
    return trial


@pytest.mark.parametrize(
    ("trial", "words"),
    [
        (tried(0, 0), "nothing is found"),
        (tried(9, 1), "good: 10% of these builds passed, elastic-recheck allows 10%"),
        (tried(8, 1), "not good enough: 11% of these builds passed, elastic-recheck allows 10%"),
        (tried(84, 10), "not good enough: 10.6% of these builds passed, elastic-recheck allows 10%"),
        (tried(20, 0), "good: 0% of these builds passed, elastic-recheck allows 10%"),
        (tried(0, 3), "not good: it is found in 3 passed builds and in no failed one"),
        (tried(9, 1, None), "good: 10% of these builds passed, elastic-recheck allows 10%"),
        (tried(5, 0, missing="2 of 5 shards failed"), "no verdict: the answer is not complete"),
        (tried(0, 0, missing="2 of 5 shards failed"), "no verdict: the answer is not complete"),
        (tried(0, 0, missing="no", refused=True), "no verdict: the query is refused"),
    ],
)
def test_the_rule_of_ten_percent(trial: Trial, words: str) -> None:
    assert verdict(trial) == words


def test_where_nearly_all_builds_fail_few_passed_ones_prove_nothing() -> None:
    """Three failed builds of a gate where 13 of 17 fail: any three would be so in 45 of 100 cases."""
    trial = tried(3, 0, (13, 4))
    assert chance_of(3, 0, trial) == pytest.approx((13 / 17) ** 3)
    assert verdict(trial).startswith("good so far (0% of these builds passed), but too few builds to be sure: ")
    assert verdict(trial).endswith("chance alone gives that in 45% of cases")
    assert verdict(tried(3, 0)).startswith("good: 0%")
    assert "chance alone gives that in 100% of cases" in verdict(tried(30, 0, (30, 0)))


@pytest.mark.parametrize(("failed", "passed"), [(3, 0), (40, 4), (700, 60), (3000, 300)])
def test_chance_is_exact_however_many_builds_there_are(failed: int, passed: int) -> None:
    """Against whole numbers: half of the window's builds passed."""
    taken = failed + passed
    exact = Fraction(sum(comb(taken, few) for few in range(passed + 1)), 2**taken)
    assert chance_of(failed, passed, tried(1, 0, (500, 500))) == pytest.approx(float(exact), rel=1e-9, abs=1e-300)


def test_a_cause_of_thousands_of_builds_has_a_verdict() -> None:
    assert verdict(tried(3000, 300, (3100, 60_000))).startswith("good: 9.1% of these builds passed")
    assert verdict(tried(3000, 300, (30_000, 3000))).startswith("good so far (9.1%")


def test_the_base_rate_is_named() -> None:
    assert base(tried(9, 1)) == "9 of 100 failed and 1 of 900 passed builds have it"
    assert base(tried(9, 1, None)) == base(tried(9, 1, missing="2 of 5 shards failed")) == ""


def test_what_is_no_vote_is_counted_apart() -> None:
    trial = tried(2, 1)
    trial.builds["0"] = Build("0", "unit", "FAILURE", voting=False)
    trial.builds["1"] = Build("1", "unit", "CANCELED")
    assert found(trial) == "0 failed and 1 passed build, 1 non-voting, 1 of other results"
    del trial.builds["2"]
    trial.missing = "not all builds were described"
    assert found(trial) == "at least 0 failed and 0 passed builds, 1 non-voting, 1 of other results, 1 without metadata"


# -- what is missing --------------------------------------------------------------------------------------------

SHORT = Window(NOW - timedelta(hours=24), NOW + timedelta(hours=1))
BOOM = Asked('message:"boom"', parse('message:"boom"'))


def index_with(*uuids: str) -> Index:
    index = Index()
    for uuid in uuids:
        index.add(Build(uuid, "unit", "FAILURE", pipeline="gate"), "boom", at=NOW - timedelta(hours=1))
    return index


async def test_an_unknown_answer_gives_what_it_gave_and_no_verdict() -> None:
    index = index_with("a", "b")
    index.shaky = {"query"}
    trial = await try_out(index, BOOM, SHORT)
    assert (len(trial.hits), trial.missing, trial.doubts) == (2, "1 of 5 shards failed", ["1 of 5 shards failed"])
    assert found(trial).startswith("at least 2 failed")
    assert verdict(trial) == "no verdict: the answer is not complete"


async def test_builds_without_metadata_are_no_passed_and_no_failed_ones() -> None:
    index = index_with("a", "b")
    index.undescribed = "502"
    trial = await try_out(index, BOOM, SHORT)
    assert len(trial.of(Sort.NAMELESS)) == 2
    assert trial.doubts == ["2 builds without metadata: 502"]
    assert verdict(trial).startswith("no verdict")


async def test_a_whole_answer_that_leaves_builds_out_is_no_verdict() -> None:
    index = index_with("a", "b", "c")
    index.nameless = {"b", "c"}
    trial = await try_out(index, BOOM, SHORT)
    assert trial.doubts == ["2 builds without metadata: the index gave none"]
    assert found(trial) == "at least 1 failed and 0 passed builds, 2 without metadata"
    assert verdict(trial) == "no verdict: the answer is not complete"


async def test_without_the_fields_nothing_is_asked() -> None:
    index = index_with("a")
    index.shapeless = "no fields in 30 s"
    trial = await try_out(index, BOOM, SHORT)
    assert (trial.missing, trial.hits, index.asked) == ("no fields in 30 s", [], [])


async def test_signatures_that_do_not_answer_are_counted() -> None:
    index = index_with("a")

    async def classify(uuids: Sequence[str]) -> Mapping[str, Answer[list[Hit]]]:
        return {"x": Complete([]), "y": Unknown("timed out", [Hit("y", "a", 1, NOW, NOW)])}

    trial = await try_out(index, BOOM, SHORT, classify)
    assert (trial.known, trial.alone, trial.doubts) == (Counter(y=1), 0, ["1 known signature did not answer"])
    assert overlap(trial, 3) == "#y 1; at most 0 of 1 failed build explained by no known signature"


async def test_of_signatures_that_are_all_silent_nothing_is_said() -> None:
    index = index_with("a")

    async def classify(uuids: Sequence[str]) -> Mapping[str, Answer[list[Hit]]]:
        return {"x": Unknown("timed out", []), "y": Unknown("timed out", [])}

    trial = await try_out(index, BOOM, SHORT, classify)
    assert (trial.alone, trial.doubts) == (None, ["2 known signatures did not answer"])
    assert overlap(trial, 3) == ""


class Slow(Index):
    """Some of its answers never come: time is over when one of them is asked for."""

    def __init__(self, stuck: str, limit: asyncio.Timeout) -> None:
        super().__init__()
        self.stuck = stuck
        self.limit = limit

    async def _wait(self, name: str) -> None:
        if name == self.stuck:
            self.limit.reschedule(asyncio.get_running_loop().time())
            await asyncio.Event().wait()

    async def hits(
        self, questions: Sequence[Question], uuids: Sequence[str] | None, window: Window
    ) -> Mapping[str, Answer[list[Hit]]]:
        await self._wait("hits")
        return await super().hits(questions, uuids, window)

    async def described(self, uuids: Sequence[str], window: Window) -> Answer[list[Build]]:
        await self._wait("described")
        return await super().described(uuids, window)

    async def totals(self, window: Window) -> Answer[Totals]:
        await self._wait("totals")
        return await super().totals(window)


@pytest.mark.parametrize(
    ("stuck", "doubt", "hits"),
    [
        ("hits", "cut after 7 s: the index has not answered yet", 0),
        ("described", "cut after 7 s: not all builds were described", 1),
        (
            "totals",
            "cut after 7 s: the builds of the window were not counted and known signatures were not compared",
            1,
        ),
    ],
)
async def test_it_takes_no_longer_than_its_patience(
    stuck: str, doubt: str, hits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = asyncio.timeout(None)
    asked: list[float] = []
    monkeypatch.setattr(asyncio, "timeout", lambda seconds: asked.append(seconds) or limit)
    index = Slow(stuck, limit)
    index.add(Build("a", "unit", "FAILURE", pipeline="gate"), "boom", at=NOW - timedelta(hours=1))
    trial = await try_out(index, BOOM, SHORT, patience=7)
    assert asked == [7]
    assert (trial.doubts, len(trial.hits)) == ([doubt], hits)
    assert verdict(trial).startswith("no verdict" if stuck != "totals" else "good: 0%")
