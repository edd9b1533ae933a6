"""Does the embedded index count as a real OpenSearch does? All of the corpus, and what its signatures never use."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import signatures
from bot.lucene.parse import SyntaxFault, parse
from bot.lucene.rewrite import rewrite
from bot.lucene.tree import Bool, Leaf, Node, Occur, Phrase, Word
from bot.model import Complete, Unknown, Window
from bot.search import Question, Search
from bot.search.config import SearchConfig
from bot.search.documents import value
from bot.search.embedded import EmbeddedSearch
from bot.search.embedded.schema import KINDS
from bot.search.embedded.writing import add
from bot.search.http import HttpSearch
from bot.search.profiles import LOGSENDER
from tests.lucene.queries import joined
from tests.search import drawn
from tests.servers import corpus
from tests.servers import opensearch as server

pytestmark = pytest.mark.xdist_group("opensearch")

NOW = datetime(2026, 8, 17, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=24), NOW)
COPIED = ("build_uuid", "build_name", "build_status", "build_queue", "build_branch", "build_ref", "build_change")
COPIED += ("build_patchset", "project", "log_url")
# (signature, build) -> count, or that the server refuses it.
Counts = dict[str, dict[str, int] | str]
REFUSED = "refused"
# How many queries are drawn, with the seed 1. A long run has 20,000: `make soak`.
DRAWN = int(os.environ.get("GATEWATCH_DRAWN", "1200"))


# -- the documents ----------------------------------------------------------------------------------------------------


def today(old: Mapping[str, Any]) -> dict[str, Any]:
    """A document of 2013 or 2014 in today's layout, its time moved into the window."""
    fields = {name: value(old, name) or value(old, f"@fields.{name}") for name in (*COPIED, "filename")}
    written = datetime.fromisoformat(value(old, "@timestamp"))
    moved = {name: text for name, text in fields.items() if name in COPIED and text is not None}
    moved["filename"] = str(fields["filename"]).rsplit("/", 1)[-1]
    moved["tags"] = old.get("tags") or old["@tags"]
    moved["message"] = value(old, "message") or value(old, "@message")
    if isinstance(moved["message"], list):
        moved["message"] = "\n".join(moved["message"])
    moved["@timestamp"] = (NOW - timedelta(seconds=written.timestamp() % 80_000)).replace(tzinfo=None).isoformat()
    return moved | {"build_change": int(moved["build_change"]), "voting": 1}


def of_corpus() -> Iterator[dict[str, Any]]:
    """The documents of elastic-recheck's own samples."""
    for file in sorted((corpus() / "hits").glob("*.json")):
        answer = json.loads(file.read_text(encoding="utf-8"))
        yield from (today(hit["_source"]) for hit in answer["hits"]["hits"])


def leaves(node: Node) -> Iterator[Leaf]:
    """The leaves that a matching document may have to match."""
    if not isinstance(node, Bool):
        yield node
        return
    for clause in node.clauses:
        if clause.occur is not Occur.MUST_NOT:
            yield from leaves(clause.node)


def made_for(id_: str, tree: Node) -> Iterator[dict[str, Any]]:
    """Lines that a signature is after, whole and in parts, so that nearly each finds something."""
    texts: list[str] = []
    metadata: dict[str, Any] = {}
    for leaf in leaves(tree):
        text = leaf.text if isinstance(leaf, Word | Phrase) else leaf.pattern.replace("*", "x")  # type: ignore[union-attr]
        if leaf.field == "message":
            texts.append(text)
        elif leaf.field == "tags":
            metadata.setdefault("tags", []).append(text)
        elif KINDS.get(leaf.field) == "keyword":  # no document of today has any other
            metadata[leaf.field] = text
    common = {"build_uuid": f"made-{id_}", "voting": 1, "tags": ["console"], **metadata}
    for number, message in enumerate(
        [" ".join(texts), *texts, *(text.upper() for text in texts), " ".join(texts[::-1])]
    ):
        at = NOW - timedelta(minutes=number + 1)
        yield common | {"message": message, "@timestamp": at.replace(tzinfo=None).isoformat()}


ODD_LINES = (
    "Connection reset by peer",
    "connection was reset by the peer",
    "reset connection",
    "The Traceback (most recent call last): foo.bar_baz",
    "foobar fooqux fo foo",
    "10.0.0.1 is unreachable; retry 3/5",
    "don't panic: café naïve ÅNGSTRÖM",
    "***",
    "",
    "__init__ self.assertEqual(a-b, c_d)",
    "日本語 テスト ☃ emoji 👍 done",
    "a b c d e f",
    "d e a",
    "x" * 300 + " long",
)
ODD_FIELDS: tuple[dict[str, Any], ...] = (
    {"build_name": "gate-nova", "voting": 1, "build_change": 912345, "project": "openstack/nova"},
    {"build_name": "gate-nova-python27", "voting": 0, "build_change": 912346, "project": "openstack/neutron"},
    {"build_name": "Gate-Nova", "voting": 2, "build_status": "FAILURE"},
)


def odd() -> Iterator[dict[str, Any]]:
    """Lines for queries that no signature of the corpus has."""
    for number, (message, fields) in enumerate(itertools.product(ODD_LINES, ODD_FIELDS)):
        at = NOW - timedelta(minutes=13 * number, milliseconds=number)
        common = {"build_uuid": f"odd-{number}", "tags": ["console", f"file-{number % 3}.txt"]}
        yield common | fields | {"message": message, "@timestamp": at.replace(tzinfo=None).isoformat()}


# -- the two indices --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded() -> signatures.Loaded:
    return signatures.load([corpus() / "signatures"])


@pytest.fixture(scope="module")
def all_documents(loaded: signatures.Loaded) -> list[dict[str, Any]]:
    trees = {id_: rewrite(tree, LOGSENDER, {}) for id_, tree in loaded.trees.items()}
    made = itertools.chain.from_iterable(made_for(id_, tree) for id_, tree in trees.items())
    return [*of_corpus(), *made, *odd()]


@pytest.fixture(scope="module")
def url(opensearch: str, all_documents: list[dict[str, Any]]) -> Iterator[str]:
    server.fill(opensearch, "parity", all_documents)
    yield opensearch
    server.call(f"{opensearch}/parity", method="DELETE")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, all_documents: list[dict[str, Any]]) -> Path:
    path = tmp_path_factory.mktemp("parity") / "index"
    assert add(path, all_documents) == len(all_documents)
    return path


@pytest.fixture
async def real(url: str) -> AsyncIterator[Search]:
    search = HttpSearch(SearchConfig.model_validate({"url": url, "index": "parity"}))
    yield search
    await search.close()


async def counts(search: Search, trees: Mapping[str, Node], builds: Sequence[str]) -> Counts:
    """Per question the counts of these builds; each tree rewritten to the index's own fields."""
    fields = await search.fields()
    assert isinstance(fields, Complete), fields
    questions = [Question(id_, rewrite(tree, search.profile, fields.found)) for id_, tree in trees.items()]
    return {
        id_: {hit.build: hit.count for hit in answer.found} if isinstance(answer, Complete) else outcome(answer)
        for id_, answer in (await search.hits(questions, builds, WINDOW)).items()
    }


def outcome(answer: Unknown[Any]) -> str:
    assert answer.refused, answer
    return REFUSED


async def both(
    real: Search, folder: Path, trees: Mapping[str, Node], documents: Iterable[Mapping[str, Any]]
) -> tuple[Counts, Counts]:
    """What the server and we count in the builds of some documents."""
    builds = sorted({document["build_uuid"] for document in documents})
    theirs, ours = await asyncio.gather(counts(real, trees, builds), counts(EmbeddedSearch(folder), trees, builds))
    return theirs, ours


# -- the tests --------------------------------------------------------------------------------------------------------


async def test_every_signature_of_the_corpus_counts_the_same(
    real: Search, folder: Path, loaded: signatures.Loaded, all_documents: list[dict[str, Any]]
) -> None:
    """No exceptions."""
    assert len(loaded.trees) == 659
    theirs, ours = await both(real, folder, loaded.trees, all_documents)
    assert {id_: (found, ours[id_]) for id_, found in theirs.items() if found != ours[id_]} == {}
    assert sum(1 for found in theirs.values() if found) > 640


SAME = """
message:foo* | message:*bar | message:f?o | message:FOO* | message:foo\\*
message:"connection reset" | message:"connection reset"~1 | message:"connection reset"~2 | message:"reset connection"~2
message:"connection peer"~3 | message:"a c"~1 | message:"c a"~2 | message:"c a"~3
message:conection~ | message:conection~1 | message:fo~ | message:fob~1 | message:foobra~2 | message:FOOBAR~1
message:/foo.*/ | message:/fo(o|x)bar/ | message:/[a-f]/ | message:/FOO.*/ | message:/fo{2}/ | message:/fo\\.o/
build_name:gate-nova | build_name:gate-* | build_name:"gate-nova" | build_name:/gate-nova.+/ | build_name:gate-novo~1
build_name:Gate* | build_name:gate | build_name.keyword:gate-nova | build_name.keyword:gate*
voting:1 | voting:[1 TO 2] | voting:{0 TO 2} | voting:[1 TO *] | voting:{1 TO *} | voting:(0 OR 2) | voting:*
build_change:912345 | build_change:[912345 TO 912346} | build_change:x | voting:a* | voting:1~
_exists_:project | NOT _exists_:project | project:* | message:* | *:* | *
nofield:x | NOT nofield:x | nofield:* | nofield:[1 TO 2] | nofield:/x/
NOT message:reset | -message:reset | -message:reset -message:foo | message:foo AND (NOT message:reset)
message:"***" | message:"***" AND tags:console | message:"***" OR voting:0 | NOT message:"***" | message:("***" OR foo)
message:(foo -"***") | (message:"***") (message:foo) | message:connection-reset | message:"don't" | message:dont
message:cafe | message:café | message:ÅNGSTRÖM | message:ångström | message:日本 | message:"日本" | message:テスト
message:10.0.0.1 | message:"10.0.0" | message:unreachable;retry | message:"3/5" | message:__init__ | message:init
message:foo message:reset | message:foo AND message:reset OR message:peer | +message:a b | message:(a AND b OR z)
message:a AND NOT message:d | a b c AND d | foo bar | reset AND foo || peer | !message:reset
@timestamp:[2026-08-17 TO *] | @timestamp:{2026-08-17 TO *] | @timestamp:[* TO 2026-08-17]
@timestamp:[* TO 2026-08-17}
@timestamp:[2026-08-17T08 TO 2026-08-17T10:30] | @timestamp:[2026-08 TO 2026-09} | @timestamp:[2026 TO 2026]
@timestamp:"2026-08-17" | @timestamp:[1786950000000 TO *] | @timestamp:["2026-08-17T10:00:00+02:00" TO *]
@timestamp:["2026-08-17T10:00:00.5Z" TO "2026-08-17T11:00:00.123456Z"] | @timestamp:[yesterday TO *] | @timestamp:*
tags:console | tags:"file-1.txt" | tags:file* | tags:(console AND "file-2.txt") | build_status:FAILURE^2 AND foo^3
message:xxx* | message:long
"""


def asked(text: str) -> list[str]:
    return [query.strip() for line in text.strip().splitlines() for query in line.split(" | ")]


async def test_what_no_signature_uses_counts_the_same(real: Search, folder: Path) -> None:
    """Nor is anything refused here that OpenSearch answers, or the other way round."""
    trees = {query: parse(query) for query in asked(SAME)}
    theirs, ours = await both(real, folder, trees, odd())
    assert {query: (found, ours[query]) for query, found in theirs.items() if found != ours[query]} == {}


@pytest.fixture(scope="module")
def drawn_documents() -> list[dict[str, Any]]:
    return list(drawn.documents(5, 600, NOW))


@pytest.fixture
async def drawn_real(opensearch: str, drawn_documents: list[dict[str, Any]]) -> AsyncIterator[Search]:
    server.fill(opensearch, "parity-drawn", drawn_documents)
    search = HttpSearch(SearchConfig.model_validate({"url": opensearch, "index": "parity-drawn"}))
    yield search
    await search.close()
    server.call(f"{opensearch}/parity-drawn", method="DELETE")


def parsed(texts: Iterable[str]) -> Iterator[tuple[str, Node]]:
    for text in texts:
        with suppress(SyntaxFault):
            yield text, parse(text)


async def test_drawn_queries_count_the_same_or_are_refused(
    drawn_real: Search, drawn_documents: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Over lines of every script, with very long words and values, odd numbers and dates; never silently different."""
    add(tmp_path / "index", drawn_documents)
    trees = dict(parsed([*joined(), *drawn.queries(1, DRAWN)]))
    theirs, ours = await both(drawn_real, tmp_path / "index", trees, drawn_documents)
    differing = {query: (found, ours[query]) for query, found in theirs.items() if ours[query] not in (found, REFUSED)}
    assert differing == {}
    assert sum(1 for found in ours.values() if found and found != REFUSED) > 0.3 * DRAWN


# OpenSearch answers these; the embedded index says in a sentence that it does not (docs/log-folders.md).
REFUSED_HERE = """
build_name:[gate TO gate-nova-z] | message:[a TO b] | @timestamp:[now-1d TO now] | @timestamp:["2026-08-17||/d" TO *]
message:/foo@/ | message:/<1-9>/ | message:/fo\\w/ | message:/"foo"/ | message:/~foo/ | message:/foo&foo/
*:x | voting:/1/ | _id:x | _index:* | message.keyword:foo | message:"reset by peer"~5 | message:"foo foo"~2
voting:1.5 | voting:" 1"
"""


async def test_what_it_cannot_answer_is_refused_with_a_sentence(folder: Path) -> None:
    search = EmbeddedSearch(folder)
    questions = [Question(query, parse(query)) for query in asked(REFUSED_HERE)]
    for query, answer in (await search.hits(questions, None, WINDOW)).items():
        assert isinstance(answer, Unknown), query
        assert answer.refused
        assert len(answer.why) > 30
