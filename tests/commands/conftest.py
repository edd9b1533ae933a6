"""A store on disk, filled or empty, and asking it as a person in a room would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.commands import Ask, Health, Limiter, answer
from bot.links import Links
from bot.model import Build, Hit, Line, Signature
from bot.records import Failure, Found, State, Unsearched
from bot.store import Store
from bot.talk import Heard, Message, NetworkStatus, Person

NOW = datetime(2026, 8, 17, 12, 4, tzinfo=UTC)
LINKS = Links(
    zuul="https://zuul.example/t/openstack",
    gerrit="https://review.example",
    tracker="https://bugs.example",
)
SIGNATURES = {
    one.id: one
    for one in (
        Signature("2098765", "q", "d", title="QEMU device_del already unplugging", advice="recheck"),
        Signature("2071234", "q", "d", title="Lock wait timeout exceeded", advice="look"),
        Signature("apt-lock", "q", "d", title="apt could not take its lock", bug="2000001"),
        Signature("slow-mirror", "q", "d", title="A mirror is slow", advice="wait", notify=False),
    )
}

Asks = Callable[..., Awaitable[str]]


def uuid(number: int) -> str:
    return f"{number:07x}{'0123456789abcdef' * 2}"[:32]


def failure(number: int, hours: float, *causes: str, state: State | None = None, **changes: Any) -> Failure:
    """A failed build that ended `hours` before NOW, of a change of its own."""
    ended = NOW - timedelta(hours=hours)
    reason = changes.pop("reason", "")
    of_failure = {name: changes.pop(name) for name in ("unit", "first_seen", "unsearched") if name in changes}
    build = Build(
        uuid(number),
        "tempest-full",
        "FAILURE",
        project="openstack/nova",
        pipeline="gate",
        branch="master",
        change=str(912000 + number),
        patchset="3",
        buildset=f"set{number}",
    )
    build = replace(build, **changes)
    made = Failure(
        build=build,
        unit=build.buildset,
        first_seen=ended + timedelta(minutes=5),
        waits_from=ended + timedelta(minutes=5),
        newest=ended,
        documents=100,
        count_since=ended,
        settled=True,
        asked=100,
        state=state or (State.KNOWN if causes else State.UNKNOWN),
        reason=Line(ended, reason, "job-output.txt", f"https://logs.example/{number}/job-output.txt")
        if reason
        else None,
        reason_asked=True,
        found=tuple(Found(Hit(id, build.uuid, 2, ended, ended), ended) for id in causes),
    )
    return replace(made, **of_failure)


def unsearched(count: int) -> tuple[Unsearched, ...]:
    return tuple(Unsearched(f"s{number}", "timed out", 1, NOW) for number in range(count))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'bot.db'}", now=NOW)
    yield store
    await store.close()


@pytest.fixture
def remember(store: Store) -> Callable[..., Awaitable[None]]:
    async def put(*failures: Failure) -> None:
        def work(tx: Any) -> None:
            tx.put(failures)
            tx.add_found([found for one in failures for found in one.found])
            for one in failures:
                tx.put_unsearched(one.build.uuid, one.unsearched)

        await store.write(work)

    return put


@pytest.fixture
def plain_ask(store: Store) -> Ask:
    heard = Heard("1", "oftc", "oftc:#openstack-nova", False, Person("alice"), "", NOW)
    return Ask(
        heard=heard,
        now=NOW,
        store=store,
        health=Health(started=NOW - timedelta(hours=3), looked=NOW - timedelta(seconds=40), took=1.25),
        signatures=SIGNATURES,
        pipelines=("gate",),
        links=LINKS,
        statuses=lambda: [NetworkStatus("oftc", "connected", True, NOW, rooms={"oftc:#openstack-nova": "joined"})],
    )


@pytest.fixture
def said(plain_ask: Ask) -> Callable[..., Awaitable[Message]]:
    """What is answered to a line in a channel; keywords change the Ask."""

    async def ask(line: str, **changes: Any) -> Message:
        heard = replace(changes.pop("heard", plain_ask.heard), text=line)
        message = await answer(replace(plain_ask, heard=heard, **changes), ["gatewatch"], Limiter(1, 1))
        assert message is not None
        for row in message.text.splitlines():
            assert len(row.encode()) <= 400, row
            assert row.isprintable(), row
        return message

    return ask


@pytest.fixture
def asks(said: Callable[..., Awaitable[Message]]) -> Asks:
    async def text(line: str, **changes: Any) -> str:
        return (await said(line, **changes)).text

    return text
