"""A query that is not taken: what is wrong, and showing where."""

from __future__ import annotations

SHOWN = 72  # characters of a line around the place


class SyntaxFault(ValueError):
    """The query is not one that Lucene takes, or more than we take: a plain sentence, and the offset in the text."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


def pointed(text: str, at: int) -> list[str]:
    """The line of the text with the offset `at`, a long one cut to what is around it, and below it a `^`.

    Control characters are shown as `?`: the two lines fit a terminal and a chat.
    """
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line, column = text[start : len(text) if end < 0 else end], at - start
    first = max(0, column - SHOWN // 2) if len(line) > SHOWN else 0
    shown = "".join(
        char if char.isprintable() else " " if char == "\t" else "?" for char in line[first : first + SHOWN]
    )
    before, after = "..." if first else "", "..." if first + SHOWN < len(line) else ""
    return [before + shown + after, " " * (len(before) + column - first) + "^"]
