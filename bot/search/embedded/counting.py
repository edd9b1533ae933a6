"""Counts per build, by tantivy's aggregations: every build, however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tantivy import Query, Searcher

from bot.search.embedded.schema import TIME, UUID

# tantivy refuses an answer of more than 65,000 buckets (its DEFAULT_BUCKET_LIMIT).
MOST_BUCKETS = 60_000
TIMES = {"first": {"min": {"field": TIME}}, "last": {"max": {"field": TIME}}}


@dataclass(frozen=True, slots=True)
class Group:
    """One build's lines among those found: how many, and the first and last time in microseconds."""

    uuid: str
    count: int
    first: int
    last: int


def per_build(searcher: Searcher, query: Query, page: int = MOST_BUCKETS) -> list[Group]:
    """The builds of the lines that a query finds.

    One aggregation where a page holds all of them; beyond that page by page, which is eight times slower.
    """
    terms = {"by": {"terms": {"field": UUID, "size": page}, "aggs": TIMES}}
    answer = searcher.aggregate(query, terms)["by"]
    if answer["sum_other_doc_count"]:
        return [group(bucket, bucket["key"][UUID]) for bucket in combinations(searcher, query, [UUID], TIMES, page)]
    return [group(bucket, bucket["key"]) for bucket in answer["buckets"]]


def group(bucket: dict[str, Any], uuid: str) -> Group:
    """A bucket with the two times."""
    return Group(uuid, bucket["doc_count"], int(bucket["first"]["value"]), int(bucket["last"]["value"]))


def combinations(
    searcher: Searcher, query: Query, fields: Sequence[str], aggregations: dict[str, Any], page: int
) -> Iterator[dict[str, Any]]:
    """A bucket for each combination of values of these fields, None where a line lacks one but the first."""
    sources = [{name: {"terms": {"field": name, "missing_bucket": name != fields[0]}}} for name in fields]
    composite: dict[str, Any] = {"size": page, "sources": sources}
    while True:
        answer = searcher.aggregate(query, {"by": {"composite": composite, "aggs": aggregations}})["by"]
        yield from answer["buckets"]
        if len(answer["buckets"]) < page:
            return
        composite = composite | {"after": answer["after_key"]}
