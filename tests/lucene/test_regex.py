"""Which regular expressions Lucene takes; each verdict here was a real server's."""

from __future__ import annotations

import pytest

from bot.lucene.regex import MAX_LENGTH, RegexFault, regex_fault

SOUND = [
    "", "a", "a.*b+c?", "(a|b)c", "()", "a{2}", "a{2,}", "a{2,5}", "[a-z0-9]", "[^a-z]", "[]]", "[+-]]", "~a", "a&b",
    "@", "#", '"a(b"', "<1-31>", r"\d\w\s", r"\(", r"[\d]", r"[\]]", "*a", "|a", "a|&", "a}", "a>b", "a]", ".{0}",
]  # fmt: skip
FAULTY = [
    "(",
    "a)",
    "(a|)",
    "a|",
    "a&",
    "[",
    "[a",
    "[z-a]",
    "a{",
    "a{x}",
    "a{,2}",
    '"a',
    "<a>",
    "<1-",
    "<->",
    "~",
    r"\y",
    "a{2,1}",
]


@pytest.mark.parametrize("pattern", SOUND)
def test_sound(pattern: str) -> None:
    assert regex_fault(pattern) is None


@pytest.mark.parametrize("pattern", FAULTY)
def test_faulty(pattern: str) -> None:
    fault = regex_fault(pattern)
    assert fault is not None
    assert fault.message.startswith("the regular expression is wrong: ")
    assert 0 <= fault.at <= len(pattern)


def test_it_is_never_too_deep_or_too_long_for_python() -> None:
    deep = regex_fault("(" * 500 + ")" * 500)
    assert deep == RegexFault("the regular expression is wrong: parentheses are nested more than 50 deep", 51)
    assert regex_fault("a" * MAX_LENGTH) is None
    assert regex_fault("a" * (MAX_LENGTH + 1)) is not None
