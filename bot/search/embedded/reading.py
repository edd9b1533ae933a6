"""What one look at the index answers; synchronous, on a searcher that stands still."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tantivy import Occur, Order, Query, Searcher

from bot.lucene.tree import Node
from bot.model import Answer, Build, Complete, Hit, Line, Listed, Ran, Totals, Unknown, Where, Window
from bot.search import Question
from bot.search.documents import build_of, line_of
from bot.search.embedded.asking import Asking
from bot.search.embedded.counting import MOST_BUCKETS, Group, combinations, per_build
from bot.search.embedded.refusal import Refusal
from bot.search.embedded.schema import LINE, LONG_VALUES, TEXT, TIME, UUID, micros, moment
from bot.search.profiles import LOGSENDER

NAMES = LOGSENDER.names


@dataclass(frozen=True, slots=True)
class Reading:
    """The index as it was at one commit; `page`: how many builds one aggregation may hold."""

    searcher: Searcher
    asking: Asking
    page: int = MOST_BUCKETS

    def builds(self, window: Window, where: Where) -> list[Listed]:
        """Builds whose newest line is in the window."""
        groups = per_build(self.searcher, both(self.reach(window), *self.conditions(where)), self.page)
        start, end = micros(window.start), micros(window.end)
        return [Listed(one.uuid, one.count, moment(one.last)) for one in groups if start <= one.last < end]

    def described(self, uuids: Sequence[str], window: Window) -> list[Build]:
        """The metadata of each build's newest line: what was sent last holds."""
        found = ((uuid, self.documents(both(self.of(uuid), self.reach(window)), 1, Order.Desc)) for uuid in uuids)
        return [build_of(documents[0], uuid, LOGSENDER) for uuid, documents in found if documents]

    def hits(
        self, questions: Sequence[Question], uuids: Sequence[str] | None, window: Window
    ) -> Mapping[str, Answer[list[Hit]]]:
        """Each question by itself; a build outside the window is left out after counting, which costs least."""
        wanted = frozenset(build.uuid for build in self.builds(window, Where())) if uuids is None else frozenset(uuids)
        return {question.id: self.answer(question, wanted, self.reach(window)) for question in questions}

    def answer(self, question: Question, wanted: Collection[str], reach: Query) -> Answer[list[Hit]]:
        """One question's hits in the builds that are wanted."""
        try:
            query = both(self.asking.query(question.tree), reach)
            groups = (group for group in per_build(self.searcher, query, self.page) if group.uuid in wanted)
            return Complete([self.hit(question.id, group, query) for group in groups])
        except Refusal as refusal:
            return Unknown(str(refusal), [], refused=True)
        except ValueError as fault:  # all that tantivy raises; the other questions are asked all the same
            return Unknown(f"the embedded index did not answer: {fault}", [])

    def hit(self, signature: str, group: Group, query: Query) -> Hit:
        """A build's group with its first line, which costs a search of 0.01 ms and the reading of one document."""
        sample = self.documents(both(query, self.of(group.uuid)), 1, Order.Asc)
        line = line_of(sample[0], LOGSENDER) if sample else None
        return Hit(signature, group.uuid, group.count, moment(group.first), moment(group.last), line)

    def lines(self, uuid: str, tree: Node, limit: int, window: Window) -> list[Line]:
        """A build's lines that the tree matches, oldest first. Raises Refusal."""
        query = both(self.asking.query(tree), self.of(uuid), self.reach(window))
        found = (line_of(document, LOGSENDER) for document in self.documents(query, limit, Order.Asc))
        return [line for line in found if line is not None]

    def totals(self, window: Window) -> Totals:
        """Voting builds with a line in the window itself."""
        words = ("uuid", "pipeline", "project", "job", "result")
        fields = [NAMES[word] for word in words]
        inside = self.asking.between(TIME, micros(window.start), micros(window.end) - 1)
        silent = self.asking.between(NAMES["voting"], 0, 0)
        lines = Query.boolean_query([(Occur.Must, inside), (Occur.MustNot, silent)])
        buckets = combinations(self.searcher, lines, fields, {}, self.page)
        ran = Counter(tuple(str(bucket["key"][name] or "") for name in fields[1:]) for bucket in buckets)
        return tuple(
            Ran(pipeline, project, job, result, builds)
            for (pipeline, project, job, result), builds in sorted(ran.items())
        )

    # -- parts of a question --------------------------------------------------------------------------------------

    def reach(self, window: Window) -> Query:
        """The lines that count for a window; no end, since a build with a later line is not in it."""
        return self.asking.between(TIME, micros(window.lines_from), None)

    def of(self, uuid: str) -> Query:
        """One build's lines; a set of one term would cost thirty times as much."""
        return Query.term_query(self.asking.schema, UUID, uuid, index_option="basic")

    def any_of(self, field: str, values: Sequence[str]) -> Query:
        """Lines whose metadata field has one of these values."""
        return Query.term_set_query(self.asking.schema, field, list(values))

    def conditions(self, where: Where) -> list[Query]:
        """What a listing asks besides the time."""
        asked = {"pipeline": where.pipelines, "result": where.results, "uuid": where.uuids}
        queries = [self.any_of(NAMES[word], values) for word, values in asked.items() if values]
        if where.change:
            change = int(where.change) if where.change.isdecimal() and len(where.change) < 19 else -1  # no such change
            queries.append(self.asking.between(NAMES["change"], change, change))
        return queries

    def documents(self, query: Query, limit: int, order: Order) -> list[dict[str, Any]]:
        """Documents by time, as they were given; tantivy panics on a limit of 0."""
        if limit < 1:
            return []
        found = self.searcher.search(query, limit=limit, count=False, order_by_field=TIME, order=order)
        return [given(self.searcher.doc(address).to_dict()) for _, address in found.hits]


def both(*queries: Query) -> Query:
    """What every one of the queries finds."""
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def given(document: dict[str, Any]) -> dict[str, Any]:
    """A stored document as the layout has it."""
    message = {TEXT: document[LINE][0].decode()} if LINE in document else {}
    long = json.loads(document[LONG_VALUES][0]) if LONG_VALUES in document else {}
    return document | message | long | {TIME: moment(document[TIME][0]).isoformat()}
