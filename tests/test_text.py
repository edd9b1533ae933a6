"""Text from anywhere, made one harmless line and cut by bytes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import counted, cut, one_line, size


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  two\t words \r\n", "two words"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("a\x00b\x07c\x7fd\x85e", "a b c d e"),
        ("line\u2028and\u2029page", "line and page"),
        ("\u202eabc\u2066\u200b\ufeffd", "abcd"),
        ("\ud800\ue000x", "x"),
        ("caf\u00e9 \N{SNOWMAN}", "caf\u00e9 \N{SNOWMAN}"),
        ("", ""),
    ],
)
def test_a_line_has_neither_control_nor_format_characters(text: str, line: str) -> None:
    assert one_line(text) == line


@given(st.text())
def test_one_line_of_one_line_is_the_same(text: str) -> None:
    line = one_line(text)
    assert one_line(line) == line
    assert not [char for char in line if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        ("as it is", 8, "as it is"),
        ("one two three four", 13, "one two…"),
        ("averyveryverylongword", 10, "averyve…"),
        ("a averyveryverylongword", 14, "a averyvery…"),
        ("\N{SNOWMAN}" * 5, 10, "\N{SNOWMAN}" * 2 + "…"),
        ("anything", 0, "…"),
    ],
)
def test_it_is_cut_at_a_word_where_one_is_near(text: str, most: int, short: str) -> None:
    assert cut(text, most) == short


@given(st.text(), st.integers(3, 60))
def test_a_cut_text_has_no_more_bytes_than_asked_for(text: str, most: int) -> None:
    assert size(cut(one_line(text), most)) <= most


def test_a_count_has_its_plural() -> None:
    assert [counted(number, "other job") for number in (0, 1, 2)] == ["0 other jobs", "1 other job", "2 other jobs"]
