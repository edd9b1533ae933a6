"""A signature's tree taken apart, for questions about its parts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.lucene.rewrite import EVERY_FIELD, resolve
from bot.lucene.tokens import tokens
from bot.lucene.tree import EXISTS, Bool, Leaf, Node, Phrase, Wildcard, Word, leaves, wanted
from bot.model import Profile


@dataclass(frozen=True, slots=True)
class Part:
    """One clause of a query, and the query that is left without it."""

    clause: Node
    rest: Node

    @property
    def at(self) -> int:
        """Where its first leaf stands in the text."""
        return next(leaves(self.clause)).at


def parts(tree: Node) -> Iterator[Part]:
    """Every clause beside which there is another, the inner ones too."""
    if not isinstance(tree, Bool):
        return
    for number, clause in enumerate(tree.clauses):
        before, behind = tree.clauses[:number], tree.clauses[number + 1 :]
        if before or behind:
            yield Part(clause.node, replace(tree, clauses=(*before, *behind)))
        for inner in parts(clause.node):
            rest = replace(clause, node=inner.rest)
            yield Part(inner.clause, replace(tree, clauses=(*before, rest, *behind)))


def asks_for_text(tree: Node, profile: Profile) -> bool:
    """Does a line have to have some text? All lines of a job or a file are too many to ask for."""
    return any(says_something(leaf, profile) and _of_message(leaf, profile) for leaf, _ in wanted(tree))


def says_something(leaf: Leaf, profile: Profile) -> bool:
    """Not a clause that only asks whether a field is there, or that analysis leaves out."""
    if leaf.field in (EXISTS, EVERY_FIELD) or (isinstance(leaf, Wildcard) and leaf.pattern == "*"):
        return False
    return not (isinstance(leaf, Word | Phrase) and _of_message(leaf, profile) and not tokens(leaf.text))


def _of_message(leaf: Leaf, profile: Profile) -> bool:
    return resolve(leaf.field, profile) == profile.names["message"]
