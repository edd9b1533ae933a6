"""Tokens, as the `standard` analyser of a real server gave them."""

from __future__ import annotations

import pytest

from bot.lucene.tokens import LONGEST, tokens
from tests.growth import LINEAR, growth

TABLE = [
    ("requests.exceptions.ConnectionError: n-cpu", ["requests.exceptions.connectionerror", "n", "cpu"]),
    ("logs/screen-n-cpu.txt", ["logs", "screen", "n", "cpu.txt"]),
    ("10.0.0.1:80 1,5 1;5 1'5", ["10.0.0.1", "80", "1,5", "1;5", "1'5"]),
    ("foo:bar don't a::b", ["foo:bar", "don't", "a", "b"]),
    ("a1.2 a.1 1.a", ["a1.2", "a", "1", "1", "a"]),
    ("__init__ _a a_1.2 _ __", ["__init__", "_a", "a_1.2"]),
    ("foo._bar foo_.bar _.a a._", ["foo", "_bar", "foo_", "bar", "a", "a"]),
    ('k=v a@b.c C++ x"y', ["k", "v", "a", "b.c", "c", "x", "y"]),
    ("*** -- ??", []),
    ("", []),
    ("É e\u0301x a\u00adb ß ﬁ ª", ["é", "e\u0301x", "a\u00adb", "ß", "ﬁ", "ª"]),
    ("x² ½ ① ٣ ⅷ", ["x", "٣", "ⅷ"]),
    ("日本語 ひら カタカナ 한국어", ["日", "本", "語", "ひ", "ら", "カタカナ", "한국어"]),
    ("नमस्ते हिन्दी สวัสดี ខ្មែរ", ["नमस्ते", "हिन्दी", "สวัสดี", "ខ្មែរ"]),
    ("ok 👍🏽 ❤️ 👨‍👩‍👧 🇩🇪🇫🇷 ☃ © #️⃣", ["ok", "👍🏽", "❤️", "👨‍👩‍👧", "🇩🇪", "🇫🇷", "☃", "©", "#️⃣"]),
    ("צה\"ל ר' a\u200bb a\u2060b", ['צה"ל', "ר'", "a", "b", "a\u2060b"]),
]


@pytest.mark.parametrize(("text", "expected"), TABLE)
def test_a_text_has_the_tokens_that_lucene_finds(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_what_is_too_long_is_cut_as_lucene_cuts_it() -> None:
    assert [len(token) for token in tokens("x" * (2 * LONGEST + 7))] == [LONGEST, LONGEST, 7]
    assert [len(token) for token in tokens("a." * 200)] == [255, 143]
    assert [len(token) for token in tokens("a" * 254 + ".b")] == [254, 1]


def test_a_row_of_joining_characters_does_not_count_to_the_end_of_the_first_piece() -> None:
    assert tokens("_" * 300 + "ab") == ["_" * 254 + "a", "b"]
    assert tokens("_" * 300) == []


@pytest.mark.parametrize(
    ("text", "lengths"),
    [("{0}{1}{0}", []), ("{0}{1}{0} ab", [2]), ("x{0}{1}", [1]), ("{0}{1}{1}{0}{1}{0}", [])],
)
def test_halves_of_a_flag_that_are_too_far_apart_are_no_token(text: str, lengths: list[int]) -> None:
    """As OpenSearch 2.19's _analyze has it; once this never ended."""
    assert [len(token) for token in tokens(text.format("\U0001f1e9", "\u00ad" * 300))] == lengths


@pytest.mark.parametrize("sign", ["a", "é", "_", "a.", "カ"])
def test_what_is_very_long_takes_time_by_its_length_alone(sign: str) -> None:
    """A log may have a line without a space of a megabyte."""
    assert growth(lambda length: tokens(sign * length), 5_000) < LINEAR


def test_small_letters_are_javas() -> None:
    assert tokens("İ ΟΔΟΣ ǅ") == ["i", "οδοσ", "ǆ"]
