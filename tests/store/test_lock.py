"""One bot per store."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from bot.errors import UserError
from bot.store import LockLost, Store, locked_elsewhere
from tests.store.making import NOW, process

HOLD = """
import sys
from bot.store import Store
from tests.store.making import NOW
store = Store.open(sys.argv[1], now=NOW)
print("held", flush=True)
sys.stdin.readline()
store.close_now()
"""


def holder(url: str) -> subprocess.Popen[str]:
    """Another process that has the lock until it is told to go."""
    other = process(HOLD, url)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


def stop(other: subprocess.Popen[str]) -> None:
    other.communicate("go\n", timeout=30)
    assert other.returncode == 0


def test_a_second_bot_is_refused_with_a_sentence(url: str) -> None:
    other = holder(url)
    assert locked_elsewhere(url)
    began = time.monotonic()
    with pytest.raises(UserError, match=r"another gatewatch.* has the store .*: stop it first") as caught:
        Store.open(url, now=NOW, wait_for_lock=0.3)
    assert time.monotonic() - began >= 0.3
    if url.startswith("sqlite"):
        assert f"(process {other.pid})" in str(caught.value)
    stop(other)
    assert not locked_elsewhere(url)
    Store.open(url, now=NOW, wait_for_lock=0).close_now()


def test_the_lock_is_waited_for(url: str) -> None:
    other = holder(url)
    assert other.stdin is not None
    other.stdin.write("go\n")
    other.stdin.flush()
    Store.open(url, now=NOW, wait_for_lock=30).close_now()
    other.communicate(timeout=30)


def test_kill_9_frees_the_lock(url: str) -> None:
    other = holder(url)
    other.kill()
    other.communicate(timeout=30)
    store = Store.open(url, now=NOW, wait_for_lock=10)
    assert locked_elsewhere(url)
    store.close_now()


def test_the_lock_files_existence_says_nothing(file: Path) -> None:
    url = f"sqlite:///{file}"
    assert not locked_elsewhere(url)
    assert not file.with_name("gatewatch.db.lock").exists()  # to ask leaves no trace
    file.with_name("gatewatch.db.lock").write_text("4711\n")
    assert not locked_elsewhere(url)
    Store.open(url, now=NOW, wait_for_lock=0).close_now()


def test_beside_a_bot_the_store_is_opened_without_the_lock(url: str) -> None:
    bot = Store.open(url, now=NOW)
    beside = Store.open(url, now=NOW, lock=False)
    beside.write_now(lambda tx: tx.put_value("word", "said"))
    assert bot.read_now(lambda tx: tx.get("word")) == "said"
    beside.close_now()
    assert locked_elsewhere(url)
    assert not bot.lost()
    bot.close_now()


def test_without_the_lock_no_store_is_made(url: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="start the bot once"):
        Store.open(url, now=NOW, lock=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.xdist_group("postgres")
async def test_a_lost_lock_is_noticed_and_nothing_more_is_written(postgres: str) -> None:
    from tests.servers.postgres import fresh

    url = fresh(postgres)
    store = Store.open(url, now=NOW)
    await store.write(lambda tx: tx.put_value("word", "before"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'gatewatch lock' AND datname = current_database()"
        )
    assert not store.lost()  # not yet noticed
    with pytest.raises(LockLost, match="is lost: another bot may have it"):
        await store.write(lambda tx: tx.put_value("word", "after"))
    assert store.lost()
    with pytest.raises(LockLost):
        await store.write(lambda tx: tx.put_value("word", "after"))
    assert await store.read(lambda tx: tx.get("word")) == "before"
    other = Store.open(url, now=NOW, wait_for_lock=5)
    other.close_now()
    await store.close()


@pytest.mark.xdist_group("postgres")
async def test_a_broken_connection_of_the_writer_is_replaced(postgres: str) -> None:
    from tests.servers.postgres import fresh

    url = fresh(postgres)
    store = Store.open(url, now=NOW)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'gatewatch' AND datname = current_database()"
        )
    await store.write(lambda tx: tx.put_value("word", "after"))
    assert await store.read(lambda tx: tx.get("word")) == "after"
    await store.close()
