"""Tokens -> leaves of the tree, with what Lucene and OpenSearch refuse or mend in them beyond the grammar."""

from __future__ import annotations

import re

from bot.lucene.escapes import pattern_of, unescape, unescape_pattern
from bot.lucene.faults import SyntaxFault
from bot.lucene.lexer import Kind, Token
from bot.lucene.numbers import GREATEST_FLOAT, java_float, whole
from bot.lucene.regex import regex_fault
from bot.lucene.tokens import MESSAGES, tokens
from bot.lucene.tree import EXISTS, Fuzzy, Leaf, Phrase, Range, Regex, Wildcard, Word

_COMPARISON = re.compile(r"([<>])(=(?=.))?(.+)", re.DOTALL)


def leaf_of(field: str, token: Token, tilde: Token | None) -> Leaf:
    """The leaf that a token begins, without boost; `tilde` is the `~` behind it. Raises SyntaxFault."""
    make = _MAKERS.get(token.kind)
    if make is None:
        raise _misplaced(token)
    return make(field, token, tilde)


def row_of(field: str, tokens: list[Token]) -> list[Leaf]:
    """Terms in a row: on an analysed field the same as each for itself, unless the first is a comparison."""
    texts = [unescape(token.image, token.at) for token in tokens]
    if _COMPARISON.fullmatch(texts[0]):
        return [_word(field, " ".join(texts), tokens[0].at)]
    # A term further on is no comparison, and printed by itself must not become one.
    texts = [re.sub(r"^[<>]+(?=.)", "", text) for text in texts]
    return [Word(field, text, at=token.at) for text, token in zip(texts, tokens, strict=True)]


def range_of(field: str, low: str, high: str, includes: tuple[bool, bool], at: int) -> Range:
    """An end that is `*`, quoted or not, is open, and then there is nothing to include or to leave out."""
    low_end, high_end = (None if end == "*" else end for end in (low, high))
    includes_low, includes_high = low_end is None or includes[0], high_end is None or includes[1]
    return Range(field, low_end, high_end, includes_low, includes_high, at=at)


def boost_of(number: Token) -> str:
    """The text of a boost that a server takes. Raises SyntaxFault."""
    if float(number.image) >= GREATEST_FLOAT:
        raise SyntaxFault("this boost is too great a number", number.at)
    return number.image


def _misplaced(token: Token) -> SyntaxFault:
    if token.kind is Kind.END:
        return SyntaxFault("the query ends where a term is expected", token.at)
    return SyntaxFault(f"{token.image} stands where a term is expected", token.at)


def _term(field: str, token: Token, tilde: Token | None) -> Leaf:
    text = token.image[0] if token.kind is Kind.BARE else unescape(token.image, token.at)
    return _word(field, text, token.at) if tilde is None else Fuzzy(field, text, _distance(tilde), at=token.at)


def _word(field: str, text: str, at: int) -> Leaf:
    """A term, or one of OpenSearch's comparisons: `>5`, `>=5`, `<5`, `<=5`."""
    comparison = _COMPARISON.fullmatch(text)
    if comparison is None:
        _check_name(field, text, at)
        return Word(field, text, at=at)
    sign, equal, value = comparison.groups()
    low, high = (value, "*") if sign == ">" else ("*", value)
    return range_of(field, low, high, (bool(equal), bool(equal)), at)


def _check_name(field: str, text: str, at: int) -> None:
    """Servers look through all field names for a pattern, their own `_source` among them, which they then refuse.

    A name of dots alone makes OpenSearch 2 fail.
    """
    if field == EXISTS and ("*" in text or (text and not text.strip("."))):
        raise SyntaxFault("_exists_ asks for one field: write its whole name", at)


def _phrase(field: str, token: Token, tilde: Token | None) -> Leaf:
    text = unescape(token.image[1:-1], token.at + 1)
    _check_name(field, text, token.at)
    return Phrase(field, text, _slop(tilde, field, text) if tilde else "", at=token.at)


def _prefix(field: str, token: Token, _: Token | None) -> Leaf:
    return Wildcard(field, pattern_of(unescape(token.image[:-1], token.at)) + "*", at=token.at)


def _wildcard(field: str, token: Token, _: Token | None) -> Leaf:
    unescape(token.image, token.at)  # Lucene looks at its escapes, and then uses the term as it was written
    return Wildcard(field, unescape_pattern(token.image), at=token.at)


def _regex(field: str, token: Token, _: Token | None) -> Leaf:
    unescape(token.image, token.at)
    pattern = token.image[1:-1]
    if fault := regex_fault(pattern):
        raise SyntaxFault(fault.message, token.at + 1 + fault.at)
    return Regex(field, pattern, at=token.at)


def _slop(tilde: Token, field: str, text: str) -> str:
    """Lucene cuts the number to a whole one, takes what is none for 0, and looks at it where there are two words."""
    slop = whole(java_float(tilde.image[1:]) or 0)
    if slop < 0 and field in MESSAGES and len(tokens(text)) > 1:
        raise SyntaxFault("the words of a phrase cannot be less than 0 apart", tilde.at)
    return str(slop) if slop > 0 else ""


def _distance(tilde: Token) -> str:
    """`~` alone and `~AUTO`: by the length of the term; more than 2 is 2."""
    text = tilde.image[1:].upper()
    if text in ("", "AUTO"):
        return ""
    number = java_float(text)
    if number is None or whole(number) < 0:
        raise SyntaxFault("0, 1 or 2 may follow the ~ of a term", tilde.at)
    return str(min(2, whole(number)))


_MAKERS = {
    Kind.TERM: _term,
    Kind.BARE: _term,
    Kind.QUOTED: _phrase,
    Kind.STAR: _wildcard,
    Kind.PREFIX: _prefix,
    Kind.WILD: _wildcard,
    Kind.REGEX: _regex,
}
