"""What is asked of Elasticsearch and OpenSearch, as plain JSON; pure.

Every search is one that 7.10 and all later ones, and OpenSearch 1 to 3, answer alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.model import Field, Fields, Profile, Where, Window
from bot.search.documents import NONVOTING, OF_A_BUILD, OF_A_LINE, paths

Json = dict[str, Any]
BUCKETS = 10_000  # of a terms aggregation; search.max_buckets is 65,535 and more
MOST_LINES = 10_000  # index.max_result_window
NEEDED = ("uuid", "at", "message")


class NoSuchField(Exception):
    """The index lacks a field without which the question has no answer; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A profile and what the index really has: where each of our words is exact."""

    profile: Profile
    fields: Fields

    def field(self, word: str) -> Field:
        """Raises NoSuchField where the layout or the index has none."""
        name = self.profile.names.get(word)
        if name is None:
            raise NoSuchField(f"the layout {self.profile.name} has no field for {word}")
        if name not in self.fields:
            raise NoSuchField(
                f"the index has no field {name} for {word}: "
                f"look at search.profile ({self.profile.name}) and search.fields"
            )
        return self.fields[name]

    def exact(self, word: str) -> str:
        """The path for exact clauses and aggregations. Raises NoSuchField where there is none."""
        found = self.field(word)
        if found.exact is None:
            raise NoSuchField(
                f"the field {found.name} is analysed text, in some index without a keyword: it cannot be counted by; "
                "let search.index match indices of one mapping"
            )
        return found.exact

    def at(self) -> str:
        """The path of a line's time. Raises NoSuchField."""
        return self.field("at").name


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def since(layout: Layout, start: datetime, end: datetime | None = None) -> Json:
    """Lines from `start` on, and before `end` if one is given."""
    bounds = {"gte": stamp(start)} | ({} if end is None else {"lt": stamp(end)})
    return {"range": {layout.at(): {**bounds, "format": "strict_date_optional_time"}}}


def any_of(path: str, values: Sequence[str]) -> Json:
    """The filter for documents that have one of the values there."""
    return {"terms": {path: list(values)}}


def search(filters: Sequence[Json], server_timeout: str, aggs: Json | None = None) -> Json:
    """A search for counts alone.

    It asks for one hit all the same: of a search with aggregations and no hits OpenSearch 3 says `terminated_early`
    when its counting of hits took a short cut, though the aggregations are whole (seen on 3.8.0).
    """
    body = {
        "size": 1,
        "_source": False,
        "sort": ["_doc"],
        "track_total_hits": False,
        "timeout": server_timeout,
        "query": {"bool": {"filter": list(filters)}},
    }
    return body if aggs is None else body | {"aggs": aggs}


def matching(text: str, layout: Layout) -> Json:
    """The query string as Lucene's classic parser reads it: nothing lenient, no default but the message."""
    return {
        "query_string": {
            "query": text,
            "default_field": layout.field("message").name,
            "analyze_wildcard": False,
            "lenient": False,
        }
    }


def hits(
    texts: Sequence[str], uuids: Sequence[str] | None, window: Window, layout: Layout, server_timeout: str
) -> Json:
    """Queries for all of these builds at once (None: all builds), each by build: count, first, last, first line.

    Most of what a search costs that finds little is the same for one query and for ten (docs/performance.md).
    """
    uuid, at = layout.exact("uuid"), layout.at()
    filters = [since(layout, window.lines_from)]
    if uuids is not None:
        filters.append(any_of(uuid, uuids))
    queries = [matching(text, layout) for text in texts]
    filters.append(queries[0] if len(queries) == 1 else either(queries))
    size = BUCKETS if uuids is None else len(uuids)
    inner = {
        "first": {"min": {"field": at}},
        "last": {"max": {"field": at}},
        "sample": {"top_hits": {"size": 1, "sort": oldest_first(at), "_source": paths(OF_A_LINE, layout.profile)}},
    }
    aggs: Json = {"builds": {"terms": {"field": uuid, "size": size}, "aggs": inner}}
    if len(queries) > 1:
        aggs = {"questions": {"filters": {"filters": queries}, "aggs": aggs}}
    return search(filters, server_timeout, aggs)


def either(queries: Sequence[Json]) -> Json:
    """What one of the queries matches. Without it each of them would be tried on every line of the builds."""
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


def oldest_first(at: str) -> list[Any]:
    """As milliseconds: where one index has `date` and another `date_nanos`, their own values cannot be compared."""
    return [{at: {"order": "asc", "unmapped_type": "date", "numeric_type": "date"}}, "_doc"]


def conditions(where: Where, layout: Layout) -> list[Json]:
    """The filters that a Where means."""
    wanted = {"pipeline": where.pipelines, "result": where.results, "uuid": where.uuids}
    if where.change:
        wanted["change"] = (where.change,)
    return [any_of(layout.exact(word), values) for word, values in wanted.items() if values]


def nowhere(where: Where, layout: Layout) -> bool:
    """Whether no document can fit: a number is asked for with letters, which the server would call an error."""
    return bool(where.change) and layout.field("change").kind == "number" and not where.change.isdecimal()


def builds(where: Where, window: Window, layout: Layout, server_timeout: str, page: int, after: Json | None) -> Json:
    """One page of the builds that have a line from `window.lines_from` on, with the newest one's time."""
    sources = [{"uuid": {"terms": {"field": layout.exact("uuid")}}}]
    newest = {"newest": {"max": {"field": layout.at()}}}
    filters = [since(layout, window.lines_from), *conditions(where, layout)]
    return search(filters, server_timeout, composite(sources, newest, page, after))


def composite(sources: list[Json], inner: Json, page: int, after: Json | None) -> Json:
    """One page of a composite aggregation, named `page`; `after`: the `after_key` of the page before."""
    asked: Json = {"size": page, "sources": sources} | ({} if after is None else {"after": after})
    return {"page": {"composite": asked, "aggs": inner}}


def described(uuids: Sequence[str], window: Window, layout: Layout, server_timeout: str) -> Json:
    """One document of each build, with what it says about the build."""
    uuid = layout.exact("uuid")
    sample = {"sample": {"top_hits": {"size": 1, "_source": paths(OF_A_BUILD, layout.profile)}}}
    filters = [since(layout, window.lines_from), any_of(uuid, uuids)]
    aggs = {"builds": {"terms": {"field": uuid, "size": len(uuids)}, "aggs": sample}}
    return search(filters, server_timeout, aggs)


def lines(text: str, uuid: str, limit: int, window: Window, layout: Layout, server_timeout: str) -> Json:
    """The oldest lines of one build that a query matches."""
    filters = [since(layout, window.lines_from), any_of(layout.exact("uuid"), [uuid]), matching(text, layout)]
    return search(filters, server_timeout) | {
        "size": min(limit, MOST_LINES),
        "sort": oldest_first(layout.at()),
        "_source": paths(OF_A_LINE, layout.profile),
    }


COUNTED_BY = ("pipeline", "project", "job", "result")


def totals(window: Window, layout: Layout, server_timeout: str, page: int, after: Json | None) -> Json:
    """One page of how many builds there were; a word that the index lacks is not counted by."""
    sources = [
        {word: {"terms": {"field": layout.exact(word), "missing_bucket": True}}}
        for word in COUNTED_BY
        if layout.profile.names.get(word) in layout.fields
    ]
    if not sources:
        raise NoSuchField("the index has neither pipeline nor project, job or result: look at search.profile")
    distinct = {"builds": {"cardinality": {"field": layout.exact("uuid")}}}
    filters = [since(layout, window.start, window.end), *voting(layout)]
    return search(filters, server_timeout, composite(sources, distinct, page, after))


def voting(layout: Layout) -> list[Json]:
    """The filter for builds that vote, or do not say; none where the index cannot tell."""
    field = layout.fields.get(layout.profile.names.get("voting", ""))
    if field is None or field.exact is None:
        return []
    # Lenient, as a number is not "false" and a boolean not "0": such a clause finds nothing, and is no error.
    silent = [{"match": {field.exact: {"query": text, "lenient": True}}} for text in NONVOTING]
    return [{"bool": {"must_not": silent}}]


def any_with(path: str) -> Json:
    """Whether a document has this field at all."""
    return {"size": 0, "track_total_hits": 1, "query": {"exists": {"field": path}}}


def msearch(bodies: Sequence[bytes]) -> bytes:
    """The lines of an `_msearch` request; the index stands in its path."""
    return b"".join(HEADER + body + b"\n" for body in bodies)


# With partial results not allowed, a half-failed search is an error without the hits that were found.
# The copies of a shard refresh each in its own time: a listing from one and hits from another would leave out lines for
# ever. With one name all searches go to the same copies while these are up.
COPIES = "gatewatch"
OPTIONS: Mapping[str, str] = {
    "ignore_unavailable": "true",
    "allow_partial_search_results": "true",
    "preference": COPIES,
}
HEADER = f'{{"ignore_unavailable":true,"allow_partial_search_results":true,"preference":"{COPIES}"}}\n'.encode()
