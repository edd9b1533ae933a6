"""The tree of a query: what Lucene's classic parser makes of it, not what mathematics would.

`a AND b OR c` is Bool(MUST a, MUST b, SHOULD c). A leaf's `field` is "" where the query names none.
`at` is the leaf's offset in the query text; it is not part of what a leaf means, and not compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as attribute
from enum import Enum

EXISTS = "_exists_"  # not a field, but the question whether the document has the one that is named


class Occur(Enum):
    """How a clause takes part in its Bool; the value is Lucene's own sign."""

    MUST = "+"
    SHOULD = ""
    MUST_NOT = "-"


@dataclass(frozen=True, slots=True)
class Word:
    """An unquoted term, unescaped; on an analysed field its tokens are joined by OR."""

    field: str
    text: str
    boost: str = ""
    at: int = attribute(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A quoted text, unescaped; `*` and `?` in it are no wildcards. `slop` is "" or the text after `~`."""

    field: str
    text: str
    slop: str = ""
    boost: str = ""
    at: int = attribute(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A term with `*` or `?`, escapes still in it; `*` alone means that the field exists (`*:*`: everything)."""

    field: str
    pattern: str
    boost: str = ""
    at: int = attribute(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Regex:
    """`/.../`, in Lucene's dialect, without the slashes."""

    field: str
    pattern: str
    boost: str = ""
    at: int = attribute(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """`word~`, `word~1`; `distance` is the text after `~`."""

    field: str
    text: str
    distance: str = ""
    boost: str = ""
    at: int = attribute(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Range:
    """`[low TO high]`, `{low TO high}` and their mixtures, unescaped; None is the open end `*`."""

    field: str
    low: str | None
    high: str | None
    includes_low: bool = True
    includes_high: bool = True
    boost: str = ""
    at: int = attribute(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of a Bool."""

    occur: Occur
    node: Node


@dataclass(frozen=True, slots=True)
class Bool:
    """Clauses as Lucene joins them: every MUST, no MUST_NOT, and without a MUST at least one SHOULD."""

    clauses: tuple[Clause, ...]
    boost: str = ""


Leaf = Word | Phrase | Wildcard | Regex | Fuzzy | Range
Node = Leaf | Bool


def leaves(node: Node) -> Iterator[Leaf]:
    """All leaves, in the order of the text."""
    if isinstance(node, Bool):
        for clause in node.clauses:
            yield from leaves(clause.node)
    else:
        yield node


def wanted(tree: Node, needed: bool = True) -> Iterator[tuple[Leaf, bool]]:
    """The leaves that are not forbidden; with each whether no line is found without it."""
    if not isinstance(tree, Bool):
        yield tree, needed
        return
    for clause in tree.clauses:
        if clause.occur is not Occur.MUST_NOT:
            yield from wanted(clause.node, needed and clause.occur is Occur.MUST)
