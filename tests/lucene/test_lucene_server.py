"""What a query means: what it finds here is what it finds in a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import pytest

from bot.lucene.lint import far_distances
from bot.lucene.matching import matches
from bot.lucene.parse import SyntaxFault, parse
from bot.lucene.printing import to_text
from bot.lucene.rewrite import rewrite
from bot.lucene.tokens import tokens
from bot.lucene.tree import Bool, Leaf, Node, Occur, Phrase, Regex, Wildcard, Word, leaves
from bot.model import Field, Profile
from tests.lucene import nasty
from tests.lucene.queries import TAGS, joined, line, of_corpus, queries
from tests.servers.opensearch import call

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("opensearch")]

# Of old every string but the message was exact; today strings are text, and exact beneath `.keyword`.
OF_OLD, TODAY = "lucene-of-old", "lucene-today"
EXACT_STRINGS = [{"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}]
MESSAGE = {"properties": {"message": {"type": "text"}}}

Documents = dict[str, dict[str, Any]]
Found = Callable[[str, Sequence[str]], list[set[str] | None]]


def question(query: str) -> dict[str, Any]:
    """As the bot asks it."""
    asked = {"query": query, "default_field": "message", "lenient": False, "analyze_wildcard": False}
    return {"query": {"query_string": asked}}


def example(tree: Node) -> dict[str, Any]:
    """A document that a signature is meant to find: what its plain clauses ask for."""
    document: dict[str, Any] = {"message": ""}
    for leaf in wanted(tree):
        if isinstance(leaf, Word | Phrase | Wildcard):
            text = leaf.pattern.replace("*", "") if isinstance(leaf, Wildcard) else leaf.text
            name = leaf.field or "message"
            document[name] = f"{document['message']} {text}" if name == "message" else [text]
    return document


def wanted(node: Node) -> Iterator[Leaf]:
    if not isinstance(node, Bool):
        yield node
        return
    must = [clause.node for clause in node.clauses if clause.occur is Occur.MUST]
    should = [clause.node for clause in node.clauses if clause.occur is Occur.SHOULD]
    for child in must or should[:1]:
        yield from wanted(child)


@pytest.fixture(scope="module")
def signatures() -> list[str]:
    return of_corpus()


@pytest.fixture(scope="module")
def documents(signatures: list[str]) -> Documents:
    """120 lines that signatures mean, 40 in which a tag is a little different, 60 of the generated queries' words."""
    chance = Random(4)
    meant = [example(parse(query)) for query in signatures[::6]] + [example(parse(query)) for query in signatures[:10]]
    near = [document | {"tags": [*document.get("tags", ()), "x-console.html"][-1:]} for document in meant[:40]]
    drawn = [{"message": line(chance), "tags": chance.sample(TAGS, chance.randint(0, 2))} for _ in range(60)]
    return {str(at): document for at, document in enumerate(meant + near + drawn)}


@pytest.fixture(scope="module")
def server(opensearch: str, documents: Documents) -> Iterator[str]:
    for index, templates in ((OF_OLD, EXACT_STRINGS), (TODAY, [])):
        mapping = {"mappings": {**MESSAGE, "dynamic_templates": templates}, "settings": {"number_of_replicas": 0}}
        call(f"{opensearch}/{index}", json.dumps(mapping).encode(), "PUT")
        rows = [json.dumps(row) for id_, body in documents.items() for row in ({"index": {"_id": id_}}, body)]
        body = ("\n".join(rows) + "\n").encode()
        assert not call(f"{opensearch}/{index}/_bulk?refresh=true", body, kind="application/x-ndjson")["errors"]
    yield opensearch
    for index in (OF_OLD, TODAY):
        call(f"{opensearch}/{index}", method="DELETE")


@pytest.fixture(scope="module")
def found(server: str) -> Found:
    """The ids that each query finds in an index, None for one that the server refuses."""

    def found(index: str, texts: Sequence[str]) -> list[set[str] | None]:
        rows = [row for text in texts for row in ({}, question(text) | {"size": 500, "_source": False})]
        body = ("\n".join(json.dumps(row) for row in rows) + "\n").encode()
        answers = call(f"{server}/{index}/_msearch", body, kind="application/x-ndjson")["responses"]
        return [None if "error" in answer else {hit["_id"] for hit in answer["hits"]["hits"]} for answer in answers]

    return found


def parses(query: str) -> bool:
    try:
        parse(query)
    except SyntaxFault:
        return False
    return True


def test_a_printed_tree_finds_what_its_text_finds(found: Found, signatures: list[str]) -> None:
    """But where Elasticsearch 8 refuses a distance that is rounded here."""
    drawn = [query for query in queries(seed=11, count=400) if parses(query) and not any(far_distances(query))]
    texts = [*joined(), *drawn, *signatures]
    originals = found(OF_OLD, texts)
    printed = found(OF_OLD, [to_text(parse(query)) for query in texts])
    differing = [text for text, one, other in zip(texts, originals, printed, strict=True) if one != other]
    assert differing == []
    assert sum(1 for ids in originals if ids) > 250


def test_rewritten_for_todays_index_a_query_finds_what_it_found_of_old(
    found: Found, server: str, signatures: list[str]
) -> None:
    mapping = call(f"{server}/{TODAY}/_mapping")[TODAY]["mappings"]["properties"]
    fields = {
        name: Field(name, "text", f"{name}.keyword" if "fields" in has else None) for name, has in mapping.items()
    }
    profile = Profile("test", {"message": "message"})
    originals = found(OF_OLD, signatures)
    rewritten = found(TODAY, [to_text(rewrite(parse(query), profile, fields)) for query in signatures])
    differing = [text for text, one, other in zip(signatures, originals, rewritten, strict=True) if one != other]
    assert differing == []
    assert found(TODAY, signatures) != originals  # what the rule is for


def test_a_query_matches_a_line_here_when_it_finds_it_there(
    found: Found, documents: Documents, signatures: list[str]
) -> None:
    drawn = [query for query in queries(seed=13, count=200) if parses(query) and not any(far_distances(query))]
    texts = [*joined(), *drawn, *signatures[::6]]
    trees = {text: tree for text in texts if decided(tree := parse(text))}
    here = {
        text: {id_ for id_, body in documents.items() if matches(tree, complete(tree, body))}
        for text, tree in trees.items()
    }
    assert dict(zip(trees, found(OF_OLD, list(trees)), strict=True)) == here
    assert len(trees) > 150


def decided(tree: Node) -> bool:
    """No clause of which a sample line is taken to hold what is wanted."""
    return not any(isinstance(leaf, Regex) or leaf.field in ("_exists_", "*") for leaf in leaves(tree))


def complete(tree: Node, document: dict[str, Any]) -> dict[str, Any]:
    """A field that the document does not have is one without a value, and no doubt."""
    return {leaf.field: [] for leaf in leaves(tree)} | document


def test_tokens_are_those_of_the_servers_analyser(server: str, documents: Documents) -> None:
    """Of lines, of odd scripts and of very long words; a stop between them tells them apart.

    Lucene 8 goes by an older Unicode, which parts emoji otherwise.
    """
    chance = Random(8)
    texts = [body["message"] for body in documents.values()]
    texts += [nasty.long(chance) for _ in range(200)]
    if not call(server)["version"]["lucene_version"].startswith("8."):
        texts += [nasty.text(chance) for _ in range(1500)]
    stop = "xxstopxx"
    for start in range(0, len(texts), 300):
        some = [part for text in texts[start : start + 300] for part in (text, stop)]
        body = json.dumps({"analyzer": "standard", "text": some}).encode()
        theirs = [token["token"] for token in call(f"{server}/_analyze", body)["tokens"]]
        assert [token for text in some for token in tokens(text)] == theirs
