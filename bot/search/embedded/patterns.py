"""Lucene's wildcards and regular expressions as the regular expressions of Rust; both match a whole term."""

from __future__ import annotations

import re

from bot.search.embedded.refusal import Refusal

SPECIAL = frozenset("\\.+*?()|[]{}^$")
# Operators of Lucene's dialect (RegExp.ALL) that Rust has not, or reads as plain characters.
OPERATORS = frozenset('~&<>@#"')
WILDCARD = re.compile(r"\\(?P<escaped>.)|(?P<sign>[*?])|(?P<plain>.)", re.DOTALL)
PIECE = re.compile(r"\\(?P<escaped>.)|(?P<set>\[\^?(?:\\.|[^\]\\])+\])|(?P<plain>.)", re.DOTALL)


def literal(text: str) -> str:
    """A regular expression that matches exactly this text."""
    return "".join(f"\\{char}" if char in SPECIAL else char for char in text)


def of_wildcard(pattern: str) -> str:
    """`*` is any text, `?` any one character, and a backslash makes the next character plain."""
    return "".join(
        {"*": ".*", "?": "."}[match["sign"]] if match["sign"] else literal(match["escaped"] or match["plain"])
        for match in WILDCARD.finditer(pattern)
    )


def of_regex(pattern: str) -> str:
    """The same regular expression in Rust's dialect.

    Raises Refusal where the two mean different things (Lucene RegExp, org.apache.lucene.util.automaton).
    """
    if "(?" in pattern:
        raise Refusal(f"/{pattern}/: (?...) is no part of Lucene's regular expressions")
    return "".join(piece(match, pattern) for match in PIECE.finditer(pattern))


def piece(match: re.Match[str], pattern: str) -> str:
    """One character or set of a regular expression."""
    if match["escaped"]:
        return escaped(match["escaped"], pattern)
    if match["set"]:
        return character_set(match["set"], pattern)
    plain = match["plain"]
    if plain in OPERATORS:
        raise Refusal(f"/{pattern}/: the embedded index has no operator {plain}; write \\{plain} for the character")
    return f"\\{plain}" if plain in "^$" else plain  # plain characters in Lucene, which has no anchors


def escaped(char: str, pattern: str) -> str:
    """`\\.` is a plain dot everywhere; `\\d` depends on Lucene's version."""
    if char.isalnum():
        raise Refusal(f"/{pattern}/: \\{char} means different things in different versions; write a set such as [0-9]")
    return literal(char)


def character_set(text: str, pattern: str) -> str:
    """`[a-z]`: the same in both, but for what Rust alone reads as an operation on sets."""
    inside = text[1:-1]
    if "[" in inside or any(operation in inside for operation in ("&&", "~~", "--")):
        raise Refusal(f"/{pattern}/: the set {text} means something else in the embedded index")
    return text
