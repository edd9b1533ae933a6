"""A query against one sample line."""

from __future__ import annotations

import pytest

from bot.lucene.matching import matches
from bot.lucene.parse import parse

LINE = "2014-01-01 ERROR nova.compute.manager [req-1] Timed out waiting for 10.0.0.1 (screen-n-cpu.txt)"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("error", True),
        ("message:nova", False),
        ("message:nova.compute.manager", True),
        ("@message:(foo OR timed)", True),
        ("n-foo", True),
        ('"timed out waiting"', True),
        ('"timed waiting"', False),
        ('"timed waiting"~1', True),
        ('"waiting timed"~2', False),
        ('"waiting timed"~3', True),
        ('"Timed-out: waiting"', True),
        ('"foo"', False),
        ("nova.*", True),
        ("wait*", True),
        ("WAIT?NG", True),
        ("wait?", False),
        ("waitign~1", True),
        ("waitign~0", False),
        ("wwating~", True),
        ("er~", False),
        ("[waita TO waitz]", True),
        ("[waitz TO *]", False),
        ("error AND timed", True),
        ("error AND foo", False),
        ("error OR foo", True),
        ("foo bar", False),
        ("error -foo", True),
        ("error -timed", False),
        ("+error foo", True),
        ("NOT foo", True),
        ("NOT error", False),
        ("error AND NOT (foo OR timed)", False),
        ("error AND (NOT foo)", True),
        ('"***"', False),
        ('"***" AND error', True),
        ('-"***" -foo', True),
        ("message:*", True),
        ("*:*", True),
    ],
)
def test_the_message_is_analysed(query: str, found: bool) -> None:
    assert matches(parse(query), {"message": LINE}) is found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("message:error AND tags:console", True),
        ("message:foo AND tags:console", False),
        ("message:error AND NOT build_name:gate-*", True),
        ("message:error AND NOT (tags:a OR tags:b)", True),
        ("message:error AND NOT (tags:a AND message:error)", True),
        ("message:error AND NOT (tags:a OR message:error)", False),
        ("message:foo AND (tags:a OR message:error)", False),
        ("message:foo OR (message:error AND tags:a)", True),
        ("message:error AND message:/err.*/", True),
        ("message:error AND NOT message:/err.*/", True),
        ("message:error AND _exists_:tags", True),
    ],
)
def test_what_the_sample_does_not_say_counts_for_the_match(query: str, found: bool) -> None:
    assert matches(parse(query), {"message": LINE}) is found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tags:console", True),
        ('tags:"console.html"', True),
        ("tags:Console", False),
        ("tags:cons*", True),
        ("tags:html", False),
        ("NOT tags:console", False),
        ("build_name:gate-nova", False),
        ("build_name:*-python27", True),
        ("build_name:gate-nova-python26~1", True),
        ("build_name:[gate TO gatf]", True),
        ("voting:>0", True),
        ("voting:[2 TO 12]", False),
        ("voting:{1 TO 12]", False),
    ],
)
def test_what_the_sample_says_is_compared_as_it_stands(query: str, found: bool) -> None:
    sample = {"message": LINE, "tags": ["console", "console.html"], "build_name": "gate-nova-python27", "voting": "1"}
    assert matches(parse(query), sample) is found
