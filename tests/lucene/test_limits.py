"""What is too much is refused at once, with a sentence, by the one entry point; what signatures need is not."""

from __future__ import annotations

import pytest

from bot.lucene.faults import pointed
from bot.lucene.limits import MAX_CLAUSES, MAX_LENGTH, MAX_NESTING, MAX_SCANS
from bot.lucene.parse import SyntaxFault, by_grammar, parse
from bot.lucene.tree import Word, leaves
from tests.growth import LINEAR, growth

TOO_LONG = "the query has {:,} characters, and 10,000 are the most; split it into several"
TOO_MANY = "the query has more than 1,000 clauses, which is what servers take; split it into several"
TOO_DEEP = "parentheses are nested more than 100 deep; leave out those that change nothing"
SCANS = (
    "the query has more than 20 leading wildcards and regular expressions, "
    "for each of which a server reads all its terms; name the values with OR"
)


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        (" OR ".join(["a"] * 100_000), MAX_LENGTH, TOO_LONG.format(499_996)),
        ("a" * 1_000_000, MAX_LENGTH, TOO_LONG.format(1_000_000)),
        ("(" * 10_000 + "a", MAX_LENGTH, TOO_LONG.format(10_001)),
        ("(" * 9_999 + "a", MAX_NESTING, TOO_DEEP),
        ("-(" * 4_000 + "a", 2 * MAX_NESTING + 1, TOO_DEEP),
        ('"a" ' * 1001, 4 * MAX_CLAUSES, TOO_MANY),
        ("-".join(["a"] * 1001), 0, TOO_MANY),
        (" ".join(["ab~"] * 21), 80, TOO_MANY),
        (" ".join(["*a"] * 1000), 3 * MAX_SCANS, SCANS),
        (" ".join(["/a/", "?b", "tags:*c"] * 7), 102, SCANS),
        ("a\x00b", 1, "the control character U+0000 cannot be searched for; leave it out"),
        ("message:a\x1b[31m", 9, "the control character U+001B cannot be searched for; leave it out"),
        ("a \udcff", 2, "the control character U+DCFF cannot be searched for; leave it out"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_too_much_is_refused(text: str, at: int, message: str) -> None:
    with pytest.raises(SyntaxFault) as caught:
        parse(text)
    assert (caught.value.message, caught.value.at) == (message, at)


@pytest.mark.parametrize(
    ("part", "most"),
    [
        ("a OR ", MAX_CLAUSES - 1),
        ("a", MAX_LENGTH - 1),
        ('"*" AND ', MAX_CLAUSES - 1),
        ("*a ", MAX_SCANS),
        ("\ta\r\n", MAX_CLAUSES - 1),
    ],
)
def test_as_much_as_is_allowed_is_read_in_linear_time(part: str, most: int) -> None:
    parse(part * most + "a")
    assert growth(lambda times: parse(part * times + "a"), most // 10) < LINEAR


def test_parentheses_may_be_as_deep_as_is_allowed() -> None:
    assert parse("(" * MAX_NESTING + "a" + ")" * MAX_NESTING) == Word("", "a")


def test_the_grammar_alone_has_no_limit_but_the_stack() -> None:
    assert len(list(leaves(by_grammar("a " * 20_000)))) == 20_000


@pytest.mark.parametrize(
    ("text", "at", "lines"),
    [
        ("a (b", 2, ["a (b", "  ^"]),
        ("a\n\tb) c\nd", 4, [" b) c", "  ^"]),
        ("a\x1b[1m", 1, ["a?[1m", " ^"]),
        ("", 0, ["", "^"]),
        ("x" * 500 + "(" + "y" * 500, 500, ["..." + "x" * 36 + "(" + "y" * 35 + "...", " " * 39 + "^"]),
        ("x" * 100, 100, ["..." + "x" * 36, " " * 39 + "^"]),
    ],
)
def test_a_place_is_pointed_at_in_two_short_lines(text: str, at: int, lines: list[str]) -> None:
    assert pointed(text, at) == lines
