"""The embedded search: the contract, what it cannot answer, and a writer in another process beside it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import tantivy

from bot.errors import UserError
from bot.lucene.tree import Node, Phrase, Range, Regex, Wildcard, Word
from bot.model import Complete, Unknown, Where
from bot.search import Question
from bot.search.embedded import EmbeddedSearch
from bot.search.embedded.writing import add
from tests.search.contract import DAY, FIRST, GATE, Fill, Logged, SearchContract, by_build, found, hours
from tests.search.layouts import documents


@pytest.fixture
async def search(tmp_path: Path) -> AsyncIterator[EmbeddedSearch]:
    adapter = EmbeddedSearch(tmp_path / "index", page=10)
    yield adapter
    await adapter.close()


@pytest.fixture
async def fill(search: EmbeddedSearch) -> Fill:
    async def put(builds: Sequence[Logged]) -> None:
        await asyncio.to_thread(add, search.path, documents("logsender", builds))

    return put


class TestEmbeddedSearch(SearchContract):
    pass


GOOD = Question("good", Phrase("message", "reset by peer"))


async def test_an_index_that_is_not_there_is_unknown(search: EmbeddedSearch) -> None:
    remedy = "run `gatewatch index DIR`, or the bot, which loads what `search.load` names"
    why = f"there is no index in {search.path}: {remedy}"
    assert await search.builds(DAY, Where()) == Unknown(why, [])
    assert await search.described(["x"], DAY) == Unknown(why, [])
    assert await search.hits([GOOD], None, DAY) == {"good": Unknown(why, [])}
    assert await search.lines("x", GOOD.tree, 9, DAY) == Unknown(why, [])
    assert await search.totals(DAY) == Unknown(why, ())
    assert await search.fields() == Unknown(why, {})
    assert not search.path.exists()


async def test_an_index_that_is_made_anew_is_read_anew(search: EmbeddedSearch, fill: Fill) -> None:
    await fill(GATE)
    before = await search.builds(DAY, Where())
    shutil.rmtree(search.path)
    assert isinstance(await search.builds(DAY, Where()), Unknown)
    await fill(GATE)
    assert await search.builds(DAY, Where()) == before


async def test_a_broken_index_is_unknown_until_it_is_whole(search: EmbeddedSearch, fill: Fill) -> None:
    await fill(GATE)
    meta = search.path / "meta.json"
    whole = meta.read_bytes()
    meta.write_text("{")
    answer = await search.builds(DAY, Where())
    assert isinstance(answer, Unknown)
    assert not answer.refused
    assert answer.why.startswith(f"the index in {search.path} cannot be read: ")
    meta.write_bytes(whole)
    assert isinstance(await search.builds(DAY, Where()), Complete)


async def test_an_index_of_another_version_is_neither_read_nor_written(search: EmbeddedSearch, tmp_path: Path) -> None:
    search.path.mkdir()
    tantivy.Index(tantivy.SchemaBuilder().build(), path=str(search.path))
    answer = await search.builds(DAY, Where())
    assert isinstance(answer, Unknown)
    with pytest.raises(UserError, match="was made by another version: remove the folder"):
        add(search.path, [])


async def test_a_refused_question_leaves_the_others_alone(search: EmbeddedSearch, fill: Fill) -> None:
    await fill(GATE)
    bad = Question("bad", Range("project", "a", "b"))
    answers = await search.hits([bad, GOOD], [FIRST.uuid], DAY)
    why = "the embedded index has no ranges of text (project): name the values with OR"
    assert answers["bad"] == Unknown(why, [], refused=True)
    assert by_build(found(answers["good"])) == {FIRST.uuid: 2}
    assert await search.lines(FIRST.uuid, bad.tree, 9, DAY) == Unknown(why, [], refused=True)


async def test_no_line_is_no_fault(search: EmbeddedSearch, fill: Fill) -> None:
    """tantivy panics on a limit of 0."""
    await fill(GATE)
    assert await search.lines(FIRST.uuid, GOOD.tree, 0, DAY) == Complete([])


async def test_huge_numbers_are_no_fault(search: EmbeddedSearch, fill: Fill) -> None:
    """tantivy raises OverflowError beyond 64 bits, and beyond 32 for a slop."""
    await fill(GATE)
    assert await search.builds(DAY, Where(change="9" * 30)) == Complete([])
    wide = Phrase("message", "connection peer", slop="9" * 30)
    assert len(found(await search.lines(FIRST.uuid, wide, 9, DAY))) == 2


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        (Range("@timestamp", "now-1d", None), "no date arithmetic (now-1d)"),
        (Range("@timestamp", "yesterday", None), "yesterday is no date"),
        (Range("@timestamp", "2026-13", None), "2026-13 is no date"),
        (Word("build_change", "x"), "build_change holds whole numbers, and x is none"),
        (Word("voting", "9" * 30), "too large a number"),
        (Range("@timestamp", "9" * 30, None), "too large a number"),
        (Wildcard("voting", "1*"), "voting holds numbers"),
        (Regex("message", "a@b"), "no operator @; write \\@"),
        (Regex("message", "\\d+"), "\\d means different things"),
        (Regex("message", "[a&&b]"), "the set [a&&b] means something else"),
        (Regex("message", "(?i)a"), "no part of Lucene's"),
        (Regex("message", "(a{1,1000}){1,1000}"), "exceeds size limit"),
        (Word("build_*", "x"), "one field at a time"),
    ],
)
async def test_says_what_it_cannot_answer(search: EmbeddedSearch, fill: Fill, tree: Node, why: str) -> None:
    await fill(GATE[:1])
    answers = await search.hits([Question("1", tree)], [FIRST.uuid], DAY)
    match answers["1"]:
        case Unknown(said, [], refused=True):
            assert why in said
        case other:
            pytest.fail(f"not refused: {other}")


async def test_lists_ten_thousand_builds_in_time(search: EmbeddedSearch) -> None:
    """The bound is 1.5 s; it takes 0.1 s."""
    many = ({"@timestamp": hours(2), "message": "x", "build_uuid": f"{number:032x}"} for number in range(10_001))
    add(search.path, many)
    started = time.monotonic()
    listed = found(await EmbeddedSearch(search.path).builds(DAY, Where()))
    assert time.monotonic() - started < 1.5
    assert len(listed) == 10_001
