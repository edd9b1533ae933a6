"""What is questionable in a query that parses: each remark is a warning, the query is used all the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise

from bot.lucene.lexer import Kind, Token, lex
from bot.lucene.numbers import java_float
from bot.lucene.printing import to_text
from bot.lucene.regex import complements
from bot.lucene.rewrite import EVERY_FIELD, SHORT_UUIDS, TRUTHS, resolve
from bot.lucene.tokens import tokens
from bot.lucene.tree import EXISTS, Leaf, Node, Phrase, Regex, Wildcard, Word, leaves
from bot.model import Fields, Profile

# In a message such signs may be meant as they stand; in a name of anything they hardly are.
_AT_A_LETTER = re.compile(r"\w\*|\*\w|\w\?\w")
_SIGN = re.compile(r"[*?]")
_LETTER = re.compile(r"\w")
_OPEN_OR = (
    "an OR outside of parentheses: here either side is enough, but elastic-recheck added its own AND to the last side "
    "and left the others without effect; put parentheses around it"
)
# The tokens with which a clause may begin, and those with which one may end.
_VALUES = frozenset({Kind.TERM, Kind.QUOTED, Kind.PREFIX, Kind.WILD, Kind.REGEX, Kind.STAR, Kind.BARE})
_BEGINS = _VALUES | {Kind.OPEN, Kind.RANGE_OPEN}
_ENDS = _VALUES | {Kind.CLOSE, Kind.RANGE_CLOSE, Kind.TILDE, Kind.NUMBER}
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Remark:
    """One plain sentence about a query, and the offset in its text that it is about."""

    at: int
    message: str


@dataclass(frozen=True, slots=True)
class _Query:
    """What a check looks at. `leaves` are in the order of the text; `fields` is None while the index is not known."""

    text: str
    node: Node
    leaves: tuple[Leaf, ...]
    profile: Profile
    fields: Fields | None

    def name(self, leaf: Leaf) -> str:
        """The document's field that a leaf asks for; `_exists_` asks for the one that it names."""
        exists = leaf.field == EXISTS and isinstance(leaf, Word | Phrase)
        return resolve(leaf.text if exists and isinstance(leaf, Word | Phrase) else leaf.field, self.profile)

    def asks_message(self, leaf: Leaf) -> bool:
        return self.name(leaf) == self.profile.names["message"]


_Check = Callable[[_Query], Iterator[Remark]]


def lint(text: str, node: Node, profile: Profile, fields: Fields | None) -> list[Remark]:
    """The remarks about a query, in the order of its text.

    `node` is what `parse(text)` gave, not rewritten. `fields` are the live index's, or None: then a field is only
    known by the profile.
    """
    query = _Query(text, node, tuple(leaves(node)), profile, fields)
    return sorted((remark for check in _CHECKS for remark in check(query)), key=lambda remark: remark.at)


def _unknown_field(query: _Query) -> Iterator[Remark]:
    known = _known_fields(query)
    for leaf in query.leaves:
        name = query.name(leaf)
        if name not in known:
            hint = did_you_mean(name, known)
            yield Remark(leaf.at, f"the index has no field {name}, so this clause finds nothing{hint}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean build_name?`, "" where no known name is near."""
    nearest = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""


def fields_of(profile: Profile) -> set[str]:
    """The fields that documents of a layout have, as far as it is known."""
    names = {*profile.names.values(), *profile.further, *profile.constant}
    return names | {f"{name}.keyword" for name in names}


def _known_fields(query: _Query) -> set[str]:
    """By the live index, or else by the profile."""
    always = {EVERY_FIELD, *SHORT_UUIDS}
    if query.fields is None:
        return always | fields_of(query.profile)
    exact = {field.exact for field in query.fields.values() if field.exact}
    return always | set(query.fields) | exact


def _constant_field(query: _Query) -> Iterator[Remark]:
    constant = query.profile.constant
    for leaf in query.leaves:
        name = query.name(leaf)
        if name in constant:
            yield Remark(leaf.at, f"{name} is {constant[name]} in every document of this index")


def _quoted_wildcard(query: _Query) -> Iterator[Remark]:
    for leaf in query.leaves:
        wanted = (_AT_A_LETTER,) if query.asks_message(leaf) else (_SIGN, _LETTER)
        if isinstance(leaf, Phrase) and (word := _word_with(leaf.text, wanted)):
            yield Remark(leaf.at, f"in quotes * and ? are no wildcards, but plain text: {word}")


def _word_with(text: str, wanted: tuple[re.Pattern[str], ...]) -> str:
    """The first word in which all of it is found, "" if none has it; one pattern with the words' ends is not linear."""
    return next((word for word in text.split() if all(one.search(word) for one in wanted)), "")


def _no_token(query: _Query) -> Iterator[Remark]:
    for leaf in query.leaves:
        if isinstance(leaf, Word | Phrase) and query.asks_message(leaf) and not tokens(leaf.text):
            yield Remark(leaf.at, "this has neither letter nor digit, so the search leaves the clause out")


def _empty_value(query: _Query) -> Iterator[Remark]:
    for leaf in query.leaves:
        if isinstance(leaf, Word | Phrase) and not leaf.text and not query.asks_message(leaf):
            yield Remark(leaf.at, f"an empty text finds only documents in which {query.name(leaf)} is empty")


def _no_field(query: _Query) -> Iterator[Remark]:
    for leaf in query.leaves:
        if not leaf.field:
            yield Remark(leaf.at, "no field is named, so the message is searched; write message: before it")


def _several_tokens(query: _Query) -> Iterator[Remark]:
    for leaf in query.leaves:
        if isinstance(leaf, Word) and query.asks_message(leaf) and len(words := tokens(leaf.text)) > 1:
            yield Remark(leaf.at, f"without quotes this finds any of {', '.join(words)}; put it in quotes")


def _leading_wildcard(query: _Query) -> Iterator[Remark]:
    for leaf in query.leaves:
        if isinstance(leaf, Wildcard) and leaf.pattern[0] in "*?" and leaf.pattern != "*":
            yield Remark(leaf.at, f"{leaf.pattern} begins with a wildcard, which is slow; name the values with OR")


def _no_number(query: _Query) -> Iterator[Remark]:
    for leaf in query.leaves:
        field = (query.fields or {}).get(query.name(leaf))
        if field is None or field.kind != "number" or leaf.field == EXISTS:
            continue
        if isinstance(leaf, Word | Phrase) and leaf.text not in TRUTHS and not _NUMBER.fullmatch(leaf.text):
            yield Remark(leaf.at, f"{field.name} is a number and {leaf.text} is none, so the search refuses the query")
        if isinstance(leaf, Wildcard) and leaf.pattern != "*":
            yield Remark(leaf.at, f"{field.name} is a number, in which the search refuses wildcards")


def _mixed(query: _Query) -> Iterator[Remark]:
    """AND and OR side by side in one pair of parentheses, or outside of any; or ORs alone outside of any."""
    seen: list[dict[Kind, Token]] = [{}]
    for token in lex(query.text):
        if token.kind is Kind.OPEN:
            seen.append({})
        elif token.kind is Kind.CLOSE:
            seen.pop()
        elif token.kind in (Kind.AND, Kind.OR):
            if seen[-1] and token.kind not in seen[-1]:
                meant = to_text(query.node)
                yield Remark(token.at, f"AND and OR are mixed without parentheses; Lucene reads this as {meant}")
                return
            seen[-1].setdefault(token.kind, token)
    if Kind.OR in seen[0]:
        yield Remark(seen[0][Kind.OR].at, _OPEN_OR)


def far_distances(text: str) -> Iterator[Token]:
    """Each `~` behind a term with another number than 0, 1 or 2. Raises SyntaxFault."""
    term = False
    for token in lex(text):
        if token.kind is Kind.TILDE and term and java_float(token.image[1:].upper()) not in (None, 0, 1, 2):
            yield token
        if token.kind not in (Kind.CARET, Kind.NUMBER):  # a boost may stand between them
            term = token.kind in (Kind.TERM, Kind.BARE)


def _far_distance(query: _Query) -> Iterator[Remark]:
    for tilde in far_distances(query.text):
        yield Remark(tilde.at, f"Elasticsearch 8 and later refuse {tilde.image}; here it is rounded: write 0, 1 or 2")


def _complement(query: _Query) -> Iterator[Remark]:
    for leaf in query.leaves:
        if isinstance(leaf, Regex) and complements(leaf.pattern):
            yield Remark(leaf.at, "OpenSearch 3 reads ~ in a regular expression as a plain sign; write it with NOT")


def _no_operator(query: _Query) -> Iterator[Remark]:
    """Two clauses side by side; those without a field are spoken of already."""
    fieldless = {leaf.at for leaf in query.leaves if not leaf.field}
    for before, token in pairwise(lex(query.text)):
        if before.kind in _ENDS and token.kind in _BEGINS and token.at not in fieldless:
            yield Remark(token.at, "nothing stands between this and the clause before it, which means OR")


_CHECKS: tuple[_Check, ...] = (
    _unknown_field,
    _constant_field,
    _quoted_wildcard,
    _no_token,
    _empty_value,
    _no_field,
    _several_tokens,
    _leading_wildcard,
    _no_number,
    _mixed,
    _no_operator,
    _far_distance,
    _complement,
)
