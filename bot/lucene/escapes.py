"""Backslashes in query texts: taking them off as Lucene's classic parser does, and putting them on again."""

from __future__ import annotations

import re

from bot.lucene.faults import SyntaxFault

_ESCAPE = re.compile(r"\\(?:u(?P<hex>[0-9A-Fa-f]{4})|(?P<half>u)|(?P<char>.)|(?P<end>$))", re.DOTALL)
_PAIR = re.compile(r"\\(.)", re.DOTALL)

_NOT_IN_A_WORD = re.compile(r'^[+\-]|[ \t\n\r\u3000!():^\[\]"{}~*?\\/]')
_NOT_IN_A_PATTERN = re.compile(r'^[+\-]|[ \t\n\r\u3000!():^\[\]"{}~/]|(?P<pair>\\.)', re.DOTALL)
_OPERATORS = frozenset({"AND", "OR", "NOT", "&&", "||"})


def unescape(text: str, at: int) -> str:
    """The text meant by a term, phrase or range end as written, whose offset in the query is `at`.

    `\\x` is x, `\\u0041` is A. Raises SyntaxFault for an unfinished or wrong `\\u` and for a backslash at the end.
    """

    def meant(match: re.Match[str]) -> str:
        if match["half"]:
            raise SyntaxFault("four hexadecimal digits must follow \\u", at + match.start())
        if match["end"] is not None:
            raise SyntaxFault("nothing follows this backslash", at + match.start())
        return chr(int(match["hex"], 16)) if match["hex"] else match["char"]

    plain = _ESCAPE.sub(meant, text)
    # Two \u escapes may be the halves of one character; a half alone is none, Lucene stores U+FFFD for it.
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def unescape_pattern(pattern: str) -> str:
    """A wildcard term as written, with only those backslashes left that keep `\\`, `*` or `?` from being special.

    Unlike elsewhere `\\u0041` is the text u0041 here: Lucene's wildcard query knows no other escapes.
    """
    return _PAIR.sub(lambda match: match[0] if match[1] in "\\*?" else match[1], pattern)


def pattern_of(text: str) -> str:
    """The wildcard pattern that matches exactly this text."""
    return re.sub(r"([\\*?])", r"\\\1", text)


def escape_word(text: str) -> str:
    """A text that is not empty as an unquoted term or a field name; the inverse of `unescape`."""
    if text in _OPERATORS:
        return f"\\{text}"
    return _NOT_IN_A_WORD.sub(r"\\\g<0>", text)


def escape_pattern(pattern: str) -> str:
    """A wildcard pattern as a term; the inverse of `unescape_pattern`."""
    return _NOT_IN_A_PATTERN.sub(lambda match: match["pair"] or f"\\{match[0]}", pattern)


def quote(text: str) -> str:
    """A text as a phrase."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def quote_range_end(text: str) -> str:
    """A text as one end of a range.

    There a quote behind a backslash goes on with the text and may end it, so both are written by their numbers.
    """
    return '"' + text.replace("\\", "\\u005c").replace('"', "\\u0022") + '"'
