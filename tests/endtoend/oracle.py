"""What is right, found elastic-recheck's own way: one plain search per signature and build, in an index as of old.

Nothing of the bot reads, rewrites or prints a query here.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.endtoend.documents import Build, Document, of_old
from tests.servers import corpus
from tests.servers import opensearch as server

LEFT_OUT = ("123", "1234")  # elastic-recheck's own test files: `a query` matches most builds
UNKNOWN = "unknown"
AT_ONCE = 2000  # searches in one request, to save time; each is a search of its own
# Every string was exact then, only the message was analysed.
MAPPING = {
    "mappings": {
        "dynamic_templates": [{"exact": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}],
        "date_detection": False,
        "properties": {"@timestamp": {"type": "date"}, "message": {"type": "text"}},
    }
}


@dataclass(frozen=True)
class Asked:
    """One signature's file, as far as elastic-recheck reads it."""

    id: str
    query: str
    silent: bool
    nonvoting: bool


def signatures() -> list[Asked]:
    found = []
    for path in sorted((corpus() / "signatures").glob("*.yaml")):
        if path.stem not in LEFT_OUT:
            file = yaml.safe_load(path.read_text(encoding="utf-8"))
            silent, nonvoting = file.get("suppress-notification", False), file.get("allow-nonvoting", False)
            found.append(Asked(path.stem, file["query"], bool(silent), bool(nonvoting)))
    return found


def fill(url: str, index: str, documents: Iterable[Document]) -> None:
    server.fill(url, index, map(of_old, documents), MAPPING)


def causes(url: str, index: str, builds: Iterable[Build]) -> dict[str, frozenset[str]]:
    """Per failed build that is to be told its causes: signature ids, or UNKNOWN. One that says nothing is not in it."""
    return {of.uuid: found for of, ids in _hits(url, index, list(builds)).items() if (found := _told(of, ids))}


def _told(of: Build, hit: list[Asked]) -> frozenset[str]:
    """Non-voting builds count for nothing, but to a signature that allows them."""
    explaining = [one for one in hit if of.voting or one.nonvoting]
    if not explaining:
        return frozenset({UNKNOWN} if of.voting else ())
    return frozenset(one.id for one in explaining if not one.silent)


def _hits(url: str, index: str, builds: list[Build]) -> Mapping[Build, list[Asked]]:
    found: dict[Build, list[Asked]] = {of: [] for of in builds}
    pairs = itertools.product(builds, signatures())
    while some := list(itertools.islice(pairs, AT_ONCE)):
        for (of, one), reply in zip(some, _ask(url, index, some), strict=True):
            assert reply["status"] == 200, (one.id, reply)
            if reply["hits"]["total"]["value"]:
                found[of].append(one)
    return found


def _ask(url: str, index: str, some: list[tuple[Build, Asked]]) -> list[dict[str, Any]]:
    body = "".join(itertools.chain.from_iterable(_search(of, one) for of, one in some))
    only = "filter_path=responses.status,responses.error,responses.hits.total"
    replies = server.call(f"{url}/{index}/_msearch?{only}", body.encode(), kind="application/x-ndjson")
    answers: list[dict[str, Any]] = replies["responses"]
    return answers


def _search(of: Build, one: Asked) -> Iterator[str]:
    query = f'({one.query}) AND build_uuid:"{of.uuid}"'
    asked = {"query_string": {"query": query, "default_field": "message"}}
    yield "{}\n"
    yield json.dumps({"size": 0, "track_total_hits": 1, "query": asked}) + "\n"
