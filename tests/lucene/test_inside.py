"""Words inside others: the sentence, and that what is asked of an index finds the lines it is about."""

from __future__ import annotations

import re

import pytest

from bot.lucene.inside import inside, widened
from bot.lucene.matching import matches
from bot.lucene.parse import parse
from bot.lucene.regex import regex_fault
from bot.lucene.tree import Phrase, Regex, Word, leaves

DOTTED = "raised tempest.lib.exceptions.ServerFault: Got server fault in __init__"
WHOLE = "tempest.lib.exceptions.ServerFault"


def leaf(query: str) -> Word | Phrase:
    found = parse(query)
    assert isinstance(found, Word | Phrase)
    return found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ('"ServerFault"', f"ServerFault stands inside {WHOLE}, which is one word: write {WHOLE} or, without quotes, *"),
        ("serverfault", f"serverfault stands inside {WHOLE}, which is one word: write {WHOLE} or, without quotes, *se"),
        ("tempest", f"tempest stands inside {WHOLE}, which is one word: write {WHOLE} or, without quotes, tempest*"),
        ("lib", f"lib stands inside {WHOLE}, which is one word: write {WHOLE} or, without quotes, *lib*"),
        ('"init"', "init stands inside __init__, which is one word: write __init__ or, without quotes, *init*"),
        ('"ServerFault: got server"', f"ServerFault stands inside {WHOLE}, which is one word: write {WHOLE}"),
        ('"raised tempest"', f"tempest stands inside {WHOLE}, which is one word: write {WHOLE}"),
    ],
)
def test_a_word_that_is_no_word_of_its_own(query: str, said: str) -> None:
    asked = leaf(query)
    assert inside(asked, DOTTED).startswith(said)
    assert not matches(asked, {"message": DOTTED})
    wider = widened(asked, "message")
    assert wider is not None
    for part in leaves(wider):
        if isinstance(part, Regex):
            assert regex_fault(part.pattern) is None
            assert any(re.fullmatch(part.pattern, token.strip(":").lower()) for token in DOTTED.split())
        else:
            assert matches(part, {"message": DOTTED})


@pytest.mark.parametrize(
    "query",
    [
        '"fault"',
        '"raised"',
        '"Fault in"',
        '"erverFault"',
        '"server fault"~2',
        '"***"',
        '"raised lib got"',
        "fault-in",
        '""',
    ],
)
def test_of_all_else_nothing_is_said(query: str) -> None:
    assert inside(leaf(query), DOTTED) == ""
