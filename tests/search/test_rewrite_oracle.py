"""Does a rewritten signature find today what it found of old? Two real indexes of the same documents say so.

Two things cannot be told apart today: files of one name in different folders (ELSEWHERE), and console.html from the
job-output.txt that came after it.

The oracle is mapped as it was (every string exact, only the message analysed) and asked with the signatures' queries
as they were written, in parentheses: nothing of ours reads, rewrites or prints them there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.classify import fields_of
from bot.lucene.lint import lint
from bot.lucene.parse import parse
from bot.lucene.rewrite import EVERY_FIELD, SHORT_UUIDS, resolve, rewrite
from bot.lucene.tree import EXISTS
from bot.model import Complete, Fields, Window
from bot.search import Question
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from bot.search.profiles import LOGSENDER
from tests.endtoend import documents as corpus_documents
from tests.endtoend.documents import Document
from tests.search import madeup
from tests.search.contract import NOW, found
from tests.search.test_old_layouts import OF_OLD, queries
from tests.servers import opensearch as server

pytestmark = [pytest.mark.xdist_group("opensearch"), pytest.mark.engines]

WINDOW = Window(NOW - timedelta(days=1), NOW)
AT_ONCE = 200
CONSOLE, OUTPUT = "console.html", "job-output.txt"
# What the corpus has seldom or never, and authors write all the same.
OURS = (
    "message:lost AND voting:1",
    'message:lost AND voting:"0"',
    "message:lost AND NOT voting:0",
    "message:lost AND _exists_:voting",
    "message:lost AND voting:[0 TO 1]",
    'message:lost AND build_name:("gate-lost" OR gate-found-*)',
    "message:lost AND build_name:gate-lost?full AND tags:screen-n-cpu.txt",
    'message:(+"lost" +"found again") AND build_queue:check-tripleo',
    "message:lost AND filename:*seek-a.txt",
    "message:lost AND filename:logs*seek-b.txt",
    r"message:lost AND filename:logs\/seek-c?.txt",
    'message:lost AND filename:"logs/seek-d.txt"',
    'message:lost AND filename:"job-output.txt"',
    'message:lost AND @fields.build_name:"gate-lost" AND @tags:"console" AND @message:"and found"',
    r"message:lost AND project:openstack\/lost",
    "+message:lost -build_branch:master",
    "message:lost AND build_branch:*",
)


ELSEWHERE = 'message:"found elsewhere" AND filename:"logs/seek-e.txt"'


def today(one: Document) -> Document:
    """As logsender writes it: the console's log is job-output.txt; whether a build votes is a number, if it is said."""
    written = corpus_documents.today({"voting": "1", **one})
    if written["filename"] == CONSOLE:
        written |= {"filename": OUTPUT, "tags": sorted({*written["tags"], OUTPUT})}
    del written["voting"]
    return written | ({"voting": int(one["voting"])} if "voting" in one else {})


def of_old(one: Document) -> Document:
    """Under both generations' names, since signatures use either."""
    flat = corpus_documents.of_old(one)
    return flat | {"@message": flat["message"], "@tags": flat["tags"], "@fields": flat}


def asked_of_old(url: str, index: str, asked: Mapping[str, str]) -> Iterator[tuple[str, dict[str, int]]]:
    """Per query id the builds and their counts."""
    ids = list(asked)
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        replies = server.call(
            f"{url}/{index}/_msearch", _bodies(asked[id_] for id_ in some), kind="application/x-ndjson"
        )
        for id_, reply in zip(some, replies["responses"], strict=True):
            assert reply["status"] == 200, (id_, reply)
            yield id_, {one["key"]: one["doc_count"] for one in reply["aggregations"]["builds"]["buckets"]}


def _bodies(some: Iterable[str]) -> bytes:
    lines: list[Any] = []
    for query in some:
        text = {"query_string": {"query": f"({query})", "default_field": "message"}}
        builds = {"terms": {"field": "build_uuid", "size": 10_000}}
        lines += [{}, {"size": 0, "query": text, "aggs": {"builds": builds}}]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


async def asked_today(url: str, index: str, asked: Mapping[str, str]) -> tuple[Fields, dict[str, dict[str, int]]]:
    search = HttpSearch(SearchConfig.model_validate({"url": url, "index": index, "profile": "logsender"}))
    try:
        fields = found(await search.fields())
        questions = [Question(id_, rewrite(parse(text), search.profile, fields)) for id_, text in asked.items()]
        answers = await search.hits(questions, None, WINDOW)
    finally:
        await search.close()
    assert all(isinstance(answer, Complete) for answer in answers.values()), answers
    return fields, {id_: {hit.build: hit.count for hit in answer.found} for id_, answer in answers.items()}


async def test_each_signature_finds_the_same_builds_as_of_old(opensearch: str) -> None:
    asked = {**dict(queries()), **{f"ours {number}": query for number, query in enumerate(OURS)}}
    documents = corpus_documents.samples(NOW)
    for id_, query in asked.items():
        documents += madeup.documents(id_, parse(query), NOW)
    asked |= about(documents[-1]) | {"elsewhere": ELSEWHERE}
    there = next(madeup.documents("elsewhere", parse(ELSEWHERE), NOW))
    documents += [there, there | {"build_uuid": "e" * 32, "filename": "other/seek-e.txt"}]
    server.fill(opensearch, "rewrite-of-old", map(of_old, documents), OF_OLD)
    server.fill(opensearch, "rewrite-today", map(today, documents))
    then = dict(asked_of_old(opensearch, "rewrite-of-old", asked))
    fields, now = await asked_today(opensearch, "rewrite-today", asked)
    assert [id_ for id_, builds in then.items() if not builds] == [], "each has a build that it hits"
    assert then.pop("elsewhere").keys() == {there["build_uuid"]}
    assert now.pop("elsewhere").keys() == {there["build_uuid"], "e" * 32}
    del asked["elsewhere"]
    without = {id_: names for id_, query in asked.items() if (names := missing(query, fields))}
    assert {id_: now[id_] for id_ in asked if id_ not in without} == {
        id_: then[id_] for id_ in asked if id_ not in without
    }
    assert 10 < len(without) < 25
    for id_, names in without.items():
        assert now[id_].items() <= then[id_].items(), "what asks for a field that is gone finds less, never more"
        for known in (fields, None):
            remarks = " ".join(remark.message for remark in lint(asked[id_], parse(asked[id_]), LOGSENDER, known))
            assert all(f"no field {name}," in remarks or f"{name} is " in remarks for name in names), (id_, remarks)


def missing(query: str, fields: Fields) -> set[str]:
    """The fields that a query names and that documents of today lack, or have with one value."""
    names = {resolve(name, LOGSENDER) for name in fields_of(parse(query))} - {EXISTS, EVERY_FIELD} - SHORT_UUIDS
    return {name for name in names if name not in fields or name in LOGSENDER.constant}


def about(one: Document) -> dict[str, str]:
    """Queries for one build that is there."""
    uuid = one["build_uuid"]
    queries = (
        f'build_short_uuid:"{uuid[:7]}"',
        f"@fields.build_short_uuid:{uuid[:7]}",
        f"build_short_uuid:{uuid[:6]}*",
        f"build_short_uuid:*{uuid[3:7]}",
        f"build_short_uuid:{uuid[:3]}?{uuid[4:7]}",
        f"build_uuid:{uuid}",
        f'build_change:"{one["build_change"]}"',
        f"@fields.build_change:{one['build_change']} AND build_patchset:{one['build_patchset']}",
        f"build_ref:{one['build_ref'].replace('/', '?')}",
    )
    return {f"about {number}": query for number, query in enumerate(queries)}
