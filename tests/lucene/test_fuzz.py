"""Whatever the text: a tree or a SyntaxFault, soon; and the tree comes back from its own text."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from random import Random

import pytest

from bot.lucene.faults import pointed
from bot.lucene.matching import matches
from bot.lucene.parse import SyntaxFault, by_grammar, parse
from bot.lucene.printing import to_text
from bot.lucene.tree import Node
from tests.lucene.queries import queries
from tests.lucene.wild import mutated, soup

# How many texts are drawn, with the seed 9. A long run has 1,000,000: `make soak`.
DRAWN = int(os.environ.get("GATEWATCH_FUZZED", "6000"))
# The length for the grammar alone, which people's queries never reach: parse() takes 10,000. `make soak`: 1,000,000.
LENGTH = int(os.environ.get("GATEWATCH_FUZZED_LENGTH", "20000"))
SOON = LENGTH / 5_000  # seconds; it takes a twentieth of that


def any_text(chance: Random) -> str:
    """Characters of all of Unicode, halves of pairs among them."""
    return "".join(chr(chance.choice((chance.randrange(128), chance.randrange(0x110000)))) for _ in range(12))


def accepted(text: str) -> Node | None:
    try:
        return by_grammar(text)
    except SyntaxFault as fault:
        assert 0 <= fault.at <= len(text) and fault.message
        assert all(len(line) < 90 for line in pointed(text, fault.at))
        return None


def test_nothing_but_a_tree_or_a_fault() -> None:
    chance = Random(9)
    known = queries(seed=9, count=300)
    ways = (lambda: any_text(chance), lambda: soup(chance), lambda: mutated(chance, chance.choice(known)))
    taken = 0
    for _ in range(DRAWN):
        text = chance.choice(ways)()
        tree = accepted(text)
        if tree is not None:
            taken += 1
            assert by_grammar(to_text(tree)) == tree, text
            matches(tree, {"message": "nova error 10.0.0.1", "tags": ["console"]})
    assert 0.2 < taken / DRAWN < 0.8


REPEATED = [chr(code) for code in range(32, 127)] + ["\n", "é", "\u3000", "😀"]
REPEATED += [
    "a ",
    "a:",
    "+a ",
    '"a" ',
    '"*" AND ',
    "a AND ",
    "-(",
    "(a ",
    "a\\",
    "\\/",
    "/a",
    "[a TO ",
    "~1",
    "^2",
    '"\\',
    "AND ",
]


@pytest.mark.parametrize("part", REPEATED)
def test_the_time_grows_with_the_length_alone(part: str) -> None:
    text = (part * LENGTH)[:LENGTH]
    started = time.perf_counter()
    accepted(text)
    assert time.perf_counter() - started < SOON
    for whole in (part * 1_000_000)[:1_000_000], text[:10_000]:
        started = time.perf_counter()
        with suppress(SyntaxFault):
            parse(whole)
        assert time.perf_counter() - started < 1
