"""Records for the store's tests, and the ways in which they walk through the outbox."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot.model import Build, Hit, Line
from bot.records import Delivery, Failure, Found, Kind, News, Rendered, Spoke, State
from bot.store import Store, Tx
from bot.store.tables import news
from bot.talk import Message, Said

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOVA, GLANCE = "oftc:#openstack-nova", "oftc:#openstack-glance"


def failure(uuid: str, unit: str = "", job: str = "tempest-full", **values: Any) -> Failure:
    build = Build(uuid, job, "FAILURE", "openstack/nova", "gate", "master", change="912345", buildset=unit or uuid)
    made = Failure(build, unit or uuid, NOW, NOW, NOW, documents=3, count_since=NOW)
    return replace(made, **values)


def found(signature: str, build: str, count: int = 1, at: datetime = NOW, quiet: bool = False) -> Found:
    line = Line(NOW, f"ERROR {signature}", "job-output.txt", "https://logs.example.org/job-output.txt")
    return Found(Hit(signature, build, count, NOW - MINUTE, NOW, line), at, quiet)


def speaks(_tx: Tx, row: Delivery, _now: datetime) -> Rendered:
    """A render that names the row."""
    spoke = Spoke(row.about, State.KNOWN, ("1234567",))
    return Rendered(Message(f"{row.about} r{row.revision}", "<b>html</b>", "also"), (spoke,), True, Said("$before"))


def queue(
    store: Store, about: str, room: str = NOVA, revision: int = 0, due: datetime | None = NOW, kind: Kind = Kind.CHANGE
) -> Delivery:
    return store.write_now(lambda tx: tx.enqueue(kind, about, room, revision, due, NOW))


def claim(
    store: Store,
    now: datetime = NOW,
    fold_over: int = 0,
    render: Callable[[Tx, Delivery, datetime], Rendered | str] = speaks,
    network: str = "oftc",
    only: int | None = None,
) -> Delivery | None:
    return store.write_now(lambda tx: tx.claim(network, now, render, lambda _room: fold_over, only=only))


def claimed(store: Store, now: datetime = NOW, **given: Any) -> Delivery:
    row = claim(store, now, **given)
    assert row is not None
    return row


def say(store: Store, row: Delivery, now: datetime = NOW) -> None:
    store.write_now(lambda tx: tx.said(row.id, Said(f"${row.id}"), now))


def put_off(store: Store, row: Delivery, until: datetime, doubt: bool = False) -> None:
    store.write_now(lambda tx: tx.put_off(row.id, until, doubt, "connection reset"))


def look(store: Store, id: int) -> Delivery:
    row = store.read_now(lambda tx: tx.delivery(id))
    assert row is not None
    return row


def said_in_order(store: Store, now: datetime = NOW, fold_over: int = 0) -> list[str]:
    """Say all that is due; what each message was about."""
    abouts = []
    while (row := claim(store, now, fold_over)) is not None:
        say(store, row, now)
        abouts.append(row.about)
    return abouts


def run(code: str, *arguments: str) -> int:
    """The exit status of another Python that runs this code, with the project to import."""
    return subprocess.run([sys.executable, "-c", code, *arguments], timeout=60).returncode


def process(code: str, *arguments: str) -> subprocess.Popen[str]:
    """The same while it runs; its input and output are pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def news_there(store: Store) -> list[News]:
    """All of the table, in the order in which it was added."""
    rows = store.read_now(lambda tx: tx._rows(select(news).order_by(news.c.id)))
    return [News(row.at, row.unit, row.build, row.state, row.cause) for row in rows]
