"""Does a query match one line? For a signature's sample lines, which test the message part of its query."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rapidfuzz.distance import OSA

from bot.lucene.rewrite import EVERY_FIELD
from bot.lucene.tokens import MESSAGES, tokens
from bot.lucene.tree import EXISTS, Bool, Fuzzy, Leaf, Node, Occur, Phrase, Range, Regex, Wildcard, Word

Document = Mapping[str, str | Sequence[str]]

_PATTERN_PART = re.compile(r"\\(.)|(\*)|(\?)|([^\\*?]+)", re.DOTALL)


def matches(node: Node, document: Document) -> bool:
    """Whether a query, not rewritten, matches a document: `message`, and what else the sample says.

    The message is analysed; other fields are compared as they stand, and an empty list is a field without a value.
    A clause about a field that the sample does not name is taken to hold where it is wanted and not to hold where it
    is forbidden, and so is a regular expression, whose syntax is Lucene's own. A clause from which analysis leaves no
    token is left out, as Lucene does it.
    """
    return _holds(node, document, doubt=True) or False


def _holds(node: Node, document: Document, *, doubt: bool) -> bool | None:
    """`doubt`: what to say of a clause that the document cannot decide. None: there is no clause."""
    return _joined(node, document, doubt) if isinstance(node, Bool) else _leaf(node, document, doubt)


def _joined(node: Bool, document: Document, doubt: bool) -> bool | None:
    held: dict[Occur, list[bool]] = {occur: [] for occur in Occur}
    for clause in node.clauses:
        found = _holds(clause.node, document, doubt=doubt != (clause.occur is Occur.MUST_NOT))
        if found is not None:
            held[clause.occur].append(found)
    if not any(held.values()):
        return None
    if any(held[Occur.MUST_NOT]) or not all(held[Occur.MUST]):
        return False
    return bool(held[Occur.MUST]) or any(held[Occur.SHOULD]) or not held[Occur.SHOULD]


def _leaf(leaf: Leaf, document: Document, doubt: bool) -> bool | None:
    if leaf == Wildcard(EVERY_FIELD, "*", leaf.boost):
        return True
    if isinstance(leaf, Regex) or leaf.field in (EXISTS, EVERY_FIELD):
        return doubt
    if leaf.field in MESSAGES:
        return _in_message(leaf, " ".join(_values(document, "message")))
    if leaf.field not in document:
        return doubt
    return any(_in_value(leaf, value) for value in _values(document, leaf.field))


def _values(document: Document, name: str) -> Sequence[str]:
    value = document.get(name, ())
    return (value,) if isinstance(value, str) else value


def _in_message(leaf: Leaf, message: str) -> bool | None:
    there = tokens(message)
    if isinstance(leaf, Word | Phrase):
        wanted = tokens(leaf.text)
        if not wanted:
            return None
        return _in_a_row(wanted, there, leaf.slop) if isinstance(leaf, Phrase) else not set(wanted).isdisjoint(there)
    return any(_in_value(leaf, token, str.lower) for token in there)


def _in_a_row(wanted: list[str], there: list[str], slop: str) -> bool:
    """Lucene's slop: how far the words may stray, together, from standing as in the phrase."""
    starts = [{at - offset for at, token in enumerate(there) if token == word} for offset, word in enumerate(wanted)]
    reach = int(slop or 0)
    return any(
        all(any(first <= start <= first + reach for start in others) for others in starts)
        for first in set().union(*starts)
    )


def _in_value(leaf: Leaf, value: str, case: Callable[[str], str] = str) -> bool:
    """Whether a whole value (of the message: one token) is what a leaf asks for, its texts in the given case."""
    match leaf:
        case Word() | Phrase():
            return leaf.text == value
        case Wildcard():
            return _regex(case(leaf.pattern)).fullmatch(value) is not None
        case Fuzzy():
            text = case(leaf.text)
            return OSA.distance(text, value) <= (int(leaf.distance) if leaf.distance else _by_length(text))
        case Range():
            return _between(leaf, value, case)
        case Regex():
            raise AssertionError("a regular expression is in doubt, never looked for")


def _regex(pattern: str) -> re.Pattern[str]:
    """A Lucene wildcard pattern for Python. What stands between two * is taken where it is first found, for good."""
    pieces = [""]
    for match in _PATTERN_PART.finditer(pattern):
        if match[2]:
            pieces.append("")
        else:
            pieces[-1] += "." if match[3] else re.escape(match[1] or match[4])
    first, *others = pieces
    between = "".join(f"(?>.*?{piece})" for piece in others[:-1])
    end = f".*{others[-1]}" if others else ""
    return re.compile(first + between + end, re.DOTALL)


def _by_length(text: str) -> int:
    """How many edits `~` alone allows (Elasticsearch's fuzziness AUTO)."""
    return 0 if len(text) < 3 else 1 if len(text) < 6 else 2


def _between(leaf: Range, value: str, case: Callable[[str], str]) -> bool:
    """Numbers are compared as numbers where all are; all else as texts."""
    ends = [None if end is None else case(end) for end in (leaf.low, leaf.high)]
    low, high, mine = _comparable(ends[0], ends[1], value)
    above = low is None or low < mine or (leaf.includes_low and low == mine)
    return above and (high is None or mine < high or (leaf.includes_high and high == mine))


def _comparable(low: str | None, high: str | None, value: str) -> tuple[Any, Any, Any]:
    try:
        return None if low is None else float(low), None if high is None else float(high), float(value)
    except ValueError:
        return low, high, value
