"""`!check`: the words of its reply, on an index of our own; the numbers are tests/workbench's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.cli.logtest import messages
from bot.commands.check import EXAMPLE
from bot.lucene.matching import matches
from bot.lucene.parse import parse
from bot.model import Build, Window
from bot.resources import shipped
from bot.workbench.known import classifier
from tests.commands.conftest import NOW, Asks
from tests.commands.test_verbs import Said
from tests.fakes import Index

WINDOW = Window(NOW - timedelta(hours=24), NOW + timedelta(hours=1))
KNOWN = {"2098765": parse('message:"device"')}


def asked_of(*failures: str) -> dict[str, Any]:
    """What an Ask has of an index with a build that failed for each of these lines."""
    index = Index()
    for number, line in enumerate(failures):
        build = Build(f"{number:032x}", "tempest-full", "FAILURE", project="openstack/nova", pipeline="gate")
        index.add(build, line, at=NOW - timedelta(hours=1 + number))
    return {"search": index, "window": WINDOW, "classify": classifier(index, KNOWN, WINDOW)}


async def test_a_query_is_judged_in_two_lines(asks: Asks) -> None:
    there = asked_of("boom: device busy", "boom", "quiet")
    assert (await asks("!check message:boom", **there)).splitlines() == [
        "check: good: 0% of these builds passed, elastic-recheck allows 10%"
        " | 2 failed and 0 passed builds, 2 lines in 24h | 2 of 2 failed and 0 of 0 passed builds have it",
        "known: #2098765 1; 1 of 2 failed builds explained by no known signature | first 2h ago, last 60m ago ▁▁▁▁█"
        ' | "boom: device busy" | https://logs.example/00000000000000000000000000000000/',
    ]


async def test_quotes_and_spaces_reach_the_index_as_they_were_typed(asks: Asks) -> None:
    there = asked_of("first second")
    assert "1 failed" in await asks('!check  message:"first  second"', **there)
    assert await asks('!check message:"second first"', **there) == "check: nothing is found in 24h"


async def test_a_fault_has_a_caret_below_it(said: Said) -> None:
    message = await said('!check message:("a" OR', **asked_of("a"))
    assert message.text == (
        'not a Lucene query: the query ends where a term is expected\nmessage:("a" OR\n---------------^'
    )
    assert message.html.endswith("<pre>message:(&quot;a&quot; OR\n---------------^</pre>")
    far = (await said("!check " + "message:x OR " * 30 + ")", **asked_of("a"))).text.splitlines()
    assert far[1][far[2].index("^")] == ")"


async def test_remarks_are_said(asks: Asks) -> None:
    text = await asks('!check message:"fa*"', **asked_of("a"))
    assert text.splitlines() == [
        "check: nothing is found in 24h",
        "remark: character 9: in quotes * and ? are no wildcards, but plain text: fa*",
    ]


async def test_unknown_is_never_nothing(asks: Asks) -> None:
    there = asked_of("boom")
    there["search"].down = "2 of 5 shards failed"
    assert await asks("!check message:boom", **there) == (
        "check: no verdict: the answer is not complete in 24h | 2 of 5 shards failed"
    )
    there = asked_of("boom")
    there["search"].shaky = {"query"}
    assert (await asks("!check message:boom", **there)).startswith(
        "check: no verdict: the answer is not complete | at least 1 failed and 0 passed builds, 1 line in 24h"
        " | 1 of 5 shards failed"
    )


@pytest.mark.parametrize(
    "query",
    ["*a " * 600, "(" * 1_900, "a\x07b", "\x02message:a"],
    ids=["wildcards", "parentheses", "bell", "bold"],
)
async def test_too_much_is_refused_and_not_asked(asks: Asks, query: str) -> None:
    there = asked_of("a")
    text = await asks(f"!check {query}", **there)
    assert text.startswith("not a Lucene query: ") and len(text.splitlines()) == 3
    assert there["search"].calls == []


@pytest.mark.parametrize("query", [" OR ".join(["a"] * 20_000), 'build_name:"' + "a" * 2000 + '"'])
async def test_what_is_too_long_is_not_even_read(asks: Asks, query: str) -> None:
    there = asked_of("a")
    assert await asks(f"!check {query}", **there) == (
        f"the query has {len(query):,} characters, and a room can ask 2,000 at the most;"
        " `gatewatch query` on the command line takes more"
    )
    assert there["search"].calls == []


@pytest.mark.parametrize("line", ["!check", "!check  "])
async def test_without_a_query_it_says_how(asks: Asks, line: str) -> None:
    assert await asks(line, **asked_of("a")) == 'which query? e.g. !check message:"Connection timed out"'


async def test_without_an_index(asks: Asks) -> None:
    assert await asks("!check a") == "there is no index to ask"


async def test_what_a_log_line_has_in_it_does_no_harm(said: Said) -> None:
    message = await said("!check message:boom", **asked_of("boom <b>\x1b[31m\x07\u202e@room</b>"))
    assert "<b>" not in message.html and "&lt;b&gt;" in message.html


def test_the_example_is_found_in_the_example_day_from_the_start() -> None:
    """A job's output is there at once; another log comes a minute later."""
    query = parse(EXAMPLE)
    logs = shipped("examples/gate-day").glob("*/job-output.txt")
    assert any(matches(query, {"message": message}) for log in logs for _, message in messages(str(log)))
