"""Whether a search's answer is whole, and what keeps it from that; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.search.shapes import Unreadable, count, items, mapping

# What a server says of the query itself, so that asking again gives the same. "search_phase_execution_exception"
# and the like are only wrapped around these.
ABOUT_THE_QUERY = frozenset(
    {
        "query_shard_exception",
        "parsing_exception",
        "parse_exception",
        "x_content_parse_exception",
        "number_format_exception",
        "illegal_argument_exception",
        "too_many_clauses",
        "too_many_nested_clauses",
        "token_mgr_error",
        "too_complex_to_determinize_exception",
    }
)
TOO_MANY_BUCKETS = "too_many_buckets_exception"
REASON_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an answer is not whole.

    `refused`: this very question gets the same again. `by_query`: what was asked has to do with it, so that a part of
    several questions that were asked together may be answered.
    """

    why: str
    refused: bool = False
    by_query: bool = False


def trouble(item: Any, index: str) -> Trouble | None:
    """What keeps one search's answer from being whole, None for nothing. `_shards.skipped` is healthy."""
    try:
        return of_item(mapping(item), index)
    except Unreadable as why:
        return Trouble(f"the server answered with what cannot be read: {why}")


def of_item(item: Mapping[str, Any], index: str) -> Trouble | None:
    """The first of what a search says of itself that means that it is not whole. Raises Unreadable."""
    if "error" in item:
        return of_error(item)
    if item.get("status", 200) != 200:
        return Trouble(f"the search answered with status {item['status']}"[:REASON_LENGTH])
    if item.get("timed_out") is True:
        return Trouble("the search ran out of time on the server")
    if item.get("terminated_early"):
        return Trouble("the server ended the search early")
    found = of_clusters(item["_clusters"]) if "_clusters" in item else None
    found = found or of_shards(item.get("_shards"), index)
    if found is None and item.get("timed_out") is not False:
        raise Unreadable("it does not say if it ran out of time")
    return found


def of_error(item: Mapping[str, Any]) -> Trouble:
    """The trouble of a search that failed altogether."""
    status = item.get("status", 500)
    kind, reason = root(item["error"])
    about = about_the_query(kind, reason)
    # With 500 a server fell over this very search; one that is busy or lacks shards says 429, 503 or 504.
    by_query = about or kind == TOO_MANY_BUCKETS or status == 500
    why = f"the server refused the search ({status}): {kind}: {reason}"[:REASON_LENGTH]
    return Trouble(why, refused=about and status == 400, by_query=by_query)


def about_the_query(kind: str, reason: str) -> bool:
    """Whether another query might be answered. Fields that cannot be aggregated by are the index's fault."""
    return kind in ABOUT_THE_QUERY and "fielddata" not in reason.lower()


def root(error: Any) -> tuple[str, str]:
    """Type and reason of an error's innermost cause; old servers and proxies give a plain text."""
    if not isinstance(error, Mapping):
        return "error", str(error)
    causes = error.get("root_cause")
    # Where no shard is to blame, as for too many buckets while joining their answers, `root_cause` is an empty list.
    cause = error.get("caused_by") if causes == [] else causes[0] if isinstance(causes, list) else error
    if not isinstance(cause, Mapping):
        cause = error
    return str(cause.get("type", "error")), " ".join(str(cause.get("reason") or "no reason given").split())


def too_many_buckets(answer: Any) -> bool:
    """Whether this search is what is wrong, though OpenSearch and Elasticsearch 7 give it the status 503."""
    return isinstance(answer, Mapping) and root(answer.get("error"))[0] == TOO_MANY_BUCKETS


def of_clusters(clusters: Any) -> Trouble | None:
    """Of clusters that are searched through this one: any that did not take part to the end. Raises Unreadable."""
    for state in ("skipped", "partial", "failed", "running"):
        if mapping(clusters).get(state):
            return Trouble(f"{clusters[state]} of {clusters.get('total', '?')} clusters were {state}"[:REASON_LENGTH])
    # Elasticsearch 8.10 and later name each cluster.
    for name, detail in mapping(clusters.get("details", {})).items():
        status = mapping(detail).get("status")
        if status != "successful" or detail.get("timed_out"):
            said = "out of time" if status == "successful" else status
            return Trouble(f"the cluster {name} was {said}"[:REASON_LENGTH])
    return None


def of_shards(shards: Any, index: str) -> Trouble | None:
    """Shards that failed, or that nobody counts. Raises Unreadable."""
    if shards is None:
        return Trouble("the answer does not say how many shards were searched")
    total, failed, successful = (count(shards, key) for key in ("total", "failed", "successful"))
    if total == 0:
        return Trouble(f"no index matches {index}")
    if failed:
        return of_failures(items(mapping(shards).get("failures", [])), failed, total)
    if successful < total:
        # A shard without a node is not among the failed (AbstractSearchAsyncAction leaves it out of them).
        return Trouble(f"{total - successful} of {total} shards are nowhere to be searched")
    return None


def of_failures(failures: list[Any], failed: int, total: int) -> Trouble:
    """The trouble of shards that failed beside others that did not; the server says why of some of them."""
    causes = [root(failure.get("reason") if isinstance(failure, Mapping) else failure) for failure in failures]
    said = f": {causes[0][0]}: {causes[0][1]}" if causes else ""
    refused = bool(causes) and all(kind == "query_shard_exception" for kind, _ in causes)
    by_query = any(about_the_query(*cause) or cause[0] == TOO_MANY_BUCKETS for cause in causes)
    return Trouble(f"{failed} of {total} shards failed{said}"[:REASON_LENGTH], refused, by_query)
