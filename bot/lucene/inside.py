"""Why a text is not found in a line that seems to have it: words that a `.` or `_` holds together are one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.lucene.tokens import tokens
from bot.lucene.tree import Bool, Clause, Node, Occur, Phrase, Regex, Word

BEFORE, BEHIND = r"(.*[.:',;_])?", r"([.:',;_].*)?"


def inside(leaf: Word | Phrase, message: str) -> str:
    """`ServerFault stands inside tempest.lib.ServerFault, which is one word; ...`, "" where that is not the reason.

    `leaf` asks for the message.
    """
    wanted, there = _wanted(leaf), tokens(message)
    if not wanted:
        return ""
    for start in range(len(there) - len(wanted) + 1):
        row = there[start : start + len(wanted)]
        longer = [number for number, (word, token) in enumerate(zip(wanted, row, strict=True)) if word != token]
        patterns = [*_patterns(wanted)]
        if longer and all(re.fullmatch(patterns[number], row[number]) for number in longer):
            word = _as_written(wanted[longer[0]], leaf.text)
            return _sentence(word, _as_written(row[longer[0]], message), alone=len(wanted) == 1)
    return ""


def widened(leaf: Word | Phrase, field: str) -> Node | None:
    """What finds the lines for which `inside` has a sentence, in a field of the index; None where nothing can."""
    wanted = _wanted(leaf)
    if not wanted:
        return None
    patterns = [*_patterns(wanted)]
    nodes: list[Node] = [Regex(field, pattern) for pattern in dict.fromkeys((patterns[0], patterns[-1]))]
    if len(wanted) > 2:
        nodes.append(Phrase(field, " ".join(wanted[1:-1])))
    return Bool(tuple(Clause(Occur.MUST, node) for node in nodes))


def _wanted(leaf: Word | Phrase) -> list[str]:
    """The words that have to stand in a row; none where any of them is enough, or they may stray."""
    wanted = tokens(leaf.text)
    return [] if (isinstance(leaf, Phrase) and leaf.slop) or (isinstance(leaf, Word) and len(wanted) > 1) else wanted


def _patterns(wanted: list[str]) -> Iterator[str]:
    """What the word of a line may look like, for Python and Lucene alike: longer only at the ends of the text."""
    for number, word in enumerate(wanted):
        before, behind = BEFORE if number == 0 else "", BEHIND if number == len(wanted) - 1 else ""
        yield f"{before}{re.escape(word)}{behind}"


def _as_written(word: str, text: str) -> str:
    at = text.lower().find(word)
    return text[at : at + len(word)] if at >= 0 else word


def _sentence(word: str, whole: str, alone: bool) -> str:
    first, last = whole.lower().startswith(word.lower()), whole.lower().endswith(word.lower())
    stars = f"{'' if first else '*'}{word}{'' if last else '*'}"
    instead = f" or, without quotes, {stars}" if alone else ""
    return f"{word} stands inside {whole}, which is one word: write {whole}{instead}"
