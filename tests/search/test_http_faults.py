"""A far end that misbehaves: what could not be searched is Unknown with a sentence, and what was found is kept."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Collection
from typing import Any

import pytest
from aiohttp import web

from bot.lucene.tree import Node, Word
from bot.model import Answer, Complete, Hit, Unknown, Where
from bot.search import Question, plan
from bot.search.http import HttpSearch
from bot.search.profiles import WORDS
from bot.search.whole import trouble
from tests.search.asking import ASK, QUICK, RESET, SEARCHES, Make, asked, edited, replies, resets
from tests.search.contract import CHECK, DAY, FIRST, GATE, LONG, build, by_build, found, phrase, uuids
from tests.search.layouts import documents
from tests.servers import free_port
from tests.servers import opensearch as server
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.xdist_group("opensearch")

NUMBERS = itertools.count()


@pytest.mark.parametrize("ask", SEARCHES)
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"timed_out": True}, "the search ran out of time on the server"),
        ({"terminated_early": True}, "the server ended the search early"),
        ({"_shards": {"total": 5, "successful": 4, "failed": 1}}, "1 of 5 shards failed"),
        ({"_shards": {"total": 0, "successful": 0, "failed": 0}}, "no index matches faults-gate"),
        ({"_clusters": {"total": 2, "successful": 1, "skipped": 1}}, "1 of 2 clusters were skipped"),
        ({"_clusters": {"total": 2, "successful": 1, "partial": 1}}, "1 of 2 clusters were partial"),
        ({"status": 206}, "the search answered with status 206"),
        ({"_shards": None}, "the answer does not say how many shards were searched"),
    ],
)
async def test_unknown_keeps_what_was_found(
    ask: str, changes: dict[str, Any], why: str, proxy: Proxy, make: Make
) -> None:
    search = make()
    healthy = found(await ASK[ask](search))
    assert healthy
    proxy.edit = edited(**changes)
    assert await ASK[ask](search) == Unknown(why, healthy)


@pytest.mark.parametrize("ask", SEARCHES)
async def test_an_error_is_unknown(ask: str, proxy: Proxy, make: Make) -> None:
    proxy.edit = lambda answer: {"error": {"type": "es_rejected_execution_exception", "reason": "full"}, "status": 429}
    answer = await ASK[ask](make())
    assert isinstance(answer, Unknown)
    assert answer.why == "the server refused the search (429): es_rejected_execution_exception: full"
    assert not answer.refused
    assert not answer.found


@pytest.mark.parametrize("ask", SEARCHES)
async def test_skipped_shards_are_healthy(ask: str, proxy: Proxy, make: Make) -> None:
    proxy.edit = edited(_shards={"total": 9, "successful": 9, "skipped": 7, "failed": 0})
    assert isinstance(await ASK[ask](make()), Complete)


async def test_each_question_is_answered_by_itself(make: Make) -> None:
    """The server itself refuses letters for a number, and answers the others."""
    search = make()
    questions = [*resets(search), Question("letters", Word("voting", "abc"))]
    answers = await search.hits(questions, uuids(FIRST, CHECK), DAY)
    assert by_build(found(answers["reset"])) == {FIRST.uuid: 2, CHECK.uuid: 1}
    refused = answers["letters"]
    assert isinstance(refused, Unknown)
    assert refused.refused
    assert 'For input string: "abc"' in refused.why


def many(search: HttpSearch) -> list[Question]:
    """Enough to be asked together, ten in a search."""
    return [Question(str(number), phrase(search, RESET)) for number in range(100)]


def searches(proxy: Proxy) -> list[int]:
    """How many were in each request."""
    return [one.body.count(b"\n") // 2 for one in proxy.passed if one.action == "_msearch"]


def all_found(answers: Collection[Answer[list[Hit]]]) -> None:
    """Each has both builds, once."""
    assert {str(by_build(found(answer))) for answer in answers} == {str({FIRST.uuid: 2, LONG.uuid: 1})}
    assert {len(found(answer)) for answer in answers} == {2}


@pytest.mark.parametrize(
    "broken",
    [
        {"error": {"type": "too_many_clauses", "reason": "more than 1024"}, "status": 400},
        {"error": {"type": "too_many_clauses", "reason": "more than 1024"}, "status": 500},
        {"error": {"type": "too_many_buckets_exception", "reason": "more than 65535"}, "status": 503},
        {"_shards": {"total": 2, "successful": 1, "failed": 1, "failures": [{"reason": {"type": "too_many_clauses"}}]}},
    ],
)
async def test_several_of_which_one_may_be_to_blame(broken: dict[str, Any], proxy: Proxy, make: Make) -> None:
    """Each of the questions is then asked alone."""
    proxy.edit = lambda answer: answer | broken if "questions" in answer["aggregations"] else answer
    search = make()
    all_found((await search.hits(many(search), uuids(FIRST, LONG), DAY)).values())
    assert sum(searches(proxy)) == 10 + 100


AWAY = {"reason": {"type": "no_shard_available_action_exception", "reason": "gone"}}


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"timed_out": True}, "the search ran out of time on the server"),
        ({"_shards": {"total": 2, "successful": 1, "failed": 0}}, "1 of 2 shards are nowhere to be searched"),
        ({"_shards": {"total": 2, "successful": 1, "failed": 1, "failures": [AWAY]}}, "1 of 2 shards failed: no_shard"),
    ],
)
async def test_several_that_a_cluster_in_trouble_answers(
    broken: dict[str, Any], why: str, proxy: Proxy, make: Make
) -> None:
    """None of the questions is asked again, and what it gave is kept. Searches are halved where they take too long."""
    proxy.edit = edited(**broken)
    search = make()
    answers = (await search.hits(many(search), uuids(FIRST, LONG), DAY)).values()
    assert sum(searches(proxy)) <= 30
    for answer in answers:
        assert isinstance(answer, Unknown)
        assert answer.why.startswith(why)
        assert not answer.refused
        assert by_build(answer.found) == {FIRST.uuid: 2, LONG.uuid: 1}


@pytest.mark.parametrize("aggregations", [None, {"questions": {"buckets": []}}, {"builds": {"buckets": []}}])
async def test_several_whose_answers_cannot_be_told_apart(aggregations: Any, proxy: Proxy, make: Make) -> None:
    proxy.edit = edited(aggregations=aggregations)
    search = make()
    answers = (await search.hits(many(search), uuids(FIRST, LONG), DAY)).values()
    assert sum(searches(proxy)) == 10
    why = "the server answered with what cannot be read: it is no answer to each of the questions"
    assert all(answer == Unknown(why, []) for answer in answers)


async def test_one_of_many_is_refused(proxy: Proxy, make: Make) -> None:
    """By the server itself; the others of its search are answered all the same."""
    search = make()
    questions = [*many(search)[1:], Question("letters", Word("voting", "abc"))]
    answers = dict(await search.hits(questions, uuids(FIRST, LONG), DAY))
    refused = answers.pop("letters")
    assert isinstance(refused, Unknown)
    assert refused.refused
    all_found(answers.values())
    assert sum(searches(proxy)) == 10 + 10


async def test_a_query_that_fails_in_one_of_two_indices(opensearch: str, make: Make) -> None:
    """Of a pattern's indices one has voting as a number: the other one's hits are real, and not all there is."""
    number = next(NUMBERS)
    server.fill(opensearch, f"faults-two-{number}-a", documents("logsender", GATE[:1]))
    server.fill(opensearch, f"faults-two-{number}-b", documents("logstash", GATE[1:3]))
    search = make({"index": f"faults-two-{number}-*"})
    answers = await search.hits([Question("1", Word("voting", "abc"))], uuids(FIRST, CHECK), DAY)
    failed = answers["1"]
    assert isinstance(failed, Unknown)
    assert failed.why.startswith("1 of 2 shards failed: query_shard_exception")
    assert failed.refused


@pytest.mark.parametrize("ask", SEARCHES)
async def test_no_index_matches(ask: str, make: Make) -> None:
    for index in ("no-such-index-*", "no-such-index"):
        answer = await ASK[ask](make({"index": index}))
        assert isinstance(answer, Unknown)
        assert answer.why == f"no index matches {index}"
        assert not answer.refused


@pytest.mark.parametrize("ask", SEARCHES)
@pytest.mark.parametrize("word", WORDS)
async def test_a_field_that_the_settings_name_and_the_index_lacks(word: str, ask: str, make: Make) -> None:
    """Whatever the word is for: with a field of the wrong name a build would lose its job, say, and nobody be told."""
    answer = await ASK[ask](make({"fields": {word: "nosuch"}}))
    assert isinstance(answer, Unknown)
    assert not answer.refused
    assert answer.why == (
        f"the index has no field nosuch for {word}: look at search.profile (logsender) and search.fields"
    )


async def test_an_address_with_a_path_too_many(opensearch: str, make: Make) -> None:
    url = f"{opensearch}/foo"
    answer = await asked(make({"url": url}))
    assert isinstance(answer, Unknown)
    assert answer.why.startswith(f"{url} refuses _field_caps (400): error: no handler found for uri [/foo/faults-gate/")
    assert answer.why.endswith("; look at search.url and search.index")


async def test_an_index_of_another_layout(make: Make) -> None:
    answer = await asked(make({"profile": "logstash-v0"}))
    assert answer == Unknown(
        "the index has no field @fields.build_uuid for uuid: look at search.profile (logstash-v0) and search.fields", []
    )


@pytest.mark.parametrize("ask", SEARCHES)
@pytest.mark.parametrize(
    ("response", "why"),
    [
        (
            lambda: web.Response(text="<html>log in</html>", content_type="text/html"),
            "with what is no JSON (text/html)",
        ),
        (lambda: web.Response(body=b'{"took":1,"hits"', content_type="application/json"), "with what is no JSON"),
        (lambda: web.Response(body=b"", content_type="image/png"), "with what is no JSON (image/png)"),
        (lambda: web.json_response([1, 2]), "with JSON of another kind"),
        (
            lambda: web.json_response({"message": "no"}, status=401),
            "does not accept the login, look at search.username",
        ),
        (lambda: web.json_response({"message": "no"}, status=418), "with 418, look at search.url"),
        (lambda: web.json_response({"message": "busy"}, status=503), "with 503"),
        (lambda: web.json_response({"message": "busy"}, status=429), "with 429"),
    ],
)
async def test_answers_that_are_none(
    ask: str, response: Callable[[], web.Response], why: str, proxy: Proxy, make: Make
) -> None:
    """Before the fields are known, and after."""
    search, fresh = make(), make()
    assert isinstance(await ASK[ask](search), Complete)
    proxy.before = replies(response)
    for one in (search, fresh):
        answer = await ASK[ask](one)
        assert isinstance(answer, Unknown)
        assert why in answer.why
        assert proxy.url in answer.why
        assert not answer.refused


async def test_a_body_that_ends_too_early(proxy: Proxy, make: Make) -> None:
    async def cut(request: web.Request, body: bytes) -> web.StreamResponse | None:
        if not request.path.endswith("_msearch"):
            return None
        answer = web.StreamResponse(headers={"content-length": "5000", "content-type": "application/json"})
        await answer.prepare(request)
        await answer.write(b'{"took":1,')
        assert request.transport is not None
        request.transport.close()
        return answer

    proxy.before = cut
    answer = await asked(make())
    assert isinstance(answer, Unknown)
    assert answer.why.startswith(f"no connection to {proxy.url}")
    assert proxy.actions().count("_msearch") == QUICK.tries


async def test_one_answer_that_lacks_some_searches(proxy: Proxy, make: Make) -> None:
    proxy.before = replies(lambda: web.json_response({"took": 1, "responses": []}), "_msearch")
    answer = await asked(make())
    assert answer == Unknown(f"{proxy.url} did not answer each of 1 searches", [])


async def test_nobody_listens(make: Make) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    answer = await asked(make({"url": url}))
    assert isinstance(answer, Unknown)
    assert answer.why.startswith(f"no connection to {url}")


async def test_no_answer_in_time_is_not_asked_for_the_rest(proxy: Proxy, make: Make) -> None:
    search = make({"timeout": "1s", "chunk": 1})
    assert isinstance(await asked(search), Complete)
    before = len(proxy.passed)

    async def silent(request: web.Request, body: bytes) -> web.StreamResponse | None:
        await asyncio.sleep(30)
        return None

    proxy.before = silent
    questions = [Question(str(number), phrase(search, RESET)) for number in range(9)]
    answers = await search.hits(questions, uuids(FIRST), DAY)
    assert len(proxy.passed) == before + 1
    assert len(answers) == 9
    assert set(map(repr, answers.values())) == {repr(Unknown(f"{proxy.url} did not answer within 1 s", []))}


async def test_too_large_requests_are_cut_and_that_is_remembered(proxy: Proxy, make: Make) -> None:
    refused: list[int] = []

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        if len(body) <= 5_000:
            return None
        refused.append(len(body))
        return web.Response(status=413, text="<html>too large</html>", content_type="text/html")

    proxy.before = before
    search = make()
    questions = [Question(str(number), phrase(search, RESET)) for number in range(9)]
    builds = [*(f"{number:032x}" for number in range(150)), *uuids(FIRST, LONG)]
    for _ in range(2):
        answers = await search.hits(questions, builds, DAY)
        assert len(answers) == 9
        assert all(by_build(found(answer)) == {FIRST.uuid: 2, LONG.uuid: 1} for answer in answers.values())
        assert len(answers["0"].found) == 2
    after_first = len(refused)
    assert 0 < after_first < 10
    await search.hits(questions, builds, DAY)
    assert len(refused) == after_first
    described = await search.described(builds, DAY)
    assert sorted(one.uuid for one in found(described)) == uuids(FIRST, LONG)


async def test_a_single_search_that_is_too_large(proxy: Proxy, make: Make) -> None:
    """The same for ever, and the others of its request are answered."""

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        return web.Response(status=413) if len(body) > 5_000 else None

    proxy.before = before
    search = make()
    questions = [*many(search)[:9], Question("long", phrase(search, "long " * 1_000))]
    answers = dict(await search.hits(questions, uuids(FIRST, LONG), DAY))
    long = answers.pop("long")
    assert isinstance(long, Unknown)
    assert "refuses a request of" in long.why
    assert long.refused
    all_found(answers.values())


async def test_where_all_is_too_large_size_is_not_the_reason(proxy: Proxy, make: Make) -> None:
    """Nothing is refused for good, the far end is soon left alone, and when it is well again it is asked as before."""
    search = make()
    builds = [*(f"{number:032x}" for number in range(18)), *uuids(FIRST, LONG)]
    await search.hits(many(search), builds, DAY)
    healthy = searches(proxy)
    proxy.passed.clear()
    proxy.before = replies(lambda: web.Response(status=413), "_msearch")
    for answer in (await search.hits(many(search), builds, DAY)).values():
        assert isinstance(answer, Unknown)
        assert not answer.refused
    assert len(searches(proxy)) < 10
    proxy.passed.clear()
    proxy.before = Proxy("").before
    all_found((await search.hits(many(search), builds, DAY)).values())
    assert searches(proxy) == healthy


@pytest.mark.parametrize("status", [400, 403, 404, 405])
async def test_without_msearch_it_goes_one_by_one(
    status: int, proxy: Proxy, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.before = replies(
        lambda: web.json_response({"error": "not for you", "status": status}, status=status), "_msearch"
    )
    search = make({"chunk": 1})
    questions = [*resets(search), Question("letters", Word("voting", "abc"))]
    for _ in range(2):
        answers = await search.hits(questions, uuids(FIRST, LONG), DAY)
        assert by_build(found(answers["reset"])) == {FIRST.uuid: 2, LONG.uuid: 1}
        assert isinstance(answers["letters"], Unknown)
        assert answers["letters"].refused
    assert proxy.actions().count("_msearch") == 1
    assert [record.message for record in caplog.records if record.name == "bot.search.without"] == [
        "the cluster refuses _msearch: searches go one by one, which takes more requests"
    ]


async def test_where_all_is_forbidden_the_fallback_is_not_taken(proxy: Proxy, make: Make) -> None:
    search = make({"chunk": 1})
    assert isinstance(await asked(search), Complete)
    proxy.before = replies(lambda: web.json_response({"error": "not for you"}, status=403))
    answer = await asked(search)
    assert answer == Unknown(f"{proxy.url} forbids _search to this login", [])
    proxy.before = replies(lambda: web.json_response({"error": "not for you"}, status=403), "no-such-action")
    assert isinstance(await asked(search), Complete)
    assert proxy.actions()[-1] == "_msearch"


async def test_fields_without_field_caps_and_without_mapping(
    proxy: Proxy, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    direct = found(await make().fields())
    denied = web.json_response
    proxy.before = replies(lambda: denied({"error": "no"}, status=403), "_field_caps")
    from_mapping = found(await make().fields())
    assert from_mapping == {name: field for name, field in direct.items() if name in from_mapping}
    assert {"message", "build_uuid", "build_uuid.keyword", "voting", "@timestamp"} <= set(from_mapping)

    async def both(request: web.Request, body: bytes) -> web.StreamResponse | None:
        closed = request.path.endswith(("_field_caps", "_mapping"))
        return denied({"error": "no"}, status=403) if closed else None

    proxy.before = both
    search = make({"at_once": 2}, fields_for=DAY.reach * 0)
    for _ in range(2):
        assert by_build(found(await asked(search))) == {FIRST.uuid: 2, LONG.uuid: 1}
    assert len([record for record in caplog.records if "assumed" in record.message]) == 1
    assert found(await search.fields())["build_uuid"].exact == "build_uuid.keyword"


async def test_assumed_fields_that_are_not_there(opensearch: str, proxy: Proxy, make: Make) -> None:
    """Strings are keywords without a sub-field in this index: nothing would be found, and that is no zero."""
    exact = {"dynamic_templates": [{"exact": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}]}
    server.fill(opensearch, "faults-keyword", documents("logsender", GATE[:1]), {"mappings": exact})

    async def both(request: web.Request, body: bytes) -> web.StreamResponse | None:
        return web.Response(status=403) if request.path.endswith(("_field_caps", "_mapping")) else None

    proxy.before = both
    answer = await asked(make({"index": "faults-keyword"}))
    why = "the fields of faults-keyword cannot be read, and nothing has build_uuid.keyword: allow _field_caps"
    assert answer == Unknown(why, [])


async def test_a_refusal_that_passes(proxy: Proxy, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A while later the far end is asked again, and what it allows by then is used; the refusal is said once."""
    now = 1000.0
    search = make(clock=lambda: now)
    healthy = found(await make().fields())
    refused = ("_field_caps", "_mapping", "_msearch")

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        return web.Response(status=403) if request.path.endswith(refused) else None

    proxy.before = before
    for later in (0, 601, 601):
        now += later
        await asked(search)
        proxy.passed.clear()
        assert by_build(found(await asked(search))) == {FIRST.uuid: 2, LONG.uuid: 1}
        assert found(await search.fields()) != healthy
        assert set(proxy.actions()) == {"_search"}
    assert sum(record.name == "bot.search.without" for record in caplog.records) == 3
    proxy.before = Proxy("").before
    now += 601
    assert found(await search.fields()) == healthy
    proxy.passed.clear()
    assert by_build(found(await asked(search))) == {FIRST.uuid: 2, LONG.uuid: 1}
    assert proxy.actions() == ["_msearch"]


async def test_fields_read_anew_are_asked_by_from_then_on(opensearch: str, make: Make) -> None:
    """Trees are rewritten to what `fields` gives, so that aggregations have to go by the same."""
    index = f"faults-moved-{next(NUMBERS)}"
    as_keyword = {"mappings": {"properties": {"build_uuid": {"type": "keyword"}}}}
    server.fill(opensearch, index, documents("logsender", GATE), as_keyword)
    search = make({"index": index})
    healthy = await asked(search)
    server.call(f"{opensearch}/{index}", method="DELETE")
    server.fill(opensearch, index, documents("logsender", GATE))
    await search.fields()
    assert by_build(found(await asked(search))) == by_build(found(healthy)) == {FIRST.uuid: 2, LONG.uuid: 1}


async def test_a_field_that_differs_between_indices(opensearch: str, make: Make) -> None:
    """build_uuid is text with a keyword in one and keyword in the other: no path finds both."""
    as_keyword = {"mappings": {"properties": {"build_uuid": {"type": "keyword"}}}}
    server.fill(opensearch, "faults-mixed-a", documents("logsender", GATE[:1]))
    server.fill(opensearch, "faults-mixed-b", documents("logsender", GATE[1:3]), as_keyword)
    answer = await asked(make({"index": "faults-mixed-*"}))
    assert isinstance(answer, Unknown)
    assert answer.why.startswith("the field build_uuid is analysed text, in some index without a keyword")


def test_what_cannot_be_aggregated_is_not_the_querys_fault() -> None:
    """Else every signature would be switched off for a mapping that changed."""
    reason = "Text fields are not optimised for operations. Set fielddata=true on [build_uuid] to load fielddata"
    error = {"type": "search_phase_execution_exception", "reason": "all shards failed"}
    cause = {"type": "illegal_argument_exception", "reason": reason}
    some = {"total": 2, "successful": 1, "failed": 1, "failures": [{"reason": cause}]}
    for answer in ({"error": error | {"root_cause": [cause]}, "status": 400}, {"timed_out": False, "_shards": some}):
        fault = trouble(answer, "logs-*")
        assert fault is not None
        assert not fault.refused
        assert not fault.by_query
    other = cause | {"reason": "The length of regex [1200] used in the query is greater than 1000"}
    fault = trouble({"error": error | {"root_cause": [other]}, "status": 400}, "logs-*")
    assert fault is not None
    assert fault.refused


async def test_a_listing_ends_at_a_page_that_is_not_whole(proxy: Proxy, make: Make) -> None:
    proxy.edit = edited(timed_out=True)
    answer = await make(page=1).builds(DAY, Where())
    assert isinstance(answer, Unknown)
    assert len(answer.found) <= 1
    assert proxy.actions() == ["_field_caps", "_search"]


async def test_a_listing_without_an_end_is_cut(proxy: Proxy, make: Make) -> None:
    """Each page of the server says that one more comes."""
    numbers = itertools.count()

    def edit(answer: dict[str, Any]) -> dict[str, Any]:
        page = answer["aggregations"]["page"] | {"after_key": {"uuid": f"{next(numbers):032x}"}}
        return answer | {"aggregations": {"page": page}}

    proxy.edit = edit
    answer = await make(page=1, pages=7).builds(DAY, Where())
    assert isinstance(answer, Unknown)
    assert "it has more than 7 pages" in answer.why
    assert proxy.actions().count("_search") == 7


async def test_fields_are_believed_for_a_while(proxy: Proxy, make: Make) -> None:
    now = 1000.0
    search = make(clock=lambda: now)
    await asked(search)
    await asked(search)
    assert proxy.actions().count("_field_caps") == 1
    now += 601
    await asked(search)
    assert proxy.actions().count("_field_caps") == 2


async def test_more_builds_than_one_answer_holds(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "BUCKETS", 2)
    search = make()
    answer = (await search.hits(resets(search), None, DAY))["reset"]
    assert isinstance(answer, Unknown)
    assert answer.why.startswith("more than 2 builds have it")
    # 1 build of the 2 may have ended outside the window
    assert answer.found


async def test_hits_of_the_window_are_unknown_where_its_builds_are(proxy: Proxy, make: Make) -> None:
    proxy.before = replies(lambda: web.Response(status=500), "_search")
    search = make()
    answer = (await search.hits(resets(search), None, DAY))["reset"]
    assert isinstance(answer, Unknown)
    assert answer.why == f"{proxy.url} answered _search with 500"


async def test_classifies_in_few_requests(proxy: Proxy, make: Make) -> None:
    """100 questions for 20 builds: the fields once, then two requests of 50 searches."""
    search = make()
    questions: list[Question] = []
    for number in range(100):
        tree: Node = phrase(search, f"signature {number}")
        questions.append(Question(str(number), tree))
    await search.hits(questions, uuids(*(build(number) for number in range(20))), DAY)
    assert proxy.actions() == ["_field_caps", "_msearch", "_msearch"]
