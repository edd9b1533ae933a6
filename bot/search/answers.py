"""Reading what the server answers to one search: whether it is whole, and what was found; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.model import Build, Hit, Line, Listed, Profile, Ran
from bot.search.documents import build_of, from_millis, line_of

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
REASON_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an answer is not whole; `refused`: this very question gets the same again."""

    why: str
    refused: bool = False


def trouble(item: Mapping[str, Any], index: str) -> Trouble | None:
    """What keeps one search's answer from being whole, None for nothing. `_shards.skipped` is healthy."""
    if "error" in item:
        return of_error(item)
    if item.get("status", 200) != 200:
        return Trouble(f"the search answered with status {item['status']}")
    if item.get("timed_out"):
        return Trouble("the search ran out of time on the server")
    if item.get("terminated_early"):
        return Trouble("the server ended the search early")
    return of_clusters(item.get("_clusters", {})) or of_shards(item.get("_shards"), index)


def of_error(item: Mapping[str, Any]) -> Trouble:
    error = item["error"]
    status = item.get("status", 500)
    kind, reason = root(error)
    # Fields that cannot be aggregated by are the index's fault, not the query's.
    refused = status == 400 and kind in ABOUT_THE_QUERY and "fielddata" not in reason.lower()
    return Trouble(f"the server refused the search ({status}): {kind}: {reason}"[:REASON_LENGTH], refused)


def root(error: Any) -> tuple[str, str]:
    """Type and reason of an error's innermost cause; old servers and proxies give a plain text."""
    if not isinstance(error, Mapping):
        return "error", str(error)
    causes = error.get("root_cause")
    cause = causes[0] if isinstance(causes, list) and causes and isinstance(causes[0], Mapping) else error
    return str(cause.get("type", "error")), " ".join(str(cause.get("reason", "")).split())


def of_clusters(clusters: Mapping[str, Any]) -> Trouble | None:
    for state in ("skipped", "partial", "failed"):
        if clusters.get(state):
            return Trouble(f"{clusters[state]} of {clusters.get('total', '?')} clusters were {state}")
    return None


def of_shards(shards: Mapping[str, Any] | None, index: str) -> Trouble | None:
    if shards is None:
        return Trouble("the answer does not say how many shards were searched")
    if shards.get("total", 0) == 0:
        return Trouble(f"no index matches {index}")
    if not shards.get("failed"):
        return None
    failures = [root(failure.get("reason")) for failure in shards.get("failures", [])]
    said = f": {failures[0][0]}: {failures[0][1]}" if failures else ""
    refused = bool(failures) and all(kind == "query_shard_exception" for kind, _ in failures)
    return Trouble(f"{shards['failed']} of {shards['total']} shards failed{said}"[:REASON_LENGTH], refused)


def buckets(item: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The buckets of an aggregation; none where a failed search has no aggregations."""
    yield from item.get("aggregations", {}).get(name, {}).get("buckets", [])


def left_over(item: Mapping[str, Any]) -> int:
    """Documents in builds beyond those that a terms aggregation named."""
    return int(item.get("aggregations", {}).get("builds", {}).get("sum_other_doc_count", 0))


def hits(item: Mapping[str, Any], signature: str, profile: Profile) -> list[Hit]:
    found = []
    for bucket in buckets(item, "builds"):
        first, last = bucket["first"]["value"], bucket["last"]["value"]
        if first is None or last is None:
            continue
        found.append(
            Hit(
                signature=signature,
                build=str(bucket["key"]),
                count=bucket["doc_count"],
                first=from_millis(first),
                last=from_millis(last),
                sample=sample(bucket, profile),
            )
        )
    return found


def sample(bucket: Mapping[str, Any], profile: Profile) -> Line | None:
    found = bucket["sample"]["hits"]["hits"]
    return line_of(found[0]["_source"], profile) if found else None


def listed(item: Mapping[str, Any]) -> list[Listed]:
    return [
        Listed(str(bucket["key"]["uuid"]), bucket["doc_count"], from_millis(bucket["newest"]["value"]))
        for bucket in buckets(item, "page")
        if bucket["newest"]["value"] is not None
    ]


def described(item: Mapping[str, Any], profile: Profile) -> list[Build]:
    return [
        build_of(bucket["sample"]["hits"]["hits"][0]["_source"], str(bucket["key"]), profile)
        for bucket in buckets(item, "builds")
        if bucket["sample"]["hits"]["hits"]
    ]


def lines(item: Mapping[str, Any], profile: Profile) -> list[Line]:
    read = (line_of(hit["_source"], profile) for hit in item.get("hits", {}).get("hits", []))
    return [line for line in read if line is not None]


def ran(item: Mapping[str, Any]) -> list[Ran]:
    return [
        Ran(
            pipeline=word(bucket, "pipeline"),
            project=word(bucket, "project"),
            job=word(bucket, "job"),
            result=word(bucket, "result"),
            builds=bucket["builds"]["value"],
        )
        for bucket in buckets(item, "page")
    ]


def word(bucket: Mapping[str, Any], name: str) -> str:
    found = bucket["key"].get(name)
    return "" if found is None else str(found)


def next_page(item: Mapping[str, Any], size: int) -> dict[str, Any] | None:
    """Where the next page of a composite aggregation begins, None after the last one: that is the first not full."""
    after = item.get("aggregations", {}).get("page", {}).get("after_key")
    full = sum(1 for _ in buckets(item, "page")) >= size
    return after if isinstance(after, dict) and full else None
