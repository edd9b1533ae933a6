"""`gatewatch run`: how it starts, how it leaves, and what a second start says."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli.run import run_until_told
from tests.cli.conftest import aged, write_config
from tests.cli.process import ROOT, Bot, gatewatch

DISK = "[here] [nova] gate 900001,2 failed: unit: #disk the disk is full (x1/24h) | https://"


def no_traceback(text: str) -> bool:
    return "Traceback" not in text


def test_a_bad_config_is_a_list_and_no_start(home: Path) -> None:
    (home / "config.yaml").write_text("serch: {}\nstore: sqlite:///x.db\n", encoding="utf-8")
    done = gatewatch(home, "run")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("config.yaml: 3 problems\n  config.yaml:1:1: ") and no_traceback(done.err)
    assert not (home / "x.db").exists()


def by_signal(number: signal.Signals) -> Callable[[subprocess.Popen[bytes]], None]:
    return lambda process: process.send_signal(number)


def by_end_of_input(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.parametrize(
    "how",
    [by_signal(signal.SIGTERM), by_signal(signal.SIGINT), by_end_of_input],
    ids=["SIGTERM", "SIGINT", "end of input"],
)
def test_it_leaves_within_two_seconds_and_repeats_nothing(
    home: Path, how: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    with Bot(home) as bot:
        bot.until(lambda: len(bot.said) == 2)
        assert bot.said[0].startswith(DISK)
        code, took = bot.leave(how)
        assert code == 0, bot.log
        assert bot.log.splitlines()[-1].endswith("INFO bot.app stopped")
        assert no_traceback(bot.log)
    with Bot(home) as again:
        again.until(lambda: "started" in again.log)
        again.type("!why 900001\n")
        again.until(lambda: "900001,2 nova gate FAILURE" in again.printed)
        assert again.said == []
        assert "indexing" not in again.log, "the example is loaded once"
        code, took_again = again.leave(how)
        assert code == 0, again.log
    assert min(took, took_again) < 2.0, "twice, as a busy machine may stand still once"


@contextmanager
def held(home: Path) -> Iterator[None]:
    """The store's lock, as another bot holds it."""
    with (home / "gatewatch.db.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_a_locked_store_is_refused_when_the_wait_is_over(home: Path) -> None:
    with held(home):
        done = gatewatch(home, "run", "--wait-for-lock", "0.3")
    assert done.code == 1
    assert done.err.splitlines()[-1] == f"another gatewatch has the store {home}/gatewatch.db: stop it first"
    assert no_traceback(done.err)
    assert not (home / "gatewatch.db").exists()


def test_it_starts_when_the_other_bot_leaves(home: Path) -> None:
    with held(home):
        started = Bot(home)
        bot = started.__enter__()
        bot.until(lambda: "indexed 2 builds" in bot.log)
    try:
        bot.until(lambda: len(bot.said) == 2)
        bot.stop()
    finally:
        started.__exit__(None, None, None)


def test_ctrl_c_ends_the_wait_for_the_lock(home: Path) -> None:
    with held(home), Bot(home) as bot:
        bot.until(lambda: "indexed 2 builds" in bot.log)
        code, took = bot.leave(by_signal(signal.SIGINT))
        assert code == 130
        assert took < 2.0
        assert no_traceback(bot.log)


def test_a_broken_store_is_refused_and_left_as_it_is(home: Path) -> None:
    store = home / "gatewatch.db"
    store.write_bytes(b"this is no database" * 100)
    before = store.read_bytes()
    done = gatewatch(home, "run")
    assert done.code == 1
    last = done.err.splitlines()[-1]
    assert last.startswith(f"{store} is broken or not a store") and no_traceback(done.err)
    assert store.read_bytes() == before


def test_a_newer_store_is_refused_and_left_as_it_is(home: Path) -> None:
    assert gatewatch(home, "once").code == 0
    store = home / "gatewatch.db"
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("UPDATE gatewatch_version SET version_num = '9999'")
        connection.commit()
    before = store.read_bytes()
    done = gatewatch(home, "run")
    assert done.code == 1
    assert f"the store {store} is of version 9999, this gatewatch knows " in done.err.splitlines()[-1]
    assert no_traceback(done.err)
    assert store.read_bytes() == before


def test_the_log_is_a_file_in_utc_where_the_config_says_so(home: Path) -> None:
    with (home / "config.yaml").open("a", encoding="utf-8") as config:
        config.write("logging: {file: logs/bot.log}\n")
    with Bot(home) as bot:
        bot.until(lambda: len(bot.said) == 2)
        bot.stop()
        assert "INFO" not in bot.log
    *_, stopped = (home / "logs" / "bot.log").read_text(encoding="utf-8").splitlines()
    at, _, rest = stopped.partition("Z ")
    assert rest == "INFO bot.app stopped"
    assert abs(datetime.now(UTC) - datetime.fromisoformat(f"{at}+00:00")) < timedelta(minutes=1)


def test_a_log_that_cannot_be_written_is_said(home: Path) -> None:
    with (home / "config.yaml").open("a", encoding="utf-8") as config:
        config.write("logging: {file: config.yaml/x.log}\n")
    done = gatewatch(home, "run")
    assert done.code == 1
    assert done.err.startswith(f"the log cannot be written to {home}/config.yaml/x.log: ")


def test_the_later_part_of_the_example_day_corrects_what_was_said(home: Path) -> None:
    """The day as it ships, but the part that comes a minute later comes after 2 s."""
    shutil.rmtree(home / "day")
    shutil.copytree(ROOT / "examples" / "gate-day", home / "day")
    later = "912408-glance-functional/controller/logs/syslog.txt"
    aged(home / "day", "62m")
    with (home / "day" / "day.yaml").open("a", encoding="utf-8") as day:
        day.write(f"later:\n  {later}: 2s\n")
    with Bot(home) as bot:
        bot.until(lambda: len(bot.said) == 11)
        about = [line.partition(" | ")[0] for line in bot.said if "912408" in line]
        assert about[0].startswith("[here] [glance] gate 912408,1 failed: openstack-tox-functional-py312: unknown ")
        assert (
            about[1].startswith("[here] now: [glance] gate 912408,1 failed: ") and "#disk the disk is full" in about[1]
        )
        assert about[1] == bot.said[-1].partition(" | ")[0]
        bot.stop()
    with Bot(home) as again:
        again.until(lambda: "started" in again.log)
        again.type("!status\n")
        again.until(lambda: "messages: 0 waiting, 11 said" in again.printed)
        assert again.said == []
        again.stop()


def test_what_stays_for_good_is_not_looked_through_for_garbage() -> None:
    found: list[int] = []

    class Still:
        def __init__(self) -> None:
            self.stop = asyncio.Event()

        async def run(self) -> None:
            found.append(gc.get_freeze_count())

    try:
        asyncio.run(run_until_told(Still))
    finally:
        gc.unfreeze()
    assert found[0] > len(gc.get_objects()) / 2


def refusing(name: str) -> str:
    """A network that nobody has logged in to: refused for good, without a server."""
    return f'{name}: {{type: matrix, homeserver: "http://127.0.0.1:9", user: "@{name}:x.example"}}'


def test_a_bot_whose_networks_are_all_off_for_good_ends_and_says_why(home: Path) -> None:
    write_config(home, f"{refusing('one')}, {refusing('two')}", "one:#gate:x.example")
    done = gatewatch(home, "run")
    assert done.code == 1
    assert done.err.splitlines()[-3:] == [
        "no network is left, so the bot has stopped; mend this and start it again:",
        "  @one:x.example is not logged in: gatewatch matrix login one",
        "  @two:x.example is not logged in: gatewatch matrix login two",
    ]


def test_a_bot_with_one_network_alive_goes_on(home: Path) -> None:
    write_config(home, f"console: {{type: console}}, {refusing('one')}")
    with Bot(home) as bot:
        bot.until(lambda: "stays off" in bot.log and len(bot.said) == 2)
        bot.type("!status\n")
        bot.until(lambda: "one: refused" in bot.printed)
        bot.stop()
