"""Query text -> tree, as Lucene's classic parser (QueryParser.jj and QueryParserBase, Lucene 9) makes it.

AND and OR have no precedence: AND makes the clauses on both its sides MUST (one that is MUST_NOT stays so), OR
changes nothing. Beyond the grammar this refuses what OpenSearch 2 refuses whatever the fields are.
"""

from __future__ import annotations

from dataclasses import replace

from bot.lucene.escapes import unescape
from bot.lucene.faults import SyntaxFault
from bot.lucene.leaves import boost_of, leaf_of, range_of, row_of
from bot.lucene.lexer import Kind, Token, lex
from bot.lucene.limits import MAX_NESTING, check_text, check_tree
from bot.lucene.tokens import MESSAGES, tokens
from bot.lucene.tree import Bool, Clause, Leaf, Node, Occur, Phrase, Word

__all__ = ["SyntaxFault", "by_grammar", "parse"]

_SIGNS = {Kind.PLUS: Occur.MUST, Kind.MINUS: Occur.MUST_NOT, Kind.NOT: Occur.MUST_NOT}
_RANGE_ENDS = (Kind.RANGE_TEXT, Kind.RANGE_QUOTED, Kind.RANGE_TO)
# Terms in a row are one text for Lucene, up to the last one that none of these follows.
_ENDS_A_ROW = (Kind.COLON, Kind.STAR, Kind.TILDE, Kind.CARET, Kind.AND, Kind.OR)


def parse(text: str) -> Node:
    """The tree of a query, if it keeps our limits. Every query that the bot gets from people comes through here.

    Raises SyntaxFault: for what `by_grammar` refuses and for what `limits` has.
    """
    check_text(text)
    node = by_grammar(text)
    check_tree(node)
    return node


def by_grammar(text: str) -> Node:
    """The tree of a query, however long. A leaf's `slop` and `distance` are whole numbers without sign, or "".

    A Bool with one clause that is SHOULD and without boost is given as what is in it. Terms in a row are each for
    itself, as they were for elastic-recheck's server: newer ones take `tags:(a b)` on an exact field for the one value
    "a b"; on an analysed field there is no difference. Raises SyntaxFault, also for an empty query.
    """
    return _Parser(list(lex(text))).whole()


class _Parser:
    """One pass over the tokens; a method per rule of the grammar."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._nesting = 0

    def whole(self) -> Node:
        if self._kind() is Kind.END:
            raise SyntaxFault("the query is empty", 0)
        node = self._query("")
        if self._kind() is not Kind.END:
            raise SyntaxFault("this ) closes nothing", self._peek().at)
        return node

    def _query(self, field: str) -> Node:
        clauses = [*self._clauses(field)]
        bound = 0
        while self._kind() not in (Kind.END, Kind.CLOSE):
            joined = self._take().kind if self._kind() in (Kind.AND, Kind.OR) else None
            more = self._clauses(field)
            if joined is Kind.AND:
                _require_last(clauses, bound)
                more[0] = _required(more[0])
                bound = len(clauses)
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
            if not field.strip("."):
                raise SyntaxFault("a field has a name of more than dots", name.at)
        return self._group(field) if self._kind() is Kind.OPEN else self._leaf(field)

    def _group(self, field: str) -> Node:
        opened = self._take()
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise SyntaxFault(
                f"parentheses are nested more than {MAX_NESTING} deep; leave out those that change nothing", opened.at
            )
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
        row = [self._take() for _ in range(self._row_length())]
        return row_of(field, row)

    def _leaf(self, field: str) -> Leaf:
        token = self._take()
        if token.kind is Kind.RANGE_OPEN:
            leaf = self._range(field, token)
            return replace(leaf, boost=self._boost())
        boost, tilde = self._boost(), self._tilde()
        leaf = leaf_of(field, token, tilde)
        return replace(leaf, boost=boost or self._boost())

    def _range(self, field: str, opened: Token) -> Leaf:
        low = self._range_end()
        if self._take().kind is not Kind.RANGE_TO:
            raise SyntaxFault("a range is written [low TO high]", opened.at)
        high = self._range_end()
        closed = self._take()
        if closed.kind is not Kind.RANGE_CLOSE:
            raise SyntaxFault("this range is never closed", opened.at)
        return range_of(field, low, high, (opened.image == "[", closed.image == "]"), opened.at)

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
        return boost_of(self._take())  # behind ^ the lexer gives nothing but a number

    def _tilde(self) -> Token | None:
        return self._take() if self._kind() is Kind.TILDE else None

    def _peek(self, ahead: int = 0) -> Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def _kind(self, ahead: int = 0) -> Kind:
        return self._peek(ahead).kind

    def _take(self) -> Token:
        token = self._peek()
        self._next += 1
        return token


def _require_last(clauses: list[Clause], bound: int) -> None:
    """Lucene has by then left out the clauses without a token, and AND reaches to the one before them.

    `bound`: how many clauses stood before the last AND; it has reached what this one would reach among them.
    """
    for at in reversed(range(bound, len(clauses))):
        clauses[at] = _required(clauses[at])
        if not _is_void(clauses[at].node):
            return


def _is_void(node: Node) -> bool:
    if isinstance(node, Bool):
        return all(_is_void(clause.node) for clause in node.clauses)
    return isinstance(node, Word | Phrase) and node.field in MESSAGES and not tokens(node.text)


def _required(clause: Clause) -> Clause:
    return clause if clause.occur is Occur.MUST_NOT else replace(clause, occur=Occur.MUST)
