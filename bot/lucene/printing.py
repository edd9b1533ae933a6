"""Tree -> query text, so that a server's query_string with default operator OR takes it for the same tree."""

from __future__ import annotations

import re
from itertools import pairwise

from bot.lucene.escapes import escape_pattern, escape_word, quote, quote_range_end
from bot.lucene.tree import Bool, Clause, Fuzzy, Leaf, Node, Occur, Phrase, Range, Regex, Wildcard, Word

_PLAIN_RANGE_END = re.compile(r"(?!TO$)[A-Za-z0-9_.:+|/-]+")


def to_text(node: Node) -> str:
    """The query text of a tree, on one line if its texts are: every sign is written, every inner Bool in parentheses.

    `parse(to_text(node)) == node` for each tree that `parse` makes. In other trees a Bool of one clause that is SHOULD
    and has no boost comes back as what is in it. Raises ValueError for a Bool without clauses, which has no text.
    """
    if isinstance(node, Bool):
        inner = _clauses(node)
        return f"({inner}){_boost(node)}" if node.boost else inner
    return _leaf(node)


def _clauses(node: Bool) -> str:
    """OR means nothing beyond SHOULD, but without it a server would read terms in a row as one text."""
    if not node.clauses:
        raise ValueError("a Bool without clauses cannot be written as a query")
    parts = [_clause(node.clauses[0])]
    for before, clause in pairwise(node.clauses):
        optional = before.occur is clause.occur is Occur.SHOULD
        parts += [" OR " if optional else " ", _clause(clause)]
    return "".join(parts)


def _clause(clause: Clause) -> str:
    text = to_text(clause.node)
    if isinstance(clause.node, Bool) and not clause.node.boost:
        text = f"({text})"
    return clause.occur.value + text


def _leaf(leaf: Leaf) -> str:
    return _field(leaf.field) + _value(leaf) + _boost(leaf)


def _field(name: str) -> str:
    if not name:
        return ""
    return f"{name if name == '*' else escape_word(name)}:"


def _value(leaf: Leaf) -> str:
    match leaf:
        case Word():
            return escape_word(leaf.text)
        case Phrase():
            return quote(leaf.text) + (f"~{leaf.slop}" if leaf.slop else "")
        case Wildcard():
            return escape_pattern(leaf.pattern)
        case Regex():
            return f"/{leaf.pattern}/"
        case Fuzzy():
            return f"{escape_word(leaf.text)}~{leaf.distance}"
        case Range():
            return _range(leaf)


def _range(leaf: Range) -> str:
    opened = "[" if leaf.includes_low else "{"
    closed = "]" if leaf.includes_high else "}"
    return f"{opened}{_range_end(leaf.low)} TO {_range_end(leaf.high)}{closed}"


def _range_end(text: str | None) -> str:
    if text is None:
        return "*"
    return text if _PLAIN_RANGE_END.fullmatch(text) else quote_range_end(text)


def _boost(node: Node) -> str:
    return f"^{node.boost}" if node.boost else ""
