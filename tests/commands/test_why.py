"""`!why`: what it takes, what it says from the store, and what it finds out on the spot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.classify import Classifier
from bot.commands.why import Target, aim
from bot.errors import UserError
from bot.lucene.parse import parse
from bot.model import FAILED_RESULTS, Answer, Build, Complete, Hit, Listed, Unknown, Where, Window
from bot.records import State
from tests import fakes
from tests.commands.conftest import NOW, Asks, failure, unsearched, uuid

Remember = Callable[..., Awaitable[None]]
WINDOW = Window(NOW - timedelta(hours=24), NOW)
UUID = "38bf2cdc947643c9bb04f11f40a0f211"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("912345", Target("912345")),
        ("912345,3", Target("912345", "3")),
        ("912345/3", Target("912345", "3")),
        ("1234567", Target("1234567", uuid="1234567")),
        ("1234567,3", Target("1234567", "3")),
        ("38bf2cd", Target(uuid="38bf2cd")),
        ("38BF2CDC9476", Target(uuid="38bf2cdc9476")),
        (f"https://zuul.opendev.org/t/openstack/build/{UUID}", Target(uuid=UUID)),
        (f"<https://zuul.opendev.org/t/openstack/build/{UUID}/console?x#y>", Target(uuid=UUID)),
        ("https://review.opendev.org/c/openstack/nova/+/912345/3", Target("912345", "3")),
        ("https://review.opendev.org/912345", Target("912345")),
        ("https://review.opendev.org/#/c/912345/", Target("912345")),
        (
            "https://storage.example/zuul_opendev_logs_38b/829161/3/gate/tempest/38bf2cd/controller/logs/syslog.txt",
            Target(uuid="38bf2cd"),
        ),
    ],
)
def test_what_is_asked_about(text: str, target: Target) -> None:
    assert aim(text, "!") == target


@pytest.mark.parametrize("text", ["", "nova", "38bf2c", "https://example.org/", "912345 and more", "g" * 32])
def test_what_is_nothing_says_what_is_taken(text: str) -> None:
    with pytest.raises(UserError, match="a change \\(912345 or 912345,3\\)"):
        aim(text, "!")


# -- from the store ---------------------------------------------------------------------------------------------


async def test_a_change_with_a_known_and_an_unknown_failure(asks: Asks, remember: Remember) -> None:
    same = {"unit": "run", "buildset": "run", "change": "912345"}
    await remember(
        failure(1, 1, "2098765", **same),
        failure(2, 1, reason="FATAL: cannot connect to ceph", job="ceph-multistore", **same),
        failure(3, 5, "2098765"),
        failure(4, 30, "2071234", change="912345", patchset="2"),
    )
    text = (
        "912345,3 nova gate FAILURE: tempest-full -> #2098765 QEMU device_del already unplugging (known, x2 in 24h);"
        ' ceph-multistore -> not known: "FATAL: cannot connect to ceph"'
    )
    link = " | advice: look at ceph-multistore first | https://logs.example/2/job-output.txt"
    assert await asks("!why 912345") == f"{text} | 1 earlier run{link}"
    assert await asks("!why 912345,3") == text + link
    assert (await asks("!why 912345,2")).startswith("912345,2 nova gate FAILURE: tempest-full -> #2071234 Lock")
    for build in (uuid(1), uuid(1)[:7], f"https://zuul.example/t/openstack/build/{uuid(1)}"):
        assert (await asks(f"!why {build}")).startswith("912345,3 nova gate FAILURE: tempest-full -> #2098765 QEMU")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"state": State.PENDING, "unsearched": unsearched(3)}, "not yet known (3 of 4 signatures did not answer)"),
        ({"state": State.PENDING}, "not yet known, its signatures are being asked"),
        ({"state": State.NOT_READY}, "logs not ready"),
        ({"state": State.UNKNOWN}, "not known, no telling line | advice: look at the log"),
        ({"unsearched": unsearched(1)}, "not known, no telling line (1 of 4 signatures did not answer)"),
        ({"state": State.NONVOTING, "voting": False}, "tempest-full (non-voting) -> not known"),
    ],
)
async def test_what_is_known_of_a_build(asks: Asks, remember: Remember, changes: dict[str, Any], text: str) -> None:
    await remember(failure(1, 1, **changes))
    assert text in await asks("!why 912001")


async def test_each_of_many_jobs_says_how_often_its_causes_were_seen(asks: Asks, remember: Remember) -> None:
    same = {"unit": "run", "change": "912345"}
    await remember(
        failure(1, 1, "2098765", job="a", **same),
        failure(2, 1, "2071234", "2098765", job="b", **same),
        failure(3, 1, "1999999", job="c", **same),
        failure(4, 2, "2098765"),
        failure(5, 30, "2071234"),
    )
    text = await asks("!why 912345")
    assert [words.count("x3 in 24h") for words in text.split("; ")] == [1, 1, 0]
    assert [words.count("x1 in 24h") for words in text.split("; ")] == [0, 1, 1]


async def test_results_that_differ_stand_at_their_jobs(asks: Asks, remember: Remember) -> None:
    same = {"unit": "run", "change": "912345"}
    await remember(
        failure(1, 1, "2098765", result="TIMED_OUT", **same),
        *[failure(n, 1, "2098765", job=f"job{n}", **same) for n in range(2, 8)],
    )
    text = await asks("!why 912345")
    assert text.startswith("912345,3 nova gate: job2 (FAILURE) -> #2098765")
    whole = await asks("!why 912345", signatures={})
    assert "; 3 more jobs" in whole


@pytest.mark.parametrize(
    ("causes", "advice"),
    [
        (("2098765",), "advice: recheck ok"),
        (("2098765", "slow-mirror"), "advice: wait before a recheck"),
        (("2071234",), "advice: look at the log"),
        (("apt-lock",), ""),
    ],
)
async def test_advice(asks: Asks, remember: Remember, causes: tuple[str, ...], advice: str) -> None:
    await remember(failure(1, 1, *causes))
    text = await asks("!why 912001")
    assert f" | {advice} | " in text if advice else "advice" not in text


async def test_counts_are_those_of_the_room(asks: Asks, remember: Remember) -> None:
    await remember(failure(1, 1, "2098765"), failure(2, 1, "2098765", job="ceph"))
    text = await asks("!why 912001", passes=lambda failure: failure.build.job == "ceph")
    assert "(known, x1 [2] in 24h)" in text


# -- on the spot ------------------------------------------------------------------------------------------------


class Index:
    """An index that answers as it is told to."""

    def __init__(self, *builds: Build, why: str = "", slow: bool = False) -> None:
        self.there = builds
        self.why = why
        self.slow = slow
        self.asked: list[Where] = []

    async def builds(self, window: Window, where: Where) -> Answer[list[Listed]]:
        self.asked.append(where)
        if self.slow:
            await asyncio.Event().wait()
        meant = [one for one in self.there if not where.change or one.change == where.change]
        found = [Listed(one.uuid, 9, NOW - timedelta(minutes=place)) for place, one in enumerate(meant)]
        return Unknown(self.why, found) if self.why else Complete(found)

    async def described(self, uuids: Sequence[str], window: Window) -> Answer[list[Build]]:
        return Complete([one for one in self.there if one.uuid in uuids])


def classifying(answers: Mapping[str, Answer[list[Hit]]]) -> Callable[[Sequence[str]], Awaitable[Any]]:
    async def classify(builds: Sequence[str]) -> Mapping[str, Answer[list[Hit]]]:
        return answers

    return classify


def found(id: str, *numbers: int) -> Answer[list[Hit]]:
    return Complete([Hit(id, uuid(number), 1, NOW, NOW) for number in numbers])


CHECK = replace(failure(1, 0).build, pipeline="check", change="912345", buildset="b")
OTHER = replace(CHECK, uuid=uuid(2), job="ceph")
EARLIER = replace(CHECK, uuid=uuid(3), buildset="a", patchset="2")


async def test_before_the_fields_are_known_no_build_is_called_not_known(asks: Asks) -> None:
    classifier = Classifier(fakes.Index(), {"2098765": parse("message:boom"), "2071234": parse("message:bang")})

    async def classify(builds: Sequence[str]) -> Mapping[str, Answer[list[Hit]]]:
        return await classifier.ask(sorted(classifier.ids), builds, WINDOW)

    text = await asks("!why 912345", search=Index(CHECK), window=WINDOW, classify=classify)
    assert "(2 of 2 signatures did not answer)" in text


async def test_pipelines_that_nobody_watches_are_asked_on_the_spot(asks: Asks, remember: Remember) -> None:
    await remember(failure(9, 1, "2098765"))
    index = Index(CHECK, OTHER, EARLIER)
    answers = classifying({"2098765": found("2098765", 1), "2071234": found("2071234")})
    text = await asks("!why 912345", search=index, window=WINDOW, classify=answers)
    assert text == (
        "912345,3 nova check FAILURE: tempest-full -> #2098765 QEMU device_del already unplugging (known, x1 in 24h);"
        " ceph -> not known | asked just now | 1 earlier run | advice: look at ceph first"
        f" | https://zuul.example/t/openstack/build/{uuid(2)}"
    )
    assert index.asked == [Where(results=tuple(sorted(FAILED_RESULTS)), change="912345")]
    assert (await asks("!why 912345,2", search=index, window=WINDOW, classify=answers)).startswith(
        "912345,2 nova check"
    )
    by_uuid = await asks(f"!why {uuid(2)[:7]}", search=index, window=WINDOW, classify=answers)
    assert by_uuid.startswith("912345,3 nova check FAILURE: ceph -> not known")


async def test_nothing_is_stored(asks: Asks, store: Any) -> None:
    await asks("!why 912345", search=Index(CHECK), window=WINDOW, classify=classifying({}))
    assert await store.read(lambda tx: tx.failures_of("912345")) == []


async def test_partial_answers_are_said_as_such(asks: Asks) -> None:
    answers = {"2098765": found("2098765", 1)} | {id: Unknown("timed out", []) for id in ("a", "b", "c")}
    text = await asks("!why 912345", search=Index(CHECK, OTHER), window=WINDOW, classify=classifying(answers))
    assert "ceph -> not known (3 of 4 signatures did not answer)" in text
    assert "advice: recheck ok" in text
    partly = {"2098765": Unknown("timed out", [Hit("2098765", uuid(1), 1, NOW, NOW)])}
    text = await asks("!why 912345", search=Index(CHECK), window=WINDOW, classify=classifying(partly))
    assert "tempest-full -> #2098765 QEMU" in text


async def test_unknown_is_never_nothing(asks: Asks) -> None:
    window = {"window": WINDOW, "classify": classifying({})}
    assert await asks("!why 912345", search=Index(), **window) == "912345: no failed build in the last 24h"
    assert await asks("!why 912345", search=Index(why="2 of 5 shards failed"), **window) == (
        "912345: not in the store, and the index gave no answer | 2 of 5 shards failed"
    )
    text = await asks("!why 912345", search=Index(CHECK, why="2 of 5 shards failed"), **window)
    assert "| asked just now | 2 of 5 shards failed | " in text
    assert text.endswith(f"| https://zuul.example/t/openstack/build/{uuid(1)}")


async def test_it_takes_no_longer_than_its_patience(asks: Asks) -> None:
    slow = {"window": WINDOW, "patience": 0.05}
    text = await asks("!why 912345", search=Index(slow=True), classify=classifying({}), **slow)
    assert text == (
        "912345: not in the store, and the index gave no answer | the search took over 0.05 s: ask again in a minute"
    )

    async def never(builds: Sequence[str]) -> Mapping[str, Answer[list[Hit]]]:
        await asyncio.Event().wait()
        return {}

    text = await asks("!why 912345", search=Index(CHECK), classify=never, **slow)
    assert "tempest-full -> not classified | asked just now | the search took over 0.05 s" in text
