"""Stats and dead signatures: the numbers against a count of the generated builds, on both engines; what is unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import UserError
from bot.lucene.parse import parse
from bot.model import Answer, Build, Complete, Ran, Totals, Unknown, Window
from bot.search import Search
from bot.workbench.dead import find, kept, must_reach
from bot.workbench.stats import Row, Share, Stats, ask, count
from tests.fakes import Index, signature
from tests.search.contract import Logged
from tests.workbench.gate import DAY, NOW, PHRASES, QUERIES, WINDOW, Seen, failed, passed, seen

TREES = {id: parse(query) for id, query in QUERIES.items()}
SIGNATURES = {id: signature(id, query, nonvoting=id == "b") for id, query in QUERIES.items()}
GATE = ("gate",)


async def stats_of(search: Search, window: Window = WINDOW, now: datetime = NOW) -> Stats:
    return count(await ask(search, TREES, GATE, window), SIGNATURES, GATE, now)


def failures_of(gate: Sequence[Logged], phrase: str, nonvoting: bool = False) -> list[Seen]:
    """All failed builds of the gate pipeline; with the times at which one phrase was in them."""
    there = [one for one in seen(gate, phrase) if one.build.pipeline == "gate"]
    return [one for one in there if failed(replace(one, build=replace(one.build, voting=True)) if nonvoting else one)]


def expected(gate: Sequence[Logged], id: str, phrase: str) -> Row:
    nonvoting = SIGNATURES[id].nonvoting
    failures = failures_of(gate, phrase, nonvoting)
    own = [one for one in failures if one.times]
    of, mine = Counter(one.build.job for one in failures), Counter(one.build.job for one in own)
    return Row(
        id,
        Share(len(own), len(failures)),
        sum(1 for one in seen(gate, phrase) if one.build.pipeline == "gate" and passed(one) and one.times),
        sum(1 for one in own if one.newest >= NOW - DAY),
        max((max(one.times) for one in own), default=None),
        {job: Share(number, of[job]) for job, number in mine.items()},
    )


async def test_every_number_of_every_signature(search: Search, gate: Sequence[Logged]) -> None:
    found = await stats_of(search)
    assert found.complete
    rows = {row.id: row for row in found.rows}
    assert rows == {id: expected(gate, id, phrase) for id, phrase in zip(QUERIES, PHRASES, strict=True)}
    assert rows["a"].failed.builds > rows["c"].failed.builds > rows["d"].failed.builds == 0
    assert rows["b"].failed.of > rows["a"].failed.of
    assert [row.id for row in found.rows] == sorted(rows, key=lambda id: -rows[id].failed.builds)


async def test_the_classification_rate_is_over_the_failed_builds(search: Search, gate: Sequence[Logged]) -> None:
    found = await stats_of(search)
    failures = failures_of(gate, "")
    known = {one.build.uuid for phrase in PHRASES for one in failures_of(gate, phrase) if one.times}
    of = Counter(one.build.job for one in failures)
    mine = Counter(one.build.job for one in failures if one.build.uuid in known)
    assert found.rate == Share(len(known), len(failures))
    assert found.jobs == {job: Share(mine[job], number) for job, number in of.items()}
    assert 0 < found.rate.builds < found.rate.of


def one_failed(*messages: str) -> Index:
    index = Index()
    build = Build("a", "unit", "FAILURE", pipeline="gate")
    index.add(build, *messages, at=NOW - timedelta(hours=1))
    return index


async def test_a_signature_that_did_not_answer_is_marked_with_what_it_gave() -> None:
    index = one_failed("alpha fault", "beta fault")
    index.shaky, index.silent = {"a"}, {"c"}
    found = await stats_of(index)
    rows = {row.id: row for row in found.rows}
    assert (rows["a"].failed.builds, rows["a"].unknown) == (1, "1 of 5 shards failed")
    assert (rows["c"].failed.builds, rows["c"].unknown) == (0, "timed out")
    assert (rows["b"].failed.builds, rows["b"].unknown) == (1, "")
    assert (found.complete, found.unknown) == (False, ("2 of 4 signatures did not answer completely",))


@pytest.mark.parametrize(
    ("broken", "doubt"),
    [
        ("partly", "not all failed builds were listed: x"),
        ("undescribed", "1 build without metadata: x"),
        ("shapeless", "4 of 4 signatures did not answer completely"),
        ("down", "not all failed builds were listed: x"),
    ],
)
async def test_what_was_not_listed_or_described_is_said(broken: str, doubt: str) -> None:
    index = one_failed("alpha fault")
    setattr(index, broken, "x")
    found = await stats_of(index)
    assert not found.complete and found.unknown[0] == doubt
    assert all(row.unknown for row in found.rows)
    assert found.listed == (broken == "shapeless")


async def test_all_signatures_are_asked_by_one_call() -> None:
    """Then the search joins them, and lists the builds once."""
    index = one_failed("alpha fault")
    trees = {f"s{number}": parse(f"message:{number}") for number in range(100)}
    await ask(index, trees, GATE, WINDOW)
    assert index.asked == [frozenset(trees)]


# -- dead ones --------------------------------------------------------------------------------------------------


async def test_dead_is_what_no_build_of_the_days_has(search: Search, gate: Sequence[Logged]) -> None:
    for days in (1, 3, 10):
        window = Window(NOW - days * DAY, NOW + DAY)
        alive = {
            id for id, phrase in zip(QUERIES, PHRASES, strict=True) if any(o.times for o in seen(gate, phrase, window))
        }
        found = await find(search, TREES, NOW, days)
        assert (set(found.alive), set(found.dead), found.unsure) == (alive, set(QUERIES) - alive, {})
    assert "d" in found.dead and "a" in found.alive


async def test_nothing_is_dead_where_the_index_does_not_reach_back(search: Search, gate: Sequence[Logged]) -> None:
    oldest = min(line.at for one in gate if one.build.voting for line in one.lines)
    reach = (NOW - oldest) // DAY
    assert 10 <= reach < 15
    with pytest.raises(UserError, match=f"older than 15 days, .* it reaches back {reach} days: --days {reach} can be"):
        await find(search, TREES, NOW, 15)
    await must_reach(search, NOW, reach)
    with pytest.raises(UserError, match="no build of the last 1 day, so"):
        await find(search, TREES, NOW + 60 * DAY, 1)


class Long(Index):
    """An index that reaches back as far as one likes."""

    async def totals(self, window: Window) -> Answer[Totals]:
        rows = (Ran("gate", "p", "unit", "FAILURE", 1),)
        return Unknown(self.down, ()) if self.down else Complete(rows)


async def test_a_signature_that_did_not_answer_is_never_dead() -> None:
    index = Long()
    index.add(Build("a", "unit", "FAILURE", pipeline="gate"), "alpha fault", "beta fault", at=NOW - DAY)
    index.shaky, index.silent = {"a", "c"}, {"b"}
    found = await find(index, TREES, NOW, 10)
    assert (found.alive, found.dead) == (["a"], ["d"])
    assert found.unsure == {"b": "timed out", "c": "1 of 5 shards failed"}
    index.down = "no answer"
    with pytest.raises(UserError, match="how far the index reaches back is not known: no answer"):
        await find(index, TREES, NOW, 10)


async def test_a_field_that_the_index_lacks_makes_no_signature_dead() -> None:
    index = Long()
    index.add(Build("a", "unit", "FAILURE", pipeline="gate"), "alpha fault", at=NOW - DAY)
    queries = {"lacks": "filenam:x AND message:quux", "fine": "message:quux AND NOT filenam:x", "any": "*:* AND quux"}
    found = await find(index, {id: parse(query) for id, query in queries.items()}, NOW, 10)
    assert sorted(found.dead) == ["any", "fine"]
    assert found.unsure == {"lacks": "the index has no field filenam, so nothing can be found"}


class Gaps(Long):
    """It has no line of some days."""

    async def totals(self, window: Window) -> Answer[Totals]:
        blank = window.start >= NOW - 4 * DAY and window.end <= NOW - 2 * DAY
        return Complete(()) if blank else await super().totals(window)


async def test_days_without_any_line_are_counted() -> None:
    assert (await find(Gaps(), TREES, NOW, 10)).blank == 2
    assert (await find(Long(), TREES, NOW, 10)).blank == 0


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    made = [tmp_path / "shipped", tmp_path / "mine"]
    for folder in made:
        folder.mkdir()
        (folder / "both.yaml").touch()
        (folder / f"{folder.name}.yaml").touch()
    return made


def test_which_files_stay(folders: list[Path]) -> None:
    shipped, mine = folders
    plain = signature("x", "q")
    assert kept(plain, mine / "mine.yaml", folders, shipped) == ""
    assert kept(replace(plain, graph=False), mine / "mine.yaml", folders, shipped) == "suppress-graph is true"
    assert kept(plain, shipped / "shipped.yaml", folders, shipped).startswith("came with Gatewatch")
    assert kept(plain, mine / "both.yaml", folders, shipped) == f"{shipped}/both.yaml would take its place"
