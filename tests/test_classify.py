"""Which signatures hit, which did not answer, and when those are asked again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.classify import Answers, Classifier, Patience, unsearched
from bot.lucene.parse import parse
from bot.model import Complete, Field, Hit, Unknown, Window
from bot.records import ALL, Unsearched
from bot.search import Question
from tests.fakes import BOOM, DAY, HOUR, MESSAGE, MINUTE, START, Gate, Index

HIT = Hit("a", "u1", 1, START, START)
WINDOW = Window(START - DAY, START + HOUR)


def row(signature: str, tries: int = 1, count: int = 1, minutes: int = 1) -> Unsearched:
    return Unsearched(signature, "timed out", tries, START + minutes * MINUTE, count)


def test_partial_answers_keep_their_hits_and_refused_ones_leave_nothing_open() -> None:
    answers = Answers()
    answers.take(
        ["u1", "u2"],
        {
            "a": Unknown("1 of 5 shards failed", [HIT]),
            "b": Complete([]),
            "c": Unknown("too long", [], refused=True),
        },
    )
    assert answers.hits == [HIT]
    assert answers.why == {uuid: {"a": "1 of 5 shards failed"} for uuid in ("u1", "u2")}
    assert answers.refused == {"c": "too long"}
    assert [answers.answered(id) for id in "abc"] == [False, True, False]
    assert [answers.settled(id) for id in "abc"] == [False, True, True]


def test_ten_rows_stay_ten_and_eleven_are_one() -> None:
    ten = {str(number): "timed out" for number in range(10)}
    assert len(unsearched([], ten.keys(), ten.keys(), ten, START)) == 10
    eleven = ten | {"10": "timed out"}
    assert unsearched([], eleven.keys(), eleven.keys(), eleven, START) == [row(ALL, count=11)]
    more = eleven.keys() | {"other"}
    assert unsearched([row("other")], ten.keys(), more, ten, START) == [row(ALL, tries=2, count=11, minutes=2)]


def test_what_the_one_row_stands_for_stays_counted() -> None:
    ten = {str(number): "timed out" for number in range(10)}
    on = {str(number) for number in range(40)}
    assert unsearched([row(ALL, count=20)], ten.keys(), on, ten, START) == [row(ALL, 2, 30, 2)]
    assert unsearched([row(ALL, count=35)], ten.keys(), on, ten, START) == [row(ALL, 2, 40, 2)]  # there are no more


def test_what_answered_is_no_row_any_more() -> None:
    before = [row("a"), row("b")]
    assert unsearched(before, {"a"}, {"a", "b"}, {}, START) == [row("b")]
    assert unsearched([row(ALL, count=11)], {"a"}, {"a", "b"}, {}, START) == [row(ALL, count=11)]
    assert unsearched([row(ALL, count=11)], {"a", "b"}, {"a", "b"}, {}, START) == []


def test_each_is_asked_again_later_and_later_up_to_30_minutes() -> None:
    rows: list[Unsearched] = []
    waits = []
    for _ in range(8):
        rows = unsearched(rows, {"a"}, {"a"}, {"a": "timed out"}, START)
        waits.append((rows[0].next_try - START) / MINUTE)
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_patience_grows_with_each_failure_and_ends_with_success() -> None:
    patience = Patience()
    assert patience.due("a", START)
    patience.note("a", "timed out", START)
    assert not patience.due("a", START + timedelta(seconds=59))
    assert patience.due("a", START + MINUTE) and patience.due("b", START)
    patience.note("a", "timed out", START)
    assert not patience.due("a", START + MINUTE)
    patience.note("a", "", START)
    assert patience.due("a", START)


def test_patience_forgets_what_is_gone() -> None:
    patience = Patience()
    patience.note("a", "timed out", START)
    patience.note("b", "timed out", START - MINUTE)
    assert patience.waits(START) and not patience.waits(START + MINUTE)
    patience.keep({"b"})
    assert not patience.waits(START) and patience.due("a", START)


async def test_questions_follow_the_fields_of_the_index() -> None:
    index = Index()
    asked: list[Question] = []
    hits = index.hits

    async def noting(questions, uuids, window):  # type: ignore[no-untyped-def]
        asked.extend(questions)
        return await hits(questions, uuids, window)

    index.hits = noting  # type: ignore[method-assign]
    classifier = Classifier(index, {"a": parse('build_name:"unit"')})
    index.down = "connection refused"
    await classifier.prepare()
    assert classifier.fields == classifier.query("a") == ""
    index.down = ""
    index.shape = MESSAGE | {"build_name": Field("build_name", "text", "build_name.keyword")}
    await classifier.prepare()
    known = classifier.fields
    assert classifier.query("a") == 'build_name.keyword:"unit"' and classifier.query("no such") == ""
    await classifier.ask(["a"], ["u1"], WINDOW)
    index.down = "connection refused"
    await classifier.prepare()
    await classifier.ask(["a", "no such"], ["u1"], WINDOW)
    assert classifier.fields == known != ""
    assert [question.tree.field for question in asked] == ["build_name.keyword", "build_name.keyword"]


async def test_until_the_fields_are_known_nobody_is_asked_and_all_is_unknown() -> None:
    index = Index()
    classifier = Classifier(index, {"a": parse('message:"boom"'), "b": parse('message:"bang"')})
    why = "the index's fields are not known yet"
    assert await classifier.ask(["a", "b"], ["u1"], WINDOW) == {id: Unknown(why, []) for id in "ab"}
    index.down = "connection refused"
    await classifier.prepare()
    assert await classifier.ask(["a"], ["u1"], WINDOW) == {"a": Unknown(f"{why}: connection refused", [])}
    assert await classifier.reason("u1", WINDOW) == Unknown(f"{why}: connection refused", None)
    assert index.asked == [] and "lines" not in index.calls


async def test_fields_that_do_not_come_are_said_once_until_they_came(caplog: pytest.LogCaptureFixture) -> None:
    index = Index()
    classifier = Classifier(index, {"a": parse('message:"boom"')})
    for whys in (["connection refused", "connection refused", "no answer"], [""], ["no answer", "no answer"]):
        for index.down in whys:
            await classifier.prepare()
    said = [record.getMessage() for record in caplog.records]
    assert said == ["fields unknown why='connection refused'", "fields unknown why='no answer'"]


async def test_without_builds_or_signatures_nothing_is_asked() -> None:
    index = Index()
    classifier = Classifier(index, {"a": parse('message:"boom"')})
    await classifier.prepare()
    assert await classifier.ask(["a"], [], WINDOW) == await classifier.ask([], ["u1"], WINDOW) == {}
    assert index.calls == ["fields"]


async def test_one_question_per_signature_for_all_builds_of_a_tick(gate: Gate) -> None:
    for number in range(50):
        gate.fails(f"u{number}", "boom", change=str(number))
    await gate.look()
    assert gate.index.asked == [{BOOM.id, "1002"}]


async def test_a_second_list_of_words_is_asked_where_the_first_is_refused(gate: Gate) -> None:
    index = gate.index
    lines = index.lines
    refusals = 1

    async def refusing(uuid, tree, limit, window):  # type: ignore[no-untyped-def]
        nonlocal refusals
        refusals -= 1
        return (
            Unknown("no leading wildcards", [], refused=True)
            if refusals == 0
            else await lines(uuid, tree, limit, window)
        )

    index.lines = refusing  # type: ignore[method-assign]
    gate.fails("u1", "ValueError: odd", "it failed")
    classifier = Classifier(index, {})
    await classifier.prepare()
    answer = await classifier.reason("u1", WINDOW)
    assert isinstance(answer, Complete) and answer.found is not None
    assert answer.found.message == "it failed"  # no word of the second list is in ValueError
