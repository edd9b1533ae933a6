"""Printing: every tree that the parser can make comes back from its text."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.lucene.parse import by_grammar
from bot.lucene.printing import to_text
from bot.lucene.tree import Bool, Clause, Fuzzy, Leaf, Node, Occur, Phrase, Range, Regex, Wildcard, Word

# What is special anywhere in the syntax, comes first; surrogates are no text.
CHARACTERS = st.one_of(
    st.sampled_from(list(" \t\n\u3000+-!():^[]\"{}~*?\\/&|<>=@.,'ANDORTOu0041")),
    st.characters(exclude_categories=["Cs"]),
)
TEXTS = st.one_of(st.text(CHARACTERS, max_size=8), st.sampled_from(["AND", "OR", "NOT", "&&", "||", "TO", "\\", '"']))
FIELDS = st.sampled_from(["", "message", "@fields.build_name", "a-b", "-x", "a:b", "*", "AND", "logs/*"])
BOOSTS = st.sampled_from(["", "", "", "2", "0.5"])
# A term that begins with a comparison is a range.
WORDS = TEXTS.filter(lambda text: text != "" and (len(text) == 1 or text[0] not in "<>"))
PATTERN_PARTS = st.one_of(
    st.sampled_from(["*", "?", "\\*", "\\?", "\\\\"]), CHARACTERS.filter(lambda c: c not in "*?\\")
)
PATTERNS = (
    st.lists(PATTERN_PARTS, min_size=1, max_size=6)
    .map("".join)
    .filter(lambda p: {"*", "?"} & set(p.replace("\\*", "").replace("\\?", "").replace("\\\\", "")))
)
ENDS = st.one_of(st.none(), TEXTS.filter(lambda text: text not in ("", "*")))


def ranges(field: str, low: str | None, high: str | None, opened: bool, closed: bool, boost: str) -> Range:
    return Range(field, low, high, low is None or opened, high is None or closed, boost)


LEAVES: st.SearchStrategy[Leaf] = st.one_of(
    st.builds(Word, FIELDS, WORDS, BOOSTS),
    st.builds(Phrase, FIELDS, TEXTS, st.sampled_from(["", "", "3"]), BOOSTS),
    st.builds(Wildcard, FIELDS, PATTERNS, BOOSTS),
    st.builds(Regex, FIELDS, st.sampled_from(["", "a.*", r"a\/b", "[a-z]{2}|c"]), BOOSTS),
    st.builds(Fuzzy, FIELDS, TEXTS.filter(bool), st.sampled_from(["", "0", "1", "2"]), BOOSTS),
    st.builds(ranges, FIELDS, ENDS, ENDS, st.booleans(), st.booleans(), BOOSTS),
)


def joined(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Bools as the parser makes them: one optional clause alone is one only where it keeps two boosts apart."""
    clauses = st.lists(st.builds(Clause, st.sampled_from(Occur), nodes), min_size=1, max_size=4)
    return st.builds(Bool, clauses.map(tuple), BOOSTS).filter(
        lambda node: (
            len(node.clauses) > 1
            or node.clauses[0].occur is not Occur.SHOULD
            or bool(node.boost and node.clauses[0].node.boost)
        )
    )


TREES: st.SearchStrategy[Node] = st.recursive(LEAVES, joined, max_leaves=8)


@settings(derandomize=True, deadline=None, database=None, max_examples=300, suppress_health_check=list(HealthCheck))
@given(TREES)
def test_a_printed_tree_parses_to_itself(tree: Node) -> None:
    assert by_grammar(to_text(tree)) == tree


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (Word("@fields.build_name", "gate-nova"), "@fields.build_name:gate-nova"),
        (Word("", "+a b:c"), r"\+a\ b\:c"),
        (Phrase("message", r'C:\ said "no"', slop="2"), r'message:"C:\\ said \"no\""~2'),
        (Wildcard("filename", r"logs/*-c\*.txt"), r"filename:logs\/*-c\*.txt"),
        (Wildcard("*", "*"), "*:*"),
        (Range("f", "ends in \\", '"', False), r'f:{"ends in \u005c" TO "\u0022"]'),
        (Range("@timestamp", "2024-01-01", None), "@timestamp:[2024-01-01 TO *]"),
        (Range("f", "TO", "a b"), 'f:["TO" TO "a b"]'),
        (Bool((Clause(Occur.SHOULD, Word("", "a")),)), "a"),
    ],
)
def test_texts_are_escaped_where_they_must_be(tree: Node, text: str) -> None:
    assert to_text(tree) == text


def test_a_bool_without_clauses_has_no_text() -> None:
    with pytest.raises(ValueError, match="a Bool without clauses cannot be written as a query"):
        to_text(Bool(()))
