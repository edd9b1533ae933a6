"""Query text -> tokens, by the rules of the token section of Lucene's classic grammar (QueryParser.jj, Lucene 9).

The longest match wins, and of equally long ones the first in the table. So `a&&b` and `&&b` are each one term, `! a`
begins with a bare operator, and `http://x` with a term, a colon and a regular expression that is never closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from bot.lucene.faults import SyntaxFault


class Kind(Enum):
    """What a token is."""

    SPACE = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    PLUS = auto()
    MINUS = auto()
    BARE = auto()  # an operator with white space behind it: Lucene takes it for a term
    OPEN = auto()
    CLOSE = auto()
    COLON = auto()
    STAR = auto()
    CARET = auto()
    QUOTED = auto()
    TERM = auto()
    TILDE = auto()
    PREFIX = auto()
    WILD = auto()
    REGEX = auto()
    RANGE_OPEN = auto()
    RANGE_CLOSE = auto()
    RANGE_TO = auto()
    RANGE_QUOTED = auto()
    RANGE_TEXT = auto()
    NUMBER = auto()
    END = auto()


class _State(Enum):
    """Within a range and behind `^` other tokens exist than elsewhere."""

    USUAL = auto()
    BOOST = auto()
    RANGE = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its text as it stands in the query, and its offset there."""

    kind: Kind
    image: str
    at: int


_WHITE = r"[ \t\n\r\u3000]"
_START = r'(?:[^ \t\n\r\u3000+\-!():^\[\]"{}~*?\\/]|\\.)'
_INNER = rf"(?:{_START}|[-+])"

_USUAL = (
    (Kind.SPACE, _WHITE),
    (Kind.AND, r"AND|&&"),
    (Kind.OR, r"OR|\|\|"),
    (Kind.NOT, r"NOT|!"),
    (Kind.PLUS, r"\+"),
    (Kind.MINUS, r"-"),
    (Kind.BARE, rf"[+\-!]{_WHITE}"),
    (Kind.OPEN, r"\("),
    (Kind.CLOSE, r"\)"),
    (Kind.COLON, r":"),
    (Kind.STAR, r"\*"),
    (Kind.CARET, r"\^"),
    (Kind.QUOTED, r'"(?:[^"\\]|\\.)*"'),
    (Kind.TERM, rf"{_START}{_INNER}*"),
    (Kind.TILDE, rf"~{_INNER}*"),
    (Kind.PREFIX, rf"{_START}{_INNER}*\*"),
    (Kind.WILD, rf"(?:{_START}|[*?])(?:{_INNER}|[*?])*"),
    (Kind.REGEX, r"/(?:\\/|[^/])*/"),
    (Kind.RANGE_OPEN, r"[\[{]"),
)
_BOOST = ((Kind.NUMBER, r"[0-9]+(?:\.[0-9]+)?"),)
_RANGE = (
    (Kind.SPACE, _WHITE),
    (Kind.RANGE_TO, r"TO"),
    (Kind.RANGE_CLOSE, r"[\]}]"),
    (Kind.RANGE_QUOTED, r'"(?:\\"|[^"])+"'),
    (Kind.RANGE_TEXT, r"[^ \]}]+"),
)
_TABLES = {
    state: tuple((kind, re.compile(pattern, re.DOTALL)) for kind, pattern in table)
    for state, table in ((_State.USUAL, _USUAL), (_State.BOOST, _BOOST), (_State.RANGE, _RANGE))
}
_NEXT_STATE = {
    Kind.CARET: _State.BOOST,
    Kind.NUMBER: _State.USUAL,
    Kind.RANGE_OPEN: _State.RANGE,
    Kind.RANGE_CLOSE: _State.USUAL,
}
_NO_TOKEN = {
    '"': "the quote that opens here is never closed",
    "/": "this slash opens a regular expression that is never closed; put a text with slashes in quotes",
    "\\": "nothing follows this backslash",
}


def lex(text: str) -> Iterator[Token]:
    """The tokens of a query, white space left out, an END behind the last one.

    Raises SyntaxFault where no token begins.
    """
    state, at = _State.USUAL, 0
    while at < len(text):
        token = _longest(text, at, state)
        state = _NEXT_STATE.get(token.kind, state)
        at += len(token.image)
        if token.kind is not Kind.SPACE:
            yield token
    if state is _State.BOOST:
        raise SyntaxFault("a number must follow the ^", at)
    yield Token(Kind.END, "", at)


def _longest(text: str, at: int, state: _State) -> Token:
    found = None
    for kind, pattern in _TABLES[state]:
        match = pattern.match(text, at)
        if match and (found is None or len(match[0]) > len(found.image)):
            found = Token(kind, match[0], at)
    if found is None:
        raise _no_token(text, at, state)
    return found


def _no_token(text: str, at: int, state: _State) -> SyntaxFault:
    if state is _State.BOOST:
        return SyntaxFault("a number must follow the ^", at)
    return SyntaxFault(_NO_TOKEN.get(text[at], f"{text[at]} cannot stand here"), at)
