"""Transactions, threads, and what a broken disk, a crash and hostile text do to them."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.errors import TemporaryError, UserError
from bot.model import Line
from bot.records import Kind, Rendered, Stage
from bot.store import Store, Tx, locked_elsewhere
from bot.talk import Message
from tests.store.making import HOUR, NOVA, NOW, claim, failure, found, look, process, queue, run

WAIT = 10.0


def uuids(tx: Tx) -> list[str]:
    return [one.build.uuid for one in tx.failures_since(NOW - HOUR)]


def put(uuid: str) -> Callable[[Tx], None]:
    return lambda tx: tx.put([failure(uuid)])


async def test_write_commits_and_returns_and_read_sees_it(store: Store) -> None:
    assert await store.write(lambda tx: (tx.put([failure("u1")]), uuids(tx))[1]) == ["u1"]
    assert await store.read(uuids) == ["u1"]


async def test_work_that_raises_leaves_nothing(store: Store) -> None:
    def half(tx: Tx) -> None:
        tx.put([failure("u1")])
        tx.enqueue(Kind.CHANGE, "u1", NOVA, 0, NOW, NOW)
        raise KeyError("in the middle")

    with pytest.raises(KeyError):
        await store.write(half)
    assert await store.read(lambda tx: (uuids(tx), tx.queued())) == ([], [])


async def test_a_write_commits_though_its_caller_is_cancelled(store: Store) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        tx.put([failure("u1")])
        began.set()
        assert go_on.wait(WAIT)

    caller = asyncio.create_task(store.write(slow))
    await asyncio.to_thread(began.wait, WAIT)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    assert await store.write(uuids) == ["u1"]  # behind the other, in the same thread


async def test_the_failure_of_work_that_nobody_waits_for_is_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(_tx: Tx) -> None:
        began.set()
        assert go_on.wait(WAIT)
        raise TemporaryError("the disk is full")

    caller = asyncio.create_task(store.write(slow))
    await asyncio.to_thread(began.wait, WAIT)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await store.write(uuids)
    assert "store work failed after its caller was cancelled error=the disk is full" in caplog.text


async def test_close_waits_for_the_work_that_has_begun(url: str) -> None:
    store = Store.open(url, now=NOW)
    began, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        began.set()
        assert go_on.wait(WAIT)
        tx.put([failure("u1")])

    writing = asyncio.create_task(store.write(slow))
    await asyncio.to_thread(began.wait, WAIT)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    await asyncio.gather(writing, closing)
    again = Store.open(url, now=NOW, wait_for_lock=0)
    assert again.read_now(uuids) == ["u1"]
    again.close_now()


async def test_a_read_is_a_snapshot_beside_the_writer(store: Store) -> None:
    await store.write(put("u1"))
    began, go_on = threading.Event(), threading.Event()

    def twice(tx: Tx) -> list[list[str]]:
        first = uuids(tx)
        began.set()
        assert go_on.wait(WAIT)
        return [first, uuids(tx)]

    reading = asyncio.create_task(store.read(twice))
    await asyncio.to_thread(began.wait, WAIT)
    await store.write(put("u2"))  # does not wait for the reader
    go_on.set()
    assert await reading == [["u1"], ["u1"]]
    assert await store.read(uuids) == ["u1", "u2"]


def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(TemporaryError):
        store.read_now(put("u1"))
    assert store.read_now(uuids) == []


def test_writers_of_two_processes_come_one_after_the_other(store: Store, url: str) -> None:
    """Each adds 1 a hundred times to what it has just read: no addition is lost."""
    code = (
        "import sys\n"
        "from bot.store import Store\n"
        "from tests.store.making import NOW\n"
        "store = Store.open(sys.argv[1], now=NOW, lock=False)\n"
        "print('ready', flush=True)\n"
        "for _ in range(100):\n"
        "    store.write_now(lambda tx: tx.put_value('n', str(int(tx.get('n') or 0) + 1)))\n"
        "store.close_now()\n"
    )
    with process(code, url) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        for _ in range(100):
            store.write_now(lambda tx: tx.put_value("n", str(int(tx.get("n") or 0) + 1)))
    assert other.returncode == 0
    assert store.read_now(lambda tx: tx.get("n")) == "200"


def test_a_process_that_dies_in_the_middle_of_a_write_leaves_nothing(url: str) -> None:
    """Neither rows nor tables: the schema's statements are in the transaction too."""
    code = (
        "import os, signal, sys\n"
        "from sqlalchemy import text\n"
        "from bot.store import Store\n"
        "from tests.store.making import NOW, failure\n"
        "def die(tx):\n"
        "    tx._connection.execute(text('CREATE TABLE half (n INTEGER)'))\n"
        "    tx.put([failure('u1')])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "Store.open(sys.argv[1], now=NOW).write_now(die)\n"
    )
    assert run(code, url) == -9
    store = Store.open(url, now=NOW, wait_for_lock=10)
    assert store.read_now(uuids) == []
    store.write_now(lambda tx: tx._connection.execute(text("CREATE TABLE half (n INTEGER)")))
    store.close_now()


@pytest.fixture
def full(file: Path) -> Iterator[Store]:
    """A store on a disk that has no room for another page."""
    store = Store.open(f"sqlite:///{file}", now=NOW)
    queue(store, "bs1")
    with store._engines._writer.connect() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    yield store
    store.close_now()


async def test_a_full_disk_is_temporary_and_nothing_is_half_written(full: Store) -> None:
    def much(tx: Tx) -> None:
        tx.put_value("small", "fits")
        tx.put(failure(f"u{n}", reason=Line(NOW, "x" * 3000)) for n in range(100))

    with pytest.raises(TemporaryError, match=r"the store .*gatewatch.db cannot be used now: database or disk is full"):
        await full.write(much)
    assert await full.read(lambda tx: (tx.get("small"), uuids(tx))) == (None, [])
    big = Rendered(Message("x" * 100_000))
    with pytest.raises(TemporaryError):
        claim(full, render=lambda _tx, _row, _now: big)
    assert look(full, 1).stage is Stage.QUEUED
    with full._engines._writer.connect() as connection:  # room again
        connection.execute(text("PRAGMA max_page_count = 100000"))
    await full.write(much)
    assert len(await full.read(uuids)) == 100


def test_a_store_locked_by_another_program_is_temporary(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.engine.BUSY", 0.1)
    store = Store.open(f"sqlite:///{file}", now=NOW)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TemporaryError, match="database is locked"):
        store.write_now(put("u1"))
    assert store.read_now(uuids) == []  # readers do not mind
    other.execute("ROLLBACK")
    other.close()
    store.write_now(put("u1"))
    store.close_now()


def test_sqlite_is_set_up_to_survive_a_power_cut(file: Path) -> None:
    store = Store.open(f"sqlite:///{file}", now=NOW)
    with store._engines._writer.connect() as connection:
        settings = [
            connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "busy_timeout")
        ]
    assert settings == ["wal", 2, 5000]
    store.close_now()


HOSTILE = {
    "nul": "nul \0 in it",
    "half a character": "half \ud83d of it",
    "two halves": "\ud83d\ude00",
    "long": "".join(chr(33 + (n * n * 7919) % 9000) for n in range(10_000)),
    "markup": "<b>\r\n\x07%s {} ' \" \\",
    "empty": "",
}


@pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE)
def test_text_from_logs_goes_in_whatever_it_is(store: Store, words: str) -> None:
    """As a key, too: an index of PostgreSQL takes 2.7 kB."""
    one = failure("u1", f"unit {words}", job=words, reason=Line(NOW, words, words, words))
    hit = found("1", "u1")
    store.write_now(lambda tx: tx.put([one]))
    store.write_now(lambda tx: tx.add_found([replace(hit, hit=replace(hit.hit, sample=Line(NOW, words)))]))
    store.write_now(lambda tx: tx.put_value(f"key {words}", words))
    store.write_now(lambda tx: tx.enqueue(Kind.CHANGE, f"unit {words}", NOVA, 0, NOW, NOW))
    row = claim(store, render=lambda _tx, _row, _now: Rendered(Message(words, words)))
    assert row is not None
    clean = words.replace("\ud83d\ude00", "\U0001f600")  # the halves of one character are that character
    assert row.message == Message(clean, clean)
    (there,) = store.read_now(lambda tx: tx.failures_in([f"unit {words}"]))
    assert (there.reason, there.found[0].hit.sample) == (Line(NOW, clean, clean, clean), Line(NOW, clean))
    assert store.read_now(lambda tx: tx.failures_in([there.unit])) == [there]  # as it came back, it is found
    assert store.read_now(lambda tx: tx.deliveries([there.unit])) == [row]
    assert store.read_now(lambda tx: tx.get(f"key {words}")) is not None
    assert len(store.read_now(lambda tx: tx.units_like(f"unit {words}"))) == 1


def test_a_copy_in_memory_has_all_and_changes_nothing(store: Store, url: str, tmp_path: Path) -> None:
    store.write_now(put("u1"))
    queue(store, "bs1")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.endswith("-shm")}
    copy = Store.copy_in_memory(url)
    assert copy.read_now(uuids) == ["u1"]
    assert copy.read_now(lambda tx: tx.get("created")) == NOW.isoformat()
    queue(copy, "bs2")
    copy.write_now(put("u2"))
    assert copy.write_now(uuids) == ["u1", "u2"]
    copy.close_now()
    assert store.read_now(uuids) == ["u1"]
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.endswith("-shm")}
    assert after == before


def test_a_copy_of_a_store_at_rest_leaves_no_file_beside_it(file: Path) -> None:
    store = Store.open(f"sqlite:///{file}", now=NOW)
    store.write_now(put("u1"))
    store.close_now()
    before = sorted(path.name for path in file.parent.iterdir())
    copy = Store.copy_in_memory(f"sqlite:///{file}")
    assert copy.read_now(uuids) == ["u1"]
    assert sorted(path.name for path in file.parent.iterdir()) == before
    copy.close_now()


def test_a_copy_of_a_store_that_is_not_there_is_empty(url: str, tmp_path: Path) -> None:
    copy = Store.copy_in_memory(url)
    assert copy.read_now(uuids) == []
    copy.close_now()
    assert list(tmp_path.iterdir()) == []


def test_a_store_in_memory_serves_reads_and_writes() -> None:
    store = Store.open("sqlite://", now=NOW)
    store.write_now(put("u1"))
    assert store.read_now(uuids) == ["u1"]
    store.close_now()


@pytest.mark.parametrize("url", ["mysql://user:secret@host/db", "gatewatch.db", "", "sqlite3:///x"])
def test_what_is_no_store_is_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(UserError, match="this is not a store") as caught:
        Store.open(url, now=NOW)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_a_sentence_without_the_password() -> None:
    with pytest.raises(UserError, match=r"postgresql://127.0.0.1/gw is out of reach: .*refused") as caught:
        Store.open("postgresql://user:secret@127.0.0.1:1/gw", now=NOW)
    assert "secret" not in str(caught.value)


def test_a_folder_that_is_not_there_is_made_and_one_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path}/var/deep/gatewatch.db", now=NOW).close_now()
    (tmp_path / "plain").write_text("a file")
    with pytest.raises(UserError, match="is out of reach"):
        Store.open(f"sqlite:///{tmp_path}/plain/gatewatch.db", now=NOW)


def test_only_its_owner_may_read_a_store(file: Path) -> None:
    store = Store.open(f"sqlite:///{file}", now=NOW)
    store.write_now(lambda tx: tx.put_value("token", "secret"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir() if path.suffix != ".lock"}
    assert set(modes) == {"gatewatch.db", "gatewatch.db-wal", "gatewatch.db-shm"}
    assert set(modes.values()) == {0o600}
    store.close_now()


def test_postgresql_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for opening in (lambda url: Store.open(url, now=NOW), Store.copy_in_memory, locked_elsewhere):
        with pytest.raises(UserError, match=r"pip install '.\[postgres\]'"):
            opening("postgresql://localhost/gatewatch")
