"""Is a regular expression one that Lucene takes? The syntax is that of its RegExp class, with every option on.

It is not Python's and not Rust's: always anchored at both ends, `@` is any text, `#` nothing, `~` what does not match,
`&` both, `<1-31>` a number, `"..."` literal. Python is only asked to read it, never to run it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LENGTH = 1000  # index.max_regex_length of Elasticsearch and OpenSearch
_MAX_NESTING = 50  # ours, so that it is a fault and not the end of Python's stack

_INTERVAL = re.compile(r"<[0-9]{1,9}-[0-9]{1,9}>")
_COUNT = re.compile(r"\{([0-9]{1,9})(?:,([0-9]{0,9}))?\}")
_LITERAL = re.compile(r'"[^"]*"')
_LETTER = re.compile(r"[A-Za-z]")
_CLASSES = frozenset("dDwWsS")
_PLAIN = re.compile(r'\\.|"[^"]*"|\[(?:\\.|[^\]\\])*\]', re.DOTALL)  # where a sign means itself


@dataclass(frozen=True, slots=True)
class RegexFault:
    """A plain sentence, and the offset in the expression."""

    message: str
    at: int


def regex_fault(pattern: str) -> RegexFault | None:
    """What keeps Lucene from taking a regular expression (without its slashes); None if it is sound."""
    if len(pattern) > MAX_LENGTH:
        return RegexFault(f"the regular expression is longer than {MAX_LENGTH} characters", 0)
    reader = _Reader(pattern)
    try:
        reader.whole()
    except _Wrong as wrong:
        return RegexFault(f"the regular expression is wrong: {wrong}", min(reader.at, len(pattern)))
    return None


def complements(pattern: str) -> bool:
    """Is there a `~` that means "what does not match"? OpenSearch 3 (Lucene 10) reads a plain sign."""
    return "~" in _PLAIN.sub("", pattern)


class _Wrong(Exception):
    pass


class _Reader:
    """A recogniser: a method per rule, `at` is how far it has read."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._nesting = 0
        self.at = 0

    def whole(self) -> None:
        if self._pattern:
            self._alternatives()
        if self.at < len(self._pattern):
            raise _Wrong("this ) closes nothing")

    def _alternatives(self) -> None:
        """Between two of `|`, `&` and `)` there is something, and what comes first is a character, even one of them."""
        self._repeated()
        while self._more() and not self._sees(")"):
            if self._sees("|&"):
                self.at += 1
            self._repeated()

    def _repeated(self) -> None:
        while self._sees("~"):
            self.at += 1
        self._single()
        while self._sees("?*+{"):
            if not self._sees("{"):
                self.at += 1
            else:
                self._count()

    def _count(self) -> None:
        match = _COUNT.match(self._pattern, self.at)
        if match is None:
            raise _Wrong("a count is written {2}, {2,} or {2,5}")
        if match[2] and int(match[1]) > int(match[2]):
            raise _Wrong(f"in the count {match[0]} the first is greater than the last")
        self.at = match.end()

    def _single(self) -> None:
        if self._sees("["):
            self._set()
        elif self._sees('"'):
            if not self._read(_LITERAL):
                raise _Wrong("the quote that opens here is never closed")
        elif self._sees("("):
            self._group()
        elif self._sees("<"):
            if not self._read(_INTERVAL):
                raise _Wrong("a number between two is written <1-31>")
        else:
            self._character()

    def _group(self) -> None:
        self.at += 1
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise _Wrong(f"parentheses are nested more than {_MAX_NESTING} deep")
        if not self._sees(")"):
            self._alternatives()
        if not self._sees(")"):
            raise _Wrong("a ( is never closed")
        self.at += 1
        self._nesting -= 1

    def _set(self) -> None:
        self.at += 1
        if self._sees("^"):
            self.at += 1
        self._range()
        while not self._sees("]"):
            self._range()
        self.at += 1

    def _range(self) -> None:
        low = self._character()
        if low is None or not self._sees("-"):
            return
        self.at += 1
        if self._sees("\\"):
            self.at += 1
        high = self._next()
        if low > high:
            raise _Wrong(f"in the range {low}-{high} the first is behind the last")

    def _character(self) -> str | None:
        """One character, or None for a class such as \\d or an escaped backslash, with which no range begins."""
        character = self._next()
        if character != "\\":
            return character
        escaped = self._next()
        if escaped in _CLASSES or escaped == "\\":
            return None
        if _LETTER.fullmatch(escaped):
            raise _Wrong(f"\\{escaped} has no meaning")
        return escaped

    def _next(self) -> str:
        if not self._more():
            raise _Wrong("it ends too early")
        self.at += 1
        return self._pattern[self.at - 1]

    def _more(self) -> bool:
        return self.at < len(self._pattern)

    def _sees(self, characters: str) -> bool:
        return self._more() and self._pattern[self.at] in characters

    def _read(self, what: re.Pattern[str]) -> bool:
        match = what.match(self._pattern, self.at)
        if match:
            self.at = match.end()
        return match is not None
