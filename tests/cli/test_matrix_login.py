"""`gatewatch matrix login`: what the bot needs is kept, nothing else, and nothing where it did not go well."""

from __future__ import annotations

import fcntl
import itertools
import os
import pty
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.chat.human_matrix import Human
from tests.cli.conftest import write_config
from tests.cli.process import CHECKOUT, WITHIN, Bot, environment, gatewatch, path_of
from tests.servers.synapse import SERVER_NAME, Synapse

pytestmark = pytest.mark.xdist_group("synapse")
PASSWORD = "the bot's own pässword"
numbers = itertools.count(1)


@pytest.fixture
def user(home: Path, synapse: Synapse) -> str:
    """An account of the bot's, in a config without any secret."""
    synapse.ensure()
    user = synapse.register(f"cli{next(numbers)}", PASSWORD)
    configured(home, synapse, user)
    return user


def configured(home: Path, synapse: Synapse, user: str, more: str = "") -> None:
    account = f'lab: {{type: matrix, homeserver: "{synapse.url}", user: "{user}"{more}}}'
    write_config(home, networks=f"{account}, irc: {{type: irc, host: 127.0.0.1, nick: gw}}", room=f"lab:{room(user)}")


def room(user: str) -> str:
    return f"#room-of-{user[1:].partition(':')[0]}:{SERVER_NAME}"


def kept(home: Path) -> dict[str, str]:
    """What the store has of the account, by its last word."""
    with closing(sqlite3.connect(home / "gatewatch.db")) as store:
        rows = store.execute("SELECT key, value FROM meta WHERE key LIKE 'matrix.%'")
        return {key.rpartition(".")[2]: value for key, value in rows}


def test_a_password_is_typed_once_and_the_bot_speaks(home: Path, synapse: Synapse, user: str) -> None:
    before = gatewatch(home, "say", f"lab:{room(user)}", "hello", "--wait", "2")
    assert before.code == 1
    assert f"{user} is not logged in: gatewatch matrix login lab" in before.err
    done = gatewatch(home, "matrix", "login", "lab", typed=f"{PASSWORD}\n")
    assert (done.code, done.err) == (0, "")
    device = kept(home)["device"]
    assert done.out == f"{user} is logged in, device {device}; the bot does the rest\n"
    human = Human(synapse.url, user, PASSWORD)
    (own,) = (one for one in human.call("GET", "devices")["devices"] if one["device_id"] == device)
    assert own["display_name"] == "gatewatch"
    room_id = human.create(room(user)[1:].partition(":")[0])
    assert gatewatch(home, "say", f"lab:{room(user)}", "hello").code == 0
    assert human.bodies(room_id, user) == ["hello"]
    assert gatewatch(home, "matrix", "login", "lab", typed=f"{PASSWORD}\n").code == 0
    assert kept(home)["device"] == device


def test_a_bot_in_a_long_poll_leaves_at_once(home: Path, user: str) -> None:
    assert gatewatch(home, "matrix", "login", "lab", typed=f"{PASSWORD}\n").code == 0
    with Bot(home) as bot:
        bot.until(lambda: "matrix connected network=lab" in bot.log)
        time.sleep(0.5)  # no more than the first answer is needed for the poll behind it to be held
        code, took = bot.leave(lambda process: process.send_signal(signal.SIGTERM))
    assert code == 0, bot.log
    assert took < 2, bot.log


def test_a_token_of_another_client_is_taken_over_with_its_device(home: Path, synapse: Synapse, user: str) -> None:
    human = Human(synapse.url, user, PASSWORD)
    done = gatewatch(home, "matrix", "login", "--token", "lab", typed=f" {human._token}\n")
    assert (done.code, done.err) == (0, "")
    assert kept(home) == {"device": "PHONE", "token": human._token}
    other = synapse.register(f"cli{next(numbers)}", PASSWORD)
    configured(home, synapse, other)
    done = gatewatch(home, "matrix", "login", "--token", "lab", typed=f"{human._token}\n")
    assert (done.code, done.err) == (1, f"the token is for {user}, the config file says user: {other}\n")
    assert kept(home) == {"device": "PHONE", "token": human._token}
    human.call("POST", "logout", {})
    configured(home, synapse, user)
    done = gatewatch(home, "say", f"lab:{room(user)}", "hello", "--wait", "2")
    assert f"refuses the token of {user}: log in again: gatewatch matrix login lab" in done.err


@pytest.mark.parametrize(
    ("words", "typed", "sentence"),
    [
        (["lab"], "wrong\n", "refuses the password of @"),
        (["lab"], "", "nothing was typed, so nothing was done"),
        (["lab", "--token"], "syt_not_one\n", "refuses this token: is it whole"),
        (["labb"], "", "labb: no such network; did you mean 'lab'?"),
        (["irc"], "", "irc is of type irc: this is for Matrix accounts only"),
    ],
)
def test_what_does_not_go_well_is_one_sentence(
    home: Path, user: str, words: list[str], typed: str, sentence: str
) -> None:
    done = gatewatch(home, "matrix", "login", *words, typed=typed)
    assert (done.code, done.out) == (1, "")
    assert sentence in done.err
    assert done.err.count("\n") == 1
    if (home / "gatewatch.db").exists():
        assert "token" not in kept(home)


def test_a_token_in_the_config_file_is_not_passed_by(home: Path, synapse: Synapse, user: str) -> None:
    configured(home, synapse, user, ", token: abc")
    done = gatewatch(home, "matrix", "login", "lab", typed=f"{PASSWORD}\n")
    assert (done.code, done.err) == (
        1,
        "lab has a token in the config file, and uses that: take it out there first\n",
    )


def test_beside_a_running_bot_it_is_refused_before_anything_is_asked(home: Path, user: str) -> None:
    assert gatewatch(home, "matrix", "login", "lab", typed=f"{PASSWORD}\n").code == 0
    with (home / "gatewatch.db.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = gatewatch(home, "matrix", "login", "lab", typed=f"{PASSWORD}\n")
    assert done.code == 1
    assert "has the store" in done.err and "stop it first" in done.err


def test_at_a_terminal_the_password_is_asked_for_and_not_shown(home: Path, user: str) -> None:
    ours, theirs = pty.openpty()
    command = [*CHECKOUT, "matrix", "login", "lab"]
    process = subprocess.Popen(
        command,
        cwd=home,
        env=environment(**path_of(CHECKOUT)),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    deadline = time.monotonic() + WITHIN
    while b"Password of @" not in shown:
        assert time.monotonic() < deadline, shown
        shown += os.read(ours, 1000)
    os.write(ours, f"{PASSWORD}\n".encode())
    while chunk := read(ours):
        shown += chunk
    os.close(ours)
    assert process.wait(WITHIN) == 0, shown
    assert "is logged in" in shown.decode() and "pässword" not in shown.decode()


def read(end: int) -> bytes:
    """What comes, nothing when the other end is closed."""
    try:
        return os.read(end, 1000)
    except OSError:
        return b""
