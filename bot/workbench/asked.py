"""A query as a person gives it: its tree, or a sentence with a caret under what is wrong. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import UserError
from bot.lucene.faults import SyntaxFault, pointed
from bot.lucene.parse import parse
from bot.lucene.tree import Node


@dataclass(frozen=True, slots=True)
class Asked:
    """A query's text and its tree, not rewritten."""

    text: str
    tree: Node


def read(text: str) -> Asked:
    """The query. Raises UserError with its sentence, and as problems the line that is wrong and a caret below it."""
    try:
        return Asked(text, parse(text))
    except SyntaxFault as fault:
        raise UserError(f"not a Lucene query: {fault}", pointed(text, fault.at)) from None
