"""Accept and reject: ours are a real server's, for what people write and for what hardly anybody does."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.lucene.lexer import Kind, SyntaxFault, lex
from bot.lucene.lint import far_distances
from bot.lucene.parse import by_grammar, parse
from bot.lucene.regex import complements, regex_fault
from bot.lucene.tree import Regex
from bot.model import Complete, Unknown, Window
from bot.search import Question
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from tests.lucene.queries import of_corpus, queries
from tests.lucene.test_regex import FAULTY, SOUND
from tests.lucene.wild import wild, wild_patterns
from tests.servers.opensearch import call, fill

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("opensearch")]

INDEX = "lucene-verdicts"
# How many texts are drawn, with the seed 5. A long run has 50,000: `make soak`.
DRAWN = int(os.environ.get("GATEWATCH_DRAWN", "2500"))

Verdicts = Callable[[Sequence[str]], list[bool]]

# Faults that a server sees only where the clause has something to look for: a field that the index has, and a token.
# We see them always. A server takes an empty query for one that finds nothing.
STRICTER = (
    "the query is empty",
    "the regular expression is ",
    "0, 1 or 2 may follow the ~ of a term",
    "this boost is too great a number",
    "_exists_ asks for one field",  # OpenSearch and Elasticsearch refuse only what fits `_source`
    "a field has a name of more than dots",  # OpenSearch 2 fails inside
)


@dataclass(frozen=True, slots=True)
class Version:
    """Of the server's Lucene; whether it is Elasticsearch 8 or later, which refuses more behind a ~; and whether ~
    in a regular expression is a plain sign to it, as to OpenSearch 3."""

    lucene: int
    modern: bool
    plain_tilde: bool


@pytest.fixture(scope="module")
def server(opensearch: str) -> Iterator[str]:
    fields = {"message": {"type": "text"}, "tags": {"type": "keyword"}}
    mapping = {"mappings": {"properties": fields}, "settings": {"number_of_replicas": 0}}
    call(f"{opensearch}/{INDEX}", json.dumps(mapping).encode(), "PUT")
    yield opensearch
    call(f"{opensearch}/{INDEX}", method="DELETE")


@pytest.fixture(scope="module")
def verdicts(server: str) -> Iterator[Verdicts]:
    """What `_validate/query` says of each text, asked as the bot asks; four at a time, on connections that stay."""

    def valid(connection: HTTPConnection, query: str) -> bool:
        asked = {"query": query, "default_field": "message", "lenient": False, "analyze_wildcard": False}
        body = json.dumps({"query": {"query_string": asked}})
        connection.request("POST", f"/{INDEX}/_validate/query", body, {"Content-Type": "application/json"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return bool(answer["valid"])

    def share(connection: HTTPConnection, texts: Sequence[str]) -> list[bool]:
        return [valid(connection, text) for text in texts]

    def verdicts(texts: Sequence[str]) -> list[bool]:
        size = len(texts) // len(connections) + 1
        shares = [texts[start : start + size] for start in range(0, len(texts), size)]
        return [one for found in pool.map(share, connections, shares) for one in found]

    with ThreadPoolExecutor(4) as pool, ExitStack() as opened:
        connections = [HTTPConnection(urlsplit(server).netloc, timeout=60) for _ in range(4)]
        for connection in connections:
            opened.callback(connection.close)
        yield verdicts


@pytest.fixture(scope="module")
def version(server: str) -> Version:
    said = call(server)["version"]
    opensearch, number = "distribution" in said, int(said["number"].split(".")[0])
    lucene = int(said["lucene_version"].split(".")[0])
    return Version(lucene, not opensearch and number >= 8, opensearch and lucene >= 10)


def fault(text: str) -> str:
    """Why we refuse a text, "" if we take it."""
    try:
        by_grammar(text)
    except SyntaxFault as wrong:
        return wrong.message
    return ""


def differing(texts: Sequence[str], theirs: Sequence[bool], version: Version) -> dict[str, tuple[str, bool]]:
    """The texts whose verdicts differ, with our fault and theirs, without those that may."""
    return {
        text: (ours, valid)
        for text, valid in zip(texts, theirs, strict=True)
        if (not (ours := fault(text))) is not valid
        and not (valid and ours.startswith(STRICTER))
        and not (version.modern and not ours and any(far_distances(text)))
    }


def test_every_signature_is_taken(verdicts: Verdicts) -> None:
    signatures = of_corpus()
    assert len(signatures) == 659
    assert [text for text, valid in zip(signatures, verdicts(signatures), strict=True) if not valid] == []
    assert [text for text in signatures if fault(text)] == []


def test_drawn_queries_and_broken_ones(verdicts: Verdicts, version: Version) -> None:
    texts = wild(5, DRAWN, [*of_corpus(), *queries(seed=7, count=600)]) + queries(seed=7, count=400)
    theirs = verdicts(texts)
    assert differing(texts, theirs, version) == {}
    assert 0.25 < sum(theirs) / len(texts) < 0.75
    stricter = [text for text, valid in zip(texts, theirs, strict=True) if valid and fault(text)]
    assert len(stricter) < 0.03 * len(texts)


TOKENS = (
    "a",
    "tags:",
    "*",
    "AND",
    "&&",
    "OR",
    "||",
    "NOT",
    "!",
    "+",
    "-",
    "(",
    ")",
    "~1",
    "^2",
    '"b c"',
    "/d/",
    "{e TO f]",
)


def test_every_row_of_three_tokens(verdicts: Verdicts, version: Version) -> None:
    """With a space between them, and without one."""
    rows = list(itertools.product(TOKENS, repeat=3))
    texts = [" ".join(row) for row in rows] + ["".join(row) for row in rows[::4]]
    assert differing(texts, verdicts(texts), version) == {}


ENDS = ("a", "*", '"a b"', '"*"', "TO", '""', "5", "a\\ b", "a\\]", "]", "@", "a b", "", "\\", '"a', "\u3000", "[a")
NUMBERS = (
    "",
    "0",
    "1",
    "2",
    "3",
    "0.5",
    "1.0",
    "-1",
    "-0.5",
    "+1",
    ".5",
    "5.",
    "1e3",
    "1e999",
    "1f",
    "NaN",
    "Infinity",
)
NUMBERS += ("0x1p1", "AUTO", "auto", "x", "1x", " 1", "1\x0b", "\\1", "٣", "1~1", "1^1", "9" * 41, "AUTO:1,2")
VALUES = ("a", '"a b"', "tags:a", 'tags:"a b"', "a*", "*", "/a/", "[a TO b]", "(a b)", "tags:(a)", ">a", '"="')
ODD = """
( | ) | () | ( ) | (()) | a () | tags:() | tags:(a | tags:(a)) | tags:(a AND) | tags:(a tags:b) | tags:(+a -b)
tags:(NOT a) | *:* | * | *:a | **:* | ta*:a | *ags:a | \\*:a | tags:* | tags:*:* | _exists_:tags
_exists_:"tags" | NOT _exists_:tags | _exists_:* | _exists_:(a b) | _exists_:[a TO b] | a:b:c | a::b | :a | a:
a : b | a :b | "a":b | 'a':b | a\\:b:c | a.b.c:d | http://x.y/z | filename:logs/x.txt | /a | a/ | a/b | a/b/c
/a/b/ | //x | \\/a | "/a" | /a\\/b/ | /a\\\\/ | /a\\\\\\/ | /\\u0041/ | \\u0041 | \\u004 | \\u | \\uD83D\\uDE00
\\uD83D | \\u0000 | a\\ | a\\\\ | \\ | "a\\ | "a\\" | "a\\"" | \\a\\b | \\AND | a\\ b | \\u0020 | a&&b | a && b
a&& b | &&a | a&&&b | a & b | a||b | a || b | ||| | |a | !a | ! a | !!a | !a! | a! | a!b | !(a) | -!a | !-a
+!a | +a | ++a | + a | +-a | -+a | a+b | a+ | a + b | -a | --a | - a | a-b | a- | a - b | +(a) | -(a) | +tags:a
tags:+a | +"a" | +[a TO b] | AND | OR | NOT | TO | a AND | AND a | a AND AND b | a OR OR b | NOT NOT a | a NOT
a AND NOT b | a OR NOT b | a NOT b | NOTa | aAND b | a^2 | a^ 2 | a^2^3 | a^2~1 | a~1^2 | a ~1 | a ^2 | ^2 | ~1
"a"~1~2 | "a"^2~1 | "a"~1^2 | (a)^2 | (a)~1 | (a^2)^3 | tags:(a)^2 | a^2b | a^. | "a | a" | "a" "b" | "a""b"
a"b" | "a"b | "" | "\\"" | 'a b' | "a * b" | tags:"" | a?b | ? | a* | *a | a*b* | \\* | a\\*b | ?* | *? | a~*
>a | >=a | <a | <=a | > | >= | >=>= | >a b | a >b | tags:>a | tags:>=a | tags:> a | ><a | =>a | tags:(>a b)
tags:(>a AND <b) | >"a" | >*
"""


def test_what_people_get_wrong(verdicts: Verdicts, version: Version) -> None:
    """Ranges in all brackets, numbers behind ~ and ^, operators, escapes, slashes, colons, deep nesting, odd spaces."""
    brackets = itertools.product("[{", "]}", ENDS, ENDS)
    texts = [f"{opened}{low} TO {high}{closed}" for opened, closed, low, high in brackets]
    texts += [value + sign + number for value, sign, number in itertools.product(VALUES, "~^", NUMBERS)]
    texts += [text for line in ODD.strip("\n").split("\n") for text in line.split(" | ")]
    texts += [before + "(" * depth + "a" + ")" * closed for before, depth, closed in DEEP]
    texts += [
        f"{left}{space}{right}"
        for space in SPACES
        for left, right in itertools.product(("a", "+a", "tags:", "AND"), ("b", ":c"))
    ]
    assert differing(texts, verdicts(texts), version) == {}


DEEP = (("", 100, 100), ("+", 100, 100), ("", 99, 100), ("", 100, 99), ("tags:", 60, 60), ("a AND NOT ", 90, 90))
SPACES = (
    "\t\n\r\x0b\x0c\x00\x01\x1f\x7f\x85\u00a0\u00ad\u1680\u2003\u200b\u2028\u2029\u202f\u3000\ufeff\ufffe\U000e0020"
)


async def test_what_only_the_server_can_tell_is_refused_and_no_fault(server: str) -> None:
    """Too much when it is worked out: the question is switched off, the others go on."""
    document = {"@timestamp": "2026-11-20T09:00:00", "message": "nova", "build_uuid": "x", "tags": "a"}
    fill(server, "lucene-refused", [document])
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    search = HttpSearch(SearchConfig.model_validate({"url": server, "index": "lucene-refused"}))
    questions = [
        Question("regex", Regex("message", "(.*a){20}.*b.*c.{30}")),
        Question("good", parse("message:nova")),
        Question("number", parse('@timestamp:"no date"')),
    ]
    answers = await search.hits(questions, None, Window(now - timedelta(hours=24), now))
    await search.close()
    call(f"{server}/lucene-refused", method="DELETE")
    assert isinstance(answers["good"], Complete) and len(answers["good"].found) == 1
    for id in "regex", "number":
        answer = answers[id]
        assert isinstance(answer, Unknown) and answer.refused, answer
        assert answer.why.startswith("the server refused the search (400)")


def test_regular_expressions(verdicts: Verdicts, version: Version) -> None:
    """What refuses `\\y` and `{2,1}` is Lucene 9; before it they had a meaning, which was none."""
    patterns = [*SOUND, *FAULTY, *(pattern for pattern in wild_patterns(3, DRAWN // 2) if is_one(pattern))]
    theirs = dict(zip(patterns, verdicts([f"/{pattern}/" for pattern in patterns]), strict=True))
    ours = {pattern: regex_fault(pattern) for pattern in patterns if not (version.plain_tilde and complements(pattern))}
    differing = {pattern: fault for pattern, fault in ours.items() if (fault is None) is not theirs[pattern]}
    if version.lucene < 9:
        differing = {
            pattern: fault
            for pattern, fault in differing.items()
            if fault is None or not any(words in fault.message for words in ("has no meaning", "greater than the last"))
        }
    assert differing == {}
    assert 0.25 < sum(theirs.values()) / len(patterns) < 0.75


def is_one(pattern: str) -> bool:
    """Whether the whole is one regular expression between its slashes."""
    kinds = [token.kind for token in lex(f"/{pattern}/")]
    return kinds == [Kind.REGEX, Kind.END]
