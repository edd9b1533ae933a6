"""Each way in which an answer may be broken, for each question: Unknown with a sentence, what was found kept."""

from __future__ import annotations

import asyncio
import copy
import gzip
import itertools
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from aiohttp import web

from bot.lucene.parse import parse
from bot.model import Answer, Complete, Hit, Unknown
from bot.search import Question
from tests.search.asking import ASK, SEARCHES, Make, edited, replies
from tests.search.contract import DAY, GATE, found
from tests.search.layouts import documents
from tests.servers import opensearch as server
from tests.servers.proxy import Before, Edit, Proxy

pytestmark = [pytest.mark.xdist_group("opensearch"), pytest.mark.engines]

NUMBERS = itertools.count()
Json = dict[str, Any]
# Where each question's findings stand in an answer.
LISTS = {
    "builds": ("aggregations", "page", "buckets"),
    "described": ("aggregations", "builds", "buckets"),
    "hits": ("aggregations", "builds", "buckets"),
    "lines": ("hits", "hits"),
    "totals": ("aggregations", "page", "buckets"),
}


# -- what the server says of itself ---------------------------------------------------------------------------


def clusters(**detail: Any) -> Json:
    """As Elasticsearch 8.10 and later: the totals look well, the detail does not."""
    healthy = {"status": "successful", "timed_out": False}
    return {"_clusters": {"total": 2, "successful": 2, "skipped": 0, "details": {"here": healthy, "us": detail}}}


@pytest.mark.parametrize("ask", SEARCHES)
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (clusters(status="skipped"), "the cluster us was skipped"),
        (clusters(status="partial"), "the cluster us was partial"),
        (clusters(status="failed"), "the cluster us was failed"),
        (clusters(status="running"), "the cluster us was running"),
        (clusters(status="successful", timed_out=True), "the cluster us was out of time"),
        ({"_clusters": {"total": 2, "successful": 1, "failed": 1}}, "1 of 2 clusters were failed"),
        ({"_clusters": {"total": 2, "successful": 1, "running": 1}}, "1 of 2 clusters were running"),
        ({"_clusters": ["us"]}, "the server answered with what cannot be read: it is no mapping"),
        (
            {"_shards": {"total": 5, "successful": 3, "skipped": 0, "failed": 0}},
            "2 of 5 shards are nowhere to be searched",
        ),
        ({"_shards": "all"}, "the server answered with what cannot be read: there is no total"),
        ({"_shards": {"total": "5"}}, "the server answered with what cannot be read: total is no number"),
        (
            {"_shards": {"total": 5, "successful": 4, "failed": 1, "failures": "one"}},
            "the server answered with what cannot be read: it is no list",
        ),
        ({"_shards": {"total": 5, "successful": 4, "failed": 1, "failures": ["x"]}}, "1 of 5 shards failed: error: x"),
        ({"timed_out": "no"}, "the server answered with what cannot be read: it does not say if it ran out of time"),
        ({"status": "fine"}, "the search answered with status fine"),
        ({"error": None, "status": 500}, "the server refused the search (500): error: None"),
        (
            {"error": {"root_cause": [None], "type": 7}, "status": 500},
            "the server refused the search (500): 7: no reason given",
        ),
    ],
)
async def test_an_answer_that_is_not_whole(ask: str, changes: Json, why: str, proxy: Proxy, make: Make) -> None:
    search = make()
    healthy = found(await ASK[ask](search))
    assert healthy
    proxy.edit = edited(**changes)
    assert await ASK[ask](search) == Unknown(why, healthy)
    proxy.edit = Proxy("").edit
    assert await ASK[ask](search) == Complete(healthy)


# -- what it says of the builds -------------------------------------------------------------------------------


def at(answer: Json, path: tuple[str, ...]) -> Any:
    for key in path:
        answer = answer[key]
    return answer


def changed(path: tuple[str, ...], change: Callable[[Any], object]) -> Edit:
    """An edit of what stands at a path; a change that gives `gone` takes it away."""

    def edit(answer: Json) -> Json:
        answer = copy.deepcopy(answer)
        holder = at(answer, path[:-1])
        made = change(holder[path[-1]])
        if made is gone:
            del holder[path[-1]]
        else:
            holder[path[-1]] = made
        return answer

    return edit


def gone(_: Any) -> object:
    return gone


OTHERS: tuple[Callable[[Any], object], ...] = (
    gone,
    lambda _: None,
    lambda _: {},
    lambda _: "x",
    lambda _: 7,
    lambda _: True,
    lambda _: [None],
    lambda _: -1,
    lambda _: 1e300,
    lambda _: float("nan"),
)


@pytest.mark.parametrize("ask", SEARCHES)
async def test_findings_that_are_something_else(ask: str, proxy: Proxy, make: Make) -> None:
    search = make()
    for depth in range(1, len(LISTS[ask]) + 1):
        for other in OTHERS:
            proxy.edit = changed(LISTS[ask][:depth], other)
            answer = await ASK[ask](search)
            assert isinstance(answer, Unknown)
            assert answer.why.startswith("the server answered with what cannot be read: ")
            assert not answer.found
            assert not answer.refused


@pytest.mark.parametrize("ask", SEARCHES)
async def test_an_answer_that_is_no_answer(ask: str, proxy: Proxy, make: Make) -> None:
    search = make()
    assert isinstance(await ASK[ask](search), Complete)
    for other in (None, [], "x", 7):
        proxy.edit = replaced(other)
        answer = await ASK[ask](search)
        assert isinstance(answer, Unknown)
        sentences = ("with JSON of another kind", "with what is no JSON", "with what cannot be read: it is no mapping")
        assert any(sentence in answer.why for sentence in sentences)


def replaced(other: Any) -> Edit:
    return lambda answer: other


def nothing(made: object) -> bool:
    return False


def mapping(made: object) -> bool:
    return isinstance(made, dict)


def text(made: object) -> bool:
    return isinstance(made, (str, int, float))


def time_(made: object) -> bool:
    return made in (7, -1) and not isinstance(made, bool)


def count(made: object) -> bool:
    return made == 7


def word_or_none(made: object) -> bool:
    return text(made) or made in (None, gone)


# Where one finding may be broken, and what may stand there all the same.
IN_A_FINDING: dict[str, list[tuple[tuple[str, ...], Callable[[object], bool]]]] = {
    "builds": [
        (("key",), nothing),
        (("key", "uuid"), text),
        (("doc_count",), count),
        (("newest",), nothing),
        (("newest", "value"), time_),
    ],
    "described": [(("key",), nothing), (("sample", "hits", "hits"), nothing), (("sample",), nothing)],
    "hits": [(("key",), nothing), (("doc_count",), count), (("first", "value"), time_), (("last",), nothing)],
    "lines": [(("_source",), mapping)],
    "totals": [(("key",), mapping), (("key", "job"), word_or_none), (("builds", "value"), count)],
}


@pytest.mark.parametrize("ask", SEARCHES)
async def test_one_finding_that_cannot_be_read(ask: str, proxy: Proxy, make: Make) -> None:
    """It is left out and the answer Unknown; the others are kept."""
    search = make()
    healthy = list(found(await ASK[ask](search)))
    for path, may_be_read in IN_A_FINDING[ask]:
        for other in OTHERS:
            if may_be_read(other(None)):
                continue
            proxy.edit = of_the_first(LISTS[ask], changed(path, other))
            answer = await ASK[ask](search)
            assert isinstance(answer, Unknown), (path, other(None), answer)
            assert answer.why.startswith("the server answered with what cannot be read: ")
            assert list(answer.found) == healthy[1:]


def of_the_first(path: tuple[str, ...], edit: Edit) -> Edit:
    def first(answer: Json) -> Json:
        answer = copy.deepcopy(answer)
        at(answer, path)[0] = edit(at(answer, path)[0])
        return answer

    return first


async def test_a_hit_counts_whatever_its_sample_is(proxy: Proxy, make: Make) -> None:
    search = make()
    healthy = found(await ASK["hits"](search))
    for other in (*OTHERS, lambda _: {"hits": {"hits": []}}):
        proxy.edit = of_the_first(LISTS["hits"], changed(("sample",), other))
        answer = await ASK["hits"](search)
        assert isinstance(answer, Unknown)
        assert [(hit.build, hit.count) for hit in answer.found] == [(hit.build, hit.count) for hit in healthy]
        assert answer.found[1:] == healthy[1:]


@pytest.mark.parametrize("ask", ["described", "hits"])
@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("sum_other_doc_count", 5, "builds have it, 5 lines are in others"),
        ("sum_other_doc_count", "many", "cannot be read"),
        ("sum_other_doc_count", gone, "cannot be read"),
        ("doc_count_error_upper_bound", 3, "the counts are estimates, which may be off by 3"),
        ("doc_count_error_upper_bound", -1, "the counts are estimates"),
        ("doc_count_error_upper_bound", gone, "cannot be read"),
    ],
)
async def test_a_terms_aggregation_that_was_cut(
    ask: str, name: str, value: Any, why: str, proxy: Proxy, make: Make
) -> None:
    search = make()
    healthy = found(await ASK[ask](search))
    proxy.edit = changed(("aggregations", "builds", name), lambda _: value)
    answer = await ASK[ask](search)
    assert isinstance(answer, Unknown)
    assert why in answer.why
    assert answer.found == healthy


@pytest.mark.parametrize("ask", ["builds", "totals"])
async def test_a_listing_that_was_cut_at_its_size(ask: str, proxy: Proxy, make: Make) -> None:
    search = make(page=2)
    for other in OTHERS:
        if other(None) == {}:
            continue  # it says how it goes on, and the server says what it thinks of that
        proxy.edit = changed(("aggregations", "page", "after_key"), other)
        answer = await ASK[ask](search)
        assert isinstance(answer, Unknown)
        assert answer.why.startswith("the listing was cut at 2: ")
        assert len(answer.found) == 2
    assert isinstance(await ASK[ask](make()), Complete)  # a page that is not full needs none


@pytest.mark.parametrize("ask", ["builds", "totals"])
async def test_a_listing_without_an_end(ask: str, proxy: Proxy, make: Make) -> None:
    first: list[Json] = []

    def same(answer: Json) -> Json:
        first.append(answer)
        return first[0]

    proxy.edit = same
    answer = await ASK[ask](make(page=2))
    assert isinstance(answer, Unknown)
    assert answer.why == "the server gives the same page of the listing again and again"


async def test_a_listing_in_pages_is_whole(make: Make) -> None:
    for ask in ("builds", "totals"):
        whole = found(await ASK[ask](make()))
        for page in (1, 2, len(whole), len(whole) + 1):
            assert found(await ASK[ask](make(page=page))) == whole


# -- what is no answer of a search at all ---------------------------------------------------------------------


def sends(body: bytes, kind: str = "application/json", **options: Any) -> Before:
    return replies(lambda: web.Response(body=body, content_type=kind, **options))


def cut(headers: dict[str, str]) -> Before:
    """Ends the connection in the middle of a body."""

    async def before(request: web.Request, body: bytes) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "application/json"} | headers)
        if not headers:
            answer.enable_chunked_encoding()
        await answer.prepare(request)
        await answer.write(b'{"took":1,"timed_out":false,')
        assert request.transport is not None
        request.transport.close()
        return answer

    return before


NO_ANSWERS: dict[str, tuple[Before, str]] = {
    "a page with status 200": (sends(b"<html>log in</html>", "text/html"), "with what is no JSON (text/html)"),
    "a page that says it is JSON": (sends(b"<html>log in</html>"), "with what is no JSON"),
    "nothing": (sends(b""), "with what is no JSON"),
    "no content": (sends(b"", status=204), "with 204"),
    "JSON that ends early": (sends(b'{"took":1,"hits"'), "with what is no JSON"),
    "two JSONs": (sends(b'{"took":1}{"took":1}'), "with what is no JSON"),
    "a list": (sends(b"[1]"), "with JSON of another kind"),
    "a word": (sends(b'"ok"'), "with JSON of another kind"),
    "JSON of bytes that are none": (sends(b'{"took":"\xff\xfe"}'), "with what is no JSON"),
    "JSON that is too deep": (sends(b"[" * 200_000), "with what is no JSON"),
    "a number of many digits": (sends(b'{"took":' + b"9" * 5_000 + b"}"), "with what is no JSON"),
    "another object": (sends(b'{"message":"welcome"}'), ""),
    "a refusal that is none": (sends(b'{"message":"welcome"}', status=400), ""),
    "too much": (sends(b" " * 2_000_000), "with more than 1000000 bytes"),
    "too much in little": (
        sends(gzip.compress(b" " * 2_000_000), headers={"content-encoding": "gzip"}),
        "with more than 1000000 bytes",
    ),
    "packed, it says": (sends(b"{}", headers={"content-encoding": "gzip"}), "no connection to"),
    "a way elsewhere": (sends(b"", status=302, headers={"location": "/login"}), "with 302"),
    "shorter than it says": (cut({"content-length": "5000"}), "no connection to"),
    "chunks without an end": (cut({}), "no connection to"),
}


@pytest.mark.parametrize("ask", sorted(ASK))
async def test_no_answer_at_all(ask: str, proxy: Proxy, make: Make) -> None:
    """Unknown with a sentence, and all is well again when the cluster is."""
    search = make(most_bytes=1_000_000)
    healthy = await ASK[ask](search)
    assert isinstance(healthy, Complete)
    untouched = proxy.before
    for name, (before, why) in NO_ANSWERS.items():
        proxy.before = before
        answer = await ASK[ask](search)
        assert isinstance(answer, Unknown), name
        assert why in answer.why
        assert not answer.found
        assert not answer.refused
        proxy.before = untouched
        assert await ASK[ask](search) == healthy


@asynccontextmanager
async def speaking(said: bytes) -> AsyncIterator[str]:
    """What speaks no HTTP: says something and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1") as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "said",
    [b"", b"220 mail.example.org ESMTP\r\n", b"\x16\x03\x01\x02\x00", b"HTTP/1.1 " * 9999],
    ids=["silence", "mail", "tls", "babble"],
)
async def test_a_server_of_another_kind(said: bytes, make: Make) -> None:
    async with speaking(said) as url:
        search = make({"url": url})
        for ask in ASK.values():
            answer = await ask(search)
            assert isinstance(answer, Unknown)
            assert answer.why.startswith(f"no connection to {url}: ")
            assert len(answer.why) < 300


CAPS = [{}, {"fields": None}, {"fields": []}, {"fields": {"message": None}}, {"fields": {"message": "text"}}]
MAPPINGS = [
    {"i": None},
    {"i": {}},
    {"i": {"mappings": []}},
    {"i": {"mappings": {"properties": None}}},
    {"i": {"mappings": {"properties": {"message": "text"}}}},
    {"i": {"mappings": {"properties": {"message": {"type": None}}}}},
    {"i": {"mappings": {"properties": {"message": {"type": "text", "fields": 7}}}}},
]


@pytest.mark.parametrize("ask", sorted(ASK))
async def test_fields_that_cannot_be_read(ask: str, proxy: Proxy, make: Make) -> None:
    search = make()
    for action, said in (*(("_field_caps", caps) for caps in CAPS), *(("_mapping", one) for one in MAPPINGS)):
        proxy.before = with_fields(action, said)
        answer = await ASK[ask](search)
        assert isinstance(answer, Unknown)
        assert answer.why.startswith("the server answered with what cannot be read: ")


def with_fields(action: str, said: Json) -> Before:
    """One of the two actions that tell the fields answers so; the one before it is forbidden."""

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        if request.path.endswith(action):
            return web.json_response(said)
        return web.Response(status=403) if request.path.endswith("_field_caps") else None

    return before


# -- the real server, where it is not whole -------------------------------------------------------------------


@contextmanager
def most_buckets(url: str, number: int) -> Iterator[None]:
    def put(value: int | None) -> None:
        body = json.dumps({"transient": {"search.max_buckets": value}}).encode()
        server.call(f"{url}/_cluster/settings", body, "PUT")

    put(number)
    try:
        yield
    finally:
        put(None)


@pytest.mark.parametrize("ask", ["builds", "hits", "totals"])
async def test_too_many_buckets(ask: str, opensearch: str, proxy: Proxy, make: Make) -> None:
    """The server says 503 to that, and it would again: one request, and the host is not blamed."""
    search = make()
    healthy = await ASK[ask](search)
    before = len(proxy.passed)
    with most_buckets(opensearch, 1):
        answer = await ASK[ask](search)
    assert isinstance(answer, Unknown)
    assert "too_many_buckets_exception: Trying to create too many buckets" in answer.why
    assert not answer.refused
    assert len(proxy.passed) == before + 1
    assert await ASK[ask](search) == healthy


@pytest.mark.parametrize("ask", SEARCHES)
async def test_an_index_without_a_node(ask: str, opensearch: str, make: Make) -> None:
    """It is searched beside one that is there. Elasticsearch 8 counts its shard as failed, the others do not."""
    name = f"faults-red-{next(NUMBERS)}"
    server.fill(opensearch, f"{name}-a", documents("logsender", GATE))
    nowhere = {"index.number_of_replicas": 0, "index.routing.allocation.require._name": "nobody"}
    body = json.dumps({"settings": nowhere}).encode()
    server.call(f"{opensearch}/{name}-b?wait_for_active_shards=0", body, "PUT")
    try:
        there = found(await ASK[ask](make({"index": f"{name}-a"})))
        answer = await ASK[ask](make({"index": f"{name}-*"}))
    finally:
        server.call(f"{opensearch}/{name}-b", method="DELETE")
    assert isinstance(answer, Unknown)
    assert answer.why in (
        "1 of 2 shards are nowhere to be searched",
        "1 of 2 shards failed: no_shard_available_action_exception: no reason given",
    )
    assert answer.found == there


async def test_what_a_search_gave_before_its_time_ran_out_is_kept(opensearch: str, proxy: Proxy, make: Make) -> None:
    """The server itself ends a search early, as the time that it is given is cut on the way.

    It looks at its clock only every 200 ms, so that it is asked until it notices, for something else each time.
    """
    index = f"faults-slow-{next(NUMBERS)}"
    server.fill(opensearch, index, many_words(15_000), {"settings": {"number_of_shards": 3}})
    search = make({"index": index})
    builds = [f"{number:032x}" for number in range(50)]

    async def heavy() -> Answer[list[Hit]]:
        tree = parse(f"message:/w[0-9]*7[0-9]*/ OR message:*reset{next(NUMBERS)}*")
        return (await search.hits([Question("heavy", tree)], builds, DAY))["heavy"]

    whole = {hit.build: hit.count for hit in found(await heavy())}
    proxy.body = lambda body: re.sub(rb'"timeout": ?"[^"]+"', b'"timeout":"1ms"', body)
    deadline = time.monotonic() + 60
    kept: dict[str, int] = {}
    while not 0 < sum(kept.values()) < sum(whole.values()) and time.monotonic() < deadline:
        answer = await heavy()
        kept = {hit.build: hit.count for hit in answer.found}
        if isinstance(answer, Unknown):
            assert "ran out of time" in answer.why or "time_exceeded" in answer.why
        else:
            assert kept == whole  # what is not all is never Complete
    assert 0 < sum(kept.values()) < sum(whole.values())
    assert all(number <= whole[build] for build, number in kept.items())


def many_words(count: int) -> Iterator[Json]:
    for number in range(count):
        words = " ".join(f"w{number * factor % 9973}" for factor in range(1, 13))
        yield {"@timestamp": "2026-08-17T10:00:00", "build_uuid": f"{number % 50:032x}", "message": f"reset {words}"}
