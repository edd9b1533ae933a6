"""From a rewritten tree to tantivy's query, with Lucene's meaning (never through tantivy's own parser).

tantivy's parser reads `foo*` as the term foo and `!a` as a; see facts on search, 5.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import OSA
from tantivy import FieldType, Occur, Query, Schema, Searcher

from bot.lucene import tree
from bot.lucene.limits import FUZZY_WORDS
from bot.lucene.tokens import lower, tokens
from bot.lucene.tree import Bool, Fuzzy, Leaf, Node, Phrase, Range, Regex, Wildcard, Word
from bot.search.embedded import moments, patterns
from bot.search.embedded.refusal import Refusal
from bot.search.embedded.schema import EXACT, KINDS, LINE, LONG, TEXT, TIME, own_name

OCCURS = {tree.Occur.MUST: Occur.Must, tree.Occur.SHOULD: Occur.Should, tree.Occur.MUST_NOT: Occur.MustNot}

SOME = 2000  # lines that are read at once, which takes 0.1 s
LARGEST = 2**62  # well inside what tantivy's integers hold; beyond them it raises OverflowError


@dataclass(frozen=True, slots=True)
class Asking:
    """Makes queries for one open index."""

    schema: Schema
    searcher: Searcher

    def query(self, node: Node) -> Query:
        """What the whole tree asks. Raises Refusal where the answer would not be Lucene's."""
        return self.clause(node) or Query.empty_query()

    def clause(self, node: Node) -> Query | None:
        """None where analysis leaves nothing, as of `"***"`: Lucene leaves such a clause out."""
        return self.joined(node) if isinstance(node, Bool) else self.leaf(node)

    def joined(self, node: Bool) -> Query | None:
        """Clauses as Lucene joins them; only forbidden ones mean "all but these" (as Elasticsearch mends them)."""
        asked = [(OCCURS[clause.occur], self.clause(clause.node)) for clause in node.clauses]
        clauses = [(occur, query) for occur, query in asked if query is not None]
        if not clauses:
            return None
        if all(occur == Occur.MustNot for occur, _ in clauses):
            clauses.append((Occur.Must, Query.all_query()))
        return Query.boolean_query(clauses)

    def leaf(self, leaf: Leaf) -> Query | None:
        """One leaf, by the kind of its field; a field that the index lacks matches nothing, as in Elasticsearch."""
        if leaf.field == "_exists_" and isinstance(leaf, Word | Phrase):
            return self.there(leaf.text)
        if leaf.field == "*" and leaf == Wildcard("*", "*", leaf.boost):
            return Query.all_query()
        refuse_field(leaf.field)
        field = own_name(leaf.field) or TEXT
        kind = KINDS.get(field)
        if kind is None:
            return Query.empty_query()
        if isinstance(leaf, Wildcard) and leaf.pattern == "*":
            return self.there(leaf.field or TEXT)
        if kind in ("text", "keyword"):
            return self.of_text(leaf, field, analysed=kind == "text")
        return self.of_amount(leaf, field)

    def there(self, name: str) -> Query:
        """Documents that have the field; each has a message and a time. One that is too long is not in `.keyword`."""
        refuse_field(name)
        if name in (TEXT, TIME):
            return Query.all_query()
        field = own_name(name)
        if field not in KINDS:
            return Query.empty_query()
        exact = Query.exists_query(field)
        if name != field or KINDS[field] != "keyword":
            return exact
        long = Query.term_query(self.schema, LONG, field, index_option="basic")
        return Query.boolean_query([(Occur.Should, exact), (Occur.Should, long)])

    # -- texts ----------------------------------------------------------------------------------------------------

    def of_text(self, leaf: Leaf, field: str, *, analysed: bool) -> Query | None:
        """A leaf on the message (cut into tokens, in lower case) or on a metadata field (whole, as it is)."""
        match leaf:
            case Word() if analysed:
                return self.any_of(field, tokens(leaf.text))
            case Phrase() if analysed:
                return self.phrase(field, tokens(leaf.text), slop(leaf))
            case Word() | Phrase():
                return Query.term_query(self.schema, field, leaf.text, index_option="basic")
            case Wildcard():
                pattern = patterns.of_wildcard(leaf.pattern)
                return self.matching(field, lower(pattern) if analysed else pattern, leaf.pattern)
            case Regex():
                pattern = patterns.of_regex(leaf.pattern)
                return self.matching(field, lower(pattern) if analysed else pattern, f"/{leaf.pattern}/")
            case Fuzzy():
                return self.alike(field, lower(leaf.text) if analysed else leaf.text, distance(leaf))
            case Range():
                raise Refusal(f"the embedded index has no ranges of text ({field}): name the values with OR")

    def any_of(self, field: str, words: list[str]) -> Query | None:
        """A word of several tokens finds any of them."""
        terms = [Query.term_query(self.schema, field, token, index_option="freq") for token in words]
        if len(terms) < 2:
            return terms[0] if terms else None
        return Query.boolean_query([(Occur.Should, term) for term in terms])

    def phrase(self, field: str, words: list[str], slop: int) -> Query | None:
        """tantivy panics on a phrase of fewer than two tokens."""
        if len(words) < 2:
            return self.any_of(field, words)
        if slop and (len(words) > 2 or words[0] == words[1]):
            raise Refusal(f"the embedded index looks for two words with ~ between them, not for {' '.join(words)}")
        return Query.phrase_query(self.schema, field, list(words), slop=slop)

    def alike(self, field: str, text: str, edits: int) -> Query:
        """Terms that so many edits make of the text. Raises Refusal where a cluster would take the best of them."""
        query = Query.fuzzy_term_query(self.schema, field, text, distance=edits)
        found: set[str] = set()
        while new := self.terms_alike(query, field, text, edits, found):
            found |= new
            if len(found) > FUZZY_WORDS:
                raise Refusal(
                    f"more than {FUZZY_WORDS} words are like {text}~{edits}, of which a cluster takes "
                    f"{FUZZY_WORDS}: write more of the word, or ~1"
                )
        return query

    def terms_alike(self, query: Query, field: str, text: str, edits: int, known: set[str]) -> set[str]:
        """Terms of some lines that are found by none of the known ones; none where no line is left."""
        terms = [Query.term_query(self.schema, field, term, index_option="basic") for term in known]
        others = Query.boolean_query([(Occur.Must, query), *((Occur.MustNot, term) for term in terms)])
        lines = [self.searcher.doc(address) for _, address in self.searcher.search(others, limit=SOME).hits]
        there = {term for line in lines for term in terms_of(line.to_dict(), field)}
        return {term for term in there if OSA.distance(text, term, score_cutoff=edits) <= edits} - known

    def matching(self, field: str, regex: str, written: str) -> Query:
        """Terms that a regular expression matches whole; tantivy refuses one that is faulty or too big."""
        try:
            return Query.regex_query(self.schema, field, regex)
        except ValueError as fault:
            why = str(fault).strip().splitlines()[-1]
            raise Refusal(f"the embedded index cannot search for {written}: {why}") from fault

    # -- numbers and times ----------------------------------------------------------------------------------------

    def of_amount(self, leaf: Leaf, field: str) -> Query:
        """A leaf on a number or on the time."""
        if isinstance(leaf, Word | Phrase):
            low, high = amounts(field, leaf.text)
            return self.between(field, low, high)
        if isinstance(leaf, Range):
            return self.range(leaf, field)
        raise Refusal(f"{field} holds {'times' if field == TIME else 'numbers'}: ask for a value or a range of it")

    def range(self, leaf: Range, field: str) -> Query:
        """A date that is not given in full is rounded as Elasticsearch does: to include or exclude all of it."""
        low = high = None
        if leaf.low is not None:
            first, last = amounts(field, leaf.low)
            low = first if leaf.includes_low else last + 1
        if leaf.high is not None:
            first, last = amounts(field, leaf.high)
            high = last if leaf.includes_high else first - 1
        return self.there(field) if leaf.low is None and leaf.high is None else self.between(field, low, high)

    def between(self, field: str, low: int | None, high: int | None) -> Query:
        """Both ends belong to it; None is open."""
        return Query.range_query(self.schema, field, FieldType.Integer, low, high)


def refuse_field(name: str) -> None:
    """What a cluster has beside the layout's fields: its own, and the first 256 characters of a message."""
    if "*" in name:
        raise Refusal(f"the embedded index asks one field at a time, not {name}")
    if name.startswith("_") or name == TEXT + EXACT:
        raise Refusal(f"the embedded index has no field {name}, as a cluster has")


def terms_of(document: Mapping[str, Any], field: str) -> list[str]:
    """The terms of a stored line in a field of text."""
    return tokens(document[LINE][0].decode()) if field == TEXT else document.get(field, [])


def amounts(field: str, text: str) -> tuple[int, int]:
    """The least and greatest value that a text names: of a number the same."""
    if field == TIME:
        low, high = moments.span(text)
    else:
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            raise Refusal(f"{field} holds whole numbers, and {text} is none")
        low = high = int(text[:30])
    if not -LARGEST < low <= high < LARGEST:
        raise Refusal(f"{field}: {text} is too large a number")
    return low, high


def slop(phrase: Phrase) -> int:
    """How far a phrase's words may lie apart."""
    return min(int(float(phrase.slop)), 2**31) if phrase.slop else 0


def distance(fuzzy: Fuzzy) -> int:
    """Edits at most; none given: by length, as Elasticsearch's AUTO (0 to 2 characters: 0, to 5: 1, else 2).

    A fraction is of old an alikeness from 0 to 1 (Lucene FuzzyQuery.floatToEdits).
    """
    length = len(fuzzy.text)
    if not fuzzy.distance:
        return 0 if length < 3 else 1 if length < 6 else 2
    given = float(fuzzy.distance)
    return min(2, int(given) if given >= 1 or given == 0 else int((1 - given) * length))
