"""Which failures look alike, and what a group is called."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.grouping import group, group_id, mask
from bot.model import Build, Line
from bot.reasons import most_telling
from bot.records import Failure, State
from tests.servers import corpus

AT = datetime(2026, 8, 17, 12, tzinfo=UTC)


def failure(number: int, message: str | None) -> Failure:
    at = AT + timedelta(minutes=number)
    return Failure(
        build=Build(f"{number:032x}", "tempest-full", "FAILURE"),
        unit=str(number),
        first_seen=at,
        waits_from=at,
        newest=at,
        documents=1,
        count_since=at,
        settled=True,
        state=State.UNKNOWN,
        reason=None if message is None else Line(at, message),
    )


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("Failed to detach device vdb", "Failed to detach device vdb"),
        ("Server 7d1cbb72-0d6f-4b9a-9b2e-1d7a4e1d2f33 failed.", "Server <uuid> failed."),
        ("[req-7d1cbb72-0d6f-4b9a-9b2e-1d7a4e1d2f33 x]", "[<req> x]"),
        ("at 2026-08-17T09:44:58.839 on 10.0.0.5:5000:", "at <time> on <ip>:"),
        ("mac fa:16:3e:00:11:22 port tap0a1b2c3d-4e", "mac <mac> port <port>"),
        ("volume=0x7f3a11bc9 took 31.5s of 30s", "volume=<*> took <*>s of <*>s"),
        ("/opt/stack/data/12/7d1cbb720d6f4b9a9b2e1d7a4e1d2f33/x.py", "/opt/stack/data/<*>/<uuid>/x.py"),
        ("a\x1b[31m\r\nb 12", "a [<*>m b <*>"),
    ],
)
def test_mask(line: str, masked: str) -> None:
    assert mask(line) == masked


def test_lines_that_differ_in_volatile_words_are_one_group() -> None:
    lines = [f"Failed to detach device vd{letter} from instance {number}" for number, letter in enumerate("bcd")]
    found = group([failure(n, line) for n, line in enumerate([*lines, "No valid host was found for flavor 42"])])
    assert [(one.line, len(one.failures)) for one in found] == [
        ("Failed to detach device vdb from instance <*>", 3),
        ("No valid host was found for flavor <*>", 1),
    ]
    assert found[0].id == group_id("Failed to detach device vdb from instance <*>")


def test_the_order_in_which_failures_come_changes_nothing() -> None:
    failures = [failure(n, f"Timed out waiting for port {n} of server {n} to become ACTIVE") for n in range(20)]
    shuffled = random.Random(7).sample(failures, 20)
    assert group(failures) == group(shuffled)


def test_a_short_line_does_not_swallow_longer_ones() -> None:
    found = group([failure(0, "ERROR:"), failure(1, "ERROR: no space left on device"), failure(2, "ERROR:")])
    assert sorted(len(one.failures) for one in found) == [1, 2]


def test_failures_without_a_telling_line_stay_alone() -> None:
    found = group([failure(0, None), failure(1, None)])
    assert [(one.line, len(one.failures)) for one in found] == [("", 1), ("", 1)]


def test_an_id_is_u_and_three_characters() -> None:
    assert group_id("Failed to detach device <*>") == group_id("Failed to detach device <*>")
    ids = {group_id(f"line {n}") for n in range(200)}
    assert all(len(id) == 4 and id.startswith("u") and id.isalnum() for id in ids)
    assert len(ids) > 190


def test_ten_kilobytes_of_anything_are_masked_at_once() -> None:
    started = time.monotonic()
    for line in ("a" * 10_000, "1" * 10_000, ":" * 10_000 + "1", "0:" * 5_000, "a1/" * 3_000):
        mask(line)
    assert time.monotonic() - started < 1


def test_real_failures_of_different_causes_never_share_a_group() -> None:
    """1,155 real hits in 10 files, each of like failures: 23 groups, none of them of two files."""
    labels: dict[str, str] = {}
    failures = []
    for path in sorted((corpus() / "hits").glob("*.json")):
        for number, hit in enumerate(json.loads(path.read_text())["hits"]["hits"]):
            source = hit["_source"]
            message = source["@message"] if "@message" in source else source["message"]
            text = message[0] if isinstance(message, list) else message
            lines = [Line(AT, row) for row in text.splitlines() if row.strip()]
            made = failure(number, (most_telling(lines) or lines[0]).message)
            uuid = f"{path.stem}-{number}"
            labels[uuid] = path.stem
            failures.append(replace(made, build=replace(made.build, uuid=uuid)))
    found = group(failures)
    assert all(len({labels[one.build.uuid] for one in group.failures}) == 1 for group in found)
    assert len(found) <= 30
