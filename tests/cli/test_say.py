"""`gatewatch say`: through the running bot, or by itself."""

from __future__ import annotations

import fcntl
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from tests.cli.conftest import write_config
from tests.cli.process import Bot, gatewatch

CLOSED = "lab: {type: irc, host: 127.0.0.1, port: 1, tls: false, nick: gw}"  # nobody listens on port 1


def ends(home: Path) -> list[tuple[str, str]]:
    """Stage and reason of what operators said."""
    with closing(sqlite3.connect(home / "gatewatch.db")) as store:
        return list(store.execute("SELECT stage, reason FROM delivery WHERE kind = 'say' ORDER BY id"))


def test_the_running_bot_says_it(home: Path) -> None:
    with Bot(home) as bot:
        bot.until(lambda: len(bot.said) == 2)
        done = gatewatch(home, "say", "console:here", "the mirror\nis back")
        assert (done.code, done.out, done.err) == (0, "said in console:here\n", "")
        assert bot.said[2:] == ["[here] the mirror is back"]
        bot.stop()


def test_without_a_bot_the_command_says_it_and_nothing_else(home: Path) -> None:
    done = gatewatch(home, "say", "console:here", "hello", typed="!help\n")
    assert (done.code, done.err) == (0, "")
    assert [line.partition("<gatewatch> ")[2] or line for line in done.lines] == [
        "[here] hello",
        "said in console:here",
    ]
    assert ends(home) == [("said", "said")]


def test_when_the_bot_leaves_the_command_says_it_after_all(home: Path) -> None:
    """The lock is held as by a bot that is about to leave, or by another `say`: neither will say this row."""
    assert gatewatch(home, "say", "console:here", "first").code == 0
    with ThreadPoolExecutor(1) as beside:
        with (home / "gatewatch.db.lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            saying = beside.submit(gatewatch, home, "say", "console:here", "second")
            deadline = time.monotonic() + 20
            while len(ends(home)) < 2:
                assert time.monotonic() < deadline, "it was not put into the outbox"
                time.sleep(0.05)
        done = saying.result()
    assert (done.code, done.err) == (0, "")
    assert done.lines[0].endswith("[here] second")
    assert ends(home) == [("said", "said"), ("said", "said")]


def test_a_running_bot_that_cannot_say_it_in_time(home: Path) -> None:
    write_config(home, networks=f"console: {{type: console}}, {CLOSED}", room='console:here", "lab:#x')
    with Bot(home) as bot:
        bot.until(lambda: len(bot.said) == 2)
        strange = gatewatch(home, "say", "lab:#y", "hello")
        told = "lab:#y: the bot is not in that channel; did you mean 'lab:#x'?; a feed or `operators` has to name it\n"
        assert (strange.code, strange.err, ends(home)) == (1, told, [])
        done = gatewatch(home, "say", "lab:#x", "hello", "--wait", "0.5")
        assert done.code == 1
        assert done.err == "not said in lab:#x within 0.5 s; the bot tries for 10 minutes in all\n"
        assert ends(home) == [("queued", "")]
        bot.stop()


def test_without_a_bot_what_cannot_be_said_in_time_is_given_up(home: Path) -> None:
    write_config(home, networks=CLOSED, room="lab:#x")
    done = gatewatch(home, "say", "lab:#x", "hello", "--wait", "0.5")
    assert done.code == 1
    assert "not said in lab:#x: expired: " in done.err and "Traceback" not in done.err
    ((stage, reason),) = ends(home)
    assert stage == "expired" and reason


def test_an_unknown_network_and_no_text_are_refused(home: Path) -> None:
    unknown = gatewatch(home, "say", "consol:here", "hello")
    told = "consol:here: no such network; did you mean 'console'? (a room is written NETWORK:ADDRESS)\n"
    assert (unknown.code, unknown.err) == (1, told)
    empty = gatewatch(home, "say", "console:here", " \n\x07 ")
    assert (empty.code, empty.err) == (1, "there is nothing to say: the text is empty\n")
    assert not (home / "gatewatch.db").exists()
