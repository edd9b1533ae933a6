"""The most telling line of a failed build, chosen from lines as gates really have them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.lucene.matching import matches
from bot.lucene.parse import parse
from bot.model import Line
from bot.reasons import LINES, QUERIES, most_telling
from tests.fakes import Gate

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def line(message: str, minutes: int = 0, filename: str = "job-output.txt") -> Line:
    return Line(NOW + timedelta(minutes=minutes), message, filename)


def chosen(*lines: Line | str) -> str | None:
    found = most_telling([line(one) if isinstance(one, str) else one for one in lines])
    return None if found is None else found.message


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        ("keystoneauth1.exceptions.http.Conflict: it is there", "fatal: could not read"),
        ("oslo_db.exception.DBDeadlock: x", "ERROR neutron failed"),
        ("OSError: [Errno 28] No space left on device", "ERROR: pip failed"),
        ("fatal: unable to access the repository", "ERROR: command stopped"),
        ("Killed process 123 (qemu)", "Error while waiting"),
        ("ERROR cinder.volume broken", "tempest.api.test_x ... FAILED"),
        ("FAILED with status: 2", "all went well"),
    ],
)
def test_a_cause_is_stronger_than_what_follows_from_it(stronger: str, weaker: str) -> None:
    assert chosen(weaker, stronger) == chosen(stronger, weaker) == stronger


@pytest.mark.parametrize(
    "around",
    [
        'fatal: [controller]: FAILED! => {"msg": "non-zero return code"}',
        "Traceback (most recent call last): Error: x",
        "InvocationError for command pytest",
        "controller : ok=5 changed=2 unreachable=0 failed=0",
        "ERROR: exited with code 1",
    ],
)
def test_what_is_printed_around_every_failure_is_weaker_than_any_cause(around: str) -> None:
    assert chosen(around, "tests.test_x failed") == "tests.test_x failed"


def test_of_equals_job_output_comes_first_and_then_the_earliest() -> None:
    elsewhere = line("ValueError: a", 0, "screen-n-cpu.txt")
    later, earlier = line("ValueError: b", 9), line("ValueError: c", 5)
    assert chosen(elsewhere, later, earlier) == "ValueError: c"
    assert chosen(line("failed here", 1), elsewhere) == "ValueError: a"


def test_lines_without_a_failure_word_tell_nothing() -> None:
    assert chosen("all went well", "ok") is None
    assert chosen() is None


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    "message", ["ERROR: x", "it timed out at last", "no space left on device", "process was killed", "404 not found"]
)
def test_the_search_finds_the_documented_words(query: str, message: str) -> None:
    assert matches(parse(query), {"message": message})
    assert not matches(parse(query), {"message": "all went well"})


async def test_one_search_of_at_most_100_lines_gives_the_reason(gate: Gate) -> None:
    assert LINES == 100
    gate.fails("u1", "all well", *["step failed"] * 150, "ValueError: too late to be seen")
    await gate.tick(5)
    assert gate.index.calls.count("lines") == 1
    assert gate.irc.told == ['[nova] gate 900001,1 failed: tempest: unknown "step failed"']


async def test_a_build_without_such_a_line_says_so_and_is_not_asked_again(gate: Gate) -> None:
    gate.fails("u1", "all well")
    await gate.tick(10)
    assert gate.index.calls.count("lines") == 1
    assert gate.irc.told == ["[nova] gate 900001,1 failed: tempest: unknown, no telling line"]
