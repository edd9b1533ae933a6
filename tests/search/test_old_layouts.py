"""All corpus signatures on elastic-recheck's own samples, in the two layouts of old, against an oracle.

The oracle is an index of its own, mapped as it was (every string exact, only the message analysed) and asked with
the signatures' queries as they were written: nothing of ours reads, rewrites or prints them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
import yaml

from bot.lucene.parse import parse
from bot.lucene.rewrite import rewrite
from bot.model import Unknown, Window
from bot.search import Question
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from bot.signatures import load
from tests.search.contract import NOW, found
from tests.search.test_documents import samples
from tests.servers import corpus
from tests.servers import opensearch as server

pytestmark = pytest.mark.xdist_group("opensearch")

WINDOW = Window(NOW - timedelta(days=14), NOW, timedelta(0))
STRINGS_EXACT = {
    "dynamic_templates": [
        {"message": {"match_pattern": "regex", "match": "@?message", "mapping": {"type": "text"}}},
        {"exact": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}},
    ],
    "dynamic": True,
    "date_detection": False,
    "properties": {"@timestamp": {"type": "date"}},
}
OF_OLD = {"mappings": STRINGS_EXACT}


def as_of_old(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document under both generations' names, since signatures use either."""
    fields = document.get("@fields")
    if fields is None:
        return dict(document)
    flat = {**fields, "message": document["@message"], "tags": document["@tags"]}
    return {**document, **flat}


def queries() -> Iterator[tuple[str, str]]:
    for path in sorted((corpus() / "signatures").glob("*.yaml")):
        yield path.stem, yaml.safe_load(path.read_text(encoding="utf-8"))["query"]


def oracle(url: str, index: str) -> dict[str, dict[str, int]]:
    """Per signature the builds and their counts; a signature that the server cannot read is not in it."""
    answers: dict[str, dict[str, int]] = {}
    uuid = "@fields.build_uuid" if index.endswith("v0") else "build_uuid"
    asked = list(queries())
    lines = []
    for _, query in asked:
        body = {
            "size": 0,
            "query": {"query_string": {"query": f"({query})", "default_field": "message"}},
            "aggs": {"builds": {"terms": {"field": uuid, "size": 10_000}}},
        }
        lines += [b"{}", json.dumps(body).encode()]
    replies = server.call(f"{url}/{index}/_msearch", b"\n".join(lines) + b"\n", kind="application/x-ndjson")
    for (id_, _), reply in zip(asked, replies["responses"], strict=True):
        if reply["status"] == 200:
            answers[id_] = {one["key"]: one["doc_count"] for one in reply["aggregations"]["builds"]["buckets"]}
    return answers


@pytest.mark.parametrize(("layout", "least"), [("logstash-v0", 6), ("logstash", 1)])
async def test_every_signature_finds_what_it_found_then(opensearch: str, layout: str, least: int) -> None:
    documents = list(samples(layout))
    server.fill(opensearch, f"old-{layout}", documents)
    server.fill(opensearch, f"oracle-{layout}", map(as_of_old, documents), OF_OLD)
    expected = oracle(opensearch, f"oracle-{layout}")
    search = HttpSearch(
        SearchConfig.model_validate({"url": opensearch, "index": f"old-{layout}", "profile": layout}), page=50
    )
    try:
        fields = found(await search.fields())
        signatures = load([corpus() / "signatures"], search.profile).signatures
        questions = [
            Question(id_, rewrite(parse(one.query), search.profile, fields)) for id_, one in signatures.items()
        ]
        answers = await search.hits(questions, None, WINDOW)
    finally:
        await search.close()
    assert len(answers) > 600
    assert not [answer for answer in answers.values() if isinstance(answer, Unknown)]
    told = {id_: {hit.build: hit.count for hit in found(answer)} for id_, answer in answers.items()}
    assert told == {id_: expected[id_] for id_ in told}
    assert len([id_ for id_, builds in told.items() if builds]) >= least
