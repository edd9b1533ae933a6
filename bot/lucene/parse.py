"""Query text -> tree, as Lucene's classic parser (QueryParser.jj and QueryParserBase, Lucene 9) makes it.

AND and OR have no precedence: AND makes the clauses on both its sides MUST (one that is MUST_NOT stays so), OR
changes nothing. Beyond the grammar this refuses what OpenSearch 2 refuses whatever the fields are.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bot.lucene.escapes import pattern_of, unescape, unescape_pattern
from bot.lucene.lexer import Kind, SyntaxFault, Token, lex
from bot.lucene.regex import regex_fault
from bot.lucene.tree import Bool, Clause, Fuzzy, Leaf, Node, Occur, Phrase, Range, Regex, Wildcard, Word

__all__ = ["MAX_LEAVES", "MAX_NESTING", "SyntaxFault", "parse"]

# Ours: far above any real query (the corpus has 3), far below what Python's stack or a server's can bear.
MAX_NESTING = 100
# indices.query.bool.max_clause_count of Elasticsearch 7 and OpenSearch.
MAX_LEAVES = 1024

_SIGNS = {Kind.PLUS: Occur.MUST, Kind.MINUS: Occur.MUST_NOT, Kind.NOT: Occur.MUST_NOT}
_RANGE_ENDS = (Kind.RANGE_TEXT, Kind.RANGE_QUOTED, Kind.RANGE_TO)
# Terms in a row are one text for Lucene, up to the last one that none of these follows.
_ENDS_A_ROW = (Kind.COLON, Kind.STAR, Kind.TILDE, Kind.CARET, Kind.AND, Kind.OR)
_COMPARISON = re.compile(r"([<>])(=(?=.))?(.+)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?=[fFdD]?$)", re.ASCII)
_GREATEST_FLOAT = 3.4028235677973366e38  # from here on Java's parseFloat says Infinity


def parse(text: str) -> Node:
    """The tree of a query. A leaf's `slop` and `distance` are whole numbers without sign, or "".

    A Bool with one clause that is SHOULD and without boost is given as what is in it. Raises SyntaxFault.
    """
    return _Parser(list(lex(text))).whole()


class _Parser:
    """One pass over the tokens; a method per rule of the grammar."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._nesting = 0
        self._leaves = 0

    def whole(self) -> Node:
        if self._kind() is Kind.END:
            raise SyntaxFault("the query is empty", 0)
        node = self._query("")
        if self._kind() is not Kind.END:
            raise SyntaxFault("this ) closes nothing", self._peek().at)
        return node

    def _query(self, field: str) -> Node:
        clauses = [*self._clauses(field)]
        while self._kind() not in (Kind.END, Kind.CLOSE):
            joined = self._take().kind if self._kind() in (Kind.AND, Kind.OR) else None
            more = self._clauses(field)
            if joined is Kind.AND:
                clauses[-1], more[0] = _required(clauses[-1]), _required(more[0])
            clauses += more
        if len(clauses) == 1 and clauses[0].occur is Occur.SHOULD:
            return clauses[0].node
        return Bool(tuple(clauses))

    def _clauses(self, field: str) -> list[Clause]:
        if self._row_length() > 1:
            return [Clause(Occur.SHOULD, leaf) for leaf in self._row(field)]
        occur = _SIGNS[self._take().kind] if self._kind() in _SIGNS else Occur.SHOULD
        return [Clause(occur, self._clause(field))]

    def _clause(self, field: str) -> Node:
        if self._kind() in (Kind.TERM, Kind.STAR) and self._kind(1) is Kind.COLON:
            name = self._take()
            self._take()
            field = unescape(name.image, name.at)
        return self._group(field) if self._kind() is Kind.OPEN else self._leaf(field)

    def _group(self, field: str) -> Node:
        opened = self._take()
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise SyntaxFault(f"parentheses are nested more than {MAX_NESTING} deep", opened.at)
        node = self._query(field)
        if self._kind() is not Kind.CLOSE:
            raise SyntaxFault("this ( is never closed", opened.at)
        self._take()
        self._nesting -= 1
        boost = self._boost()
        if boost and node.boost:
            return Bool((Clause(Occur.SHOULD, node),), boost)
        return replace(node, boost=boost) if boost else node

    def _row_length(self) -> int:
        length = 0
        while self._kind(length) is Kind.TERM and self._kind(length + 1) not in _ENDS_A_ROW:
            length += 1
        return length

    def _row(self, field: str) -> list[Leaf]:
        """Terms in a row: on an analysed field the same as each for itself, unless the first is a comparison."""
        tokens = [self._take() for _ in range(self._row_length())]
        texts = [unescape(token.image, token.at) for token in tokens]
        if _COMPARISON.fullmatch(texts[0]):
            return [self._counted(_word(field, " ".join(texts), tokens[0].at))]
        # A term further on is no comparison, and printed by itself must not become one.
        texts = [re.sub(r"^[<>]+(?=.)", "", text) for text in texts]
        words = zip(texts, tokens, strict=True)
        return [self._counted(Word(field, text, at=token.at)) for text, token in words]

    def _leaf(self, field: str) -> Leaf:
        token = self._take()
        if token.kind is Kind.RANGE_OPEN:
            leaf = self._range(field, token)
            return self._counted(replace(leaf, boost=self._boost()))
        make = _LEAVES.get(token.kind)
        if make is None:
            raise _misplaced(token)
        boost, tilde = self._boost(), self._tilde()
        leaf = make(field, token, tilde)
        return self._counted(replace(leaf, boost=boost or self._boost()))

    def _range(self, field: str, opened: Token) -> Leaf:
        low = self._range_end()
        if self._take().kind is not Kind.RANGE_TO:
            raise SyntaxFault("a range is written [low TO high]", opened.at)
        high = self._range_end()
        closed = self._take()
        if closed.kind is not Kind.RANGE_CLOSE:
            raise SyntaxFault("this range is never closed", opened.at)
        return _range(field, low, high, (opened.image == "[", closed.image == "]"), opened.at)

    def _range_end(self) -> str:
        token = self._take()
        if token.kind not in _RANGE_ENDS:
            raise SyntaxFault("a range is written [low TO high]", token.at)
        if token.kind is Kind.RANGE_QUOTED:
            return unescape(token.image[1:-1], token.at + 1)
        return unescape(token.image, token.at)

    def _boost(self) -> str:
        if self._kind() is not Kind.CARET:
            return ""
        self._take()
        number = self._take()  # behind ^ the lexer gives nothing else
        if float(number.image) >= _GREATEST_FLOAT:
            raise SyntaxFault("this boost is too great a number", number.at)
        return number.image

    def _tilde(self) -> Token | None:
        return self._take() if self._kind() is Kind.TILDE else None

    def _counted(self, leaf: Leaf) -> Leaf:
        self._leaves += 1
        if self._leaves > MAX_LEAVES:
            raise SyntaxFault(f"the query has more than {MAX_LEAVES} clauses, which is what servers take", leaf.at)
        return leaf

    def _peek(self, ahead: int = 0) -> Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def _kind(self, ahead: int = 0) -> Kind:
        return self._peek(ahead).kind

    def _take(self) -> Token:
        token = self._peek()
        self._next += 1
        return token


def _required(clause: Clause) -> Clause:
    return clause if clause.occur is Occur.MUST_NOT else replace(clause, occur=Occur.MUST)


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
        return Word(field, text, at=at)
    sign, equal, value = comparison.groups()
    low, high = (value, "*") if sign == ">" else ("*", value)
    return _range(field, low, high, (bool(equal), bool(equal)), at)


def _range(field: str, low: str, high: str, includes: tuple[bool, bool], at: int) -> Range:
    """An end that is `*`, quoted or not, is open, and then there is nothing to include or to leave out."""
    low_end, high_end = (None if end == "*" else end for end in (low, high))
    includes_low, includes_high = low_end is None or includes[0], high_end is None or includes[1]
    return Range(field, low_end, high_end, includes_low, includes_high, at=at)


def _phrase(field: str, token: Token, tilde: Token | None) -> Leaf:
    text = unescape(token.image[1:-1], token.at + 1)
    return Phrase(field, text, "" if tilde is None else _slop(tilde), at=token.at)


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


def _slop(tilde: Token) -> str:
    """Lucene cuts the number to a whole one, and takes what is none for 0."""
    number = _NUMBER.match(tilde.image[1:])
    slop = int(float(number[0])) if number else 0
    if slop < 0:
        raise SyntaxFault("the words of a phrase cannot be less than 0 apart", tilde.at)
    return str(slop) if slop else ""


def _distance(tilde: Token) -> str:
    """`~` alone and `~AUTO`: by the length of the term; more than 2 is 2."""
    text = tilde.image[1:]
    if text.upper() in ("", "AUTO"):
        return ""
    number = _NUMBER.match(text)
    distance = int(float(number[0])) if number else -1
    if distance < 0:
        raise SyntaxFault("0, 1 or 2 may follow the ~ of a term", tilde.at)
    return str(min(2, distance))


_LEAVES = {
    Kind.TERM: _term,
    Kind.BARE: _term,
    Kind.QUOTED: _phrase,
    Kind.STAR: _wildcard,
    Kind.PREFIX: _prefix,
    Kind.WILD: _wildcard,
    Kind.REGEX: _regex,
}
