"""What operators hear of signatures that do not answer, and from when on."""

from __future__ import annotations

import pytest

from bot.records import ALL, Unanswered
from bot.unanswered import IN_A_ROW, how_many, lasting


def row(signature: str, tries: int = IN_A_ROW, count: int = 1) -> Unanswered:
    return Unanswered(signature, 2, tries, "timed out", count)


def test_a_hiccup_is_not_worth_a_line() -> None:
    assert lasting([], {}) == ""
    assert lasting([row("1", IN_A_ROW - 1), row(ALL, 1, 12)], {}) == ""


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["1"], "signature #1"),
        (["1", "2"], "2 signatures (#1, #2)"),
        (["1", "2", "3", "4"], "4 signatures (#1, #2, #3, ...)"),
    ],
)
def test_what_lasts_is_named(ids: list[str], words: str) -> None:
    rows = [*map(row, ids), row("9", 1)]
    assert lasting(rows, {}) == f"{words} did not answer 3 times in a row: timed out"


def test_many_in_one_row_are_counted() -> None:
    assert lasting([row(ALL, count=12)], {}) == "12 signatures did not answer 3 times in a row: timed out"
    assert how_many([row(ALL, count=12), row("1")]) == 12
    assert how_many([row(ALL, count=11), *map(row, map(str, range(20)))]) == 20
    assert how_many([]) == 0


def test_telling_lines_that_do_not_come() -> None:
    assert lasting([], {"u1": "timed out", "u2": "refused"}) == (
        "the telling lines of 2 builds did not come 3 times in a row: timed out"
    )
