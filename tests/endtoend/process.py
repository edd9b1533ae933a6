"""The bot as a process of its own, and what its store's table says, read by plain sqlite3."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
LEAVES_WITHIN = 20.0  # five leave at once here; how fast one does on an idle machine is another test's
SAID = "said delivery="  # in the log, once a network took something
OPEN = ("queued", "sending")
ONE_LINE = 4096  # bytes, the least that a pipe can hold; it takes nothing more before that was read
# Short times; the same waits all the same.
BUILDS = {
    "pipelines": ["gate", "experimental"],
    "settle": "2s",
    "hold": "1s",
    "hold_at_most": "20s",
    "wait_for_logs": "60s",
    "say_within": "3h",
}
POLL = {"every": "1s", "totals_every": "3s"}


@dataclass(frozen=True)
class Row:
    """A delivery as it stands in the table. `text`: what was to be seen of it in its room, "" for nothing."""

    room: str
    stage: str
    reason: str
    text: str


class Bot:
    """The bot with a config file in `folder`. `piped`: its console's ends are pipes of the test."""

    def __init__(self, folder: Path, config: Mapping[str, Any], piped: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "config.yaml"
        given = {"builds": BUILDS, "poll": POLL, "store": "sqlite:///bot.db", **config}
        self._config.write_text(yaml.safe_dump(given), encoding="utf-8")
        self._log = folder / "bot.log"
        self._store = folder / "bot.db"
        self._piped = piped
        self._shown = b""
        self.process: subprocess.Popen[bytes] | None = None

    # -- the process --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        end = subprocess.PIPE if self._piped else subprocess.DEVNULL
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run", "-c", self._config], cwd=ROOT, stdin=end, stdout=end, stderr=log
            )
        if self.process.stdout is not None:
            os.set_blocking(self.process.stdout.fileno(), False)
            fcntl.fcntl(self.process.stdout, fcntl.F_SETPIPE_SZ, ONE_LINE)

    def kill(self) -> None:
        """SIGKILL: nothing of it runs any more; a second time is none."""
        assert self.process is not None
        assert self.process.poll() in (None, -signal.SIGKILL), self.log()
        self.process.kill()
        self._gone()

    async def stop(self) -> None:
        """SIGTERM, or the end of its console's input; it leaves in time, and is content."""
        assert self.process is not None
        if self.process.stdin is None:
            self.process.terminate()
        else:
            self.process.stdin.close()
        await self.until(lambda: self.process is not None and self.process.poll() is not None, LEAVES_WITHIN)
        assert self.process.returncode == 0, self.log()
        self._gone()

    def _gone(self) -> None:
        assert self.process is not None
        self.shown()
        for end in (self.process.stdin, self.process.stdout):
            if end is not None:
                end.close()
        self.process.wait(LEAVES_WITHIN)

    @contextmanager
    def running(self) -> Iterator[Bot]:
        """Started; whatever happens, it is gone at the end."""
        self.start()
        try:
            yield self
        finally:
            if self.process is not None and self.process.poll() is None:
                self.kill()

    def type(self, line: str) -> None:
        """On its console."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def shown(self) -> list[str]:
        """The whole lines that its console showed so far, over all its lives. While nobody asks, its pipe is full."""
        if self.process is not None and self.process.stdout is not None and not self.process.stdout.closed:
            while data := self.process.stdout.read():
                self._shown += data
        return self._shown.decode().split("\n")[:-1]

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    async def until(self, condition: Callable[[], bool], within: float = 30.0) -> None:
        """Return when it holds; fails with the bot's log when it never does, or with a bot that ended."""
        deadline = time.monotonic() + within
        while not condition():
            alive = self.process is not None and self.process.poll() is None
            if time.monotonic() > deadline or not (alive or condition()):
                raise AssertionError(f"not within {within} s\n{self.log()[-6000:]}\n{self._dump()}")
            await asyncio.sleep(0.05)

    # -- the store ----------------------------------------------------------------------------------------------------

    def rows(self, room: str = "") -> list[Row]:
        """The deliveries in the order of the table, of one room if it is given."""
        query = "SELECT room, stage, reason, message, replaces FROM delivery ORDER BY ended, id"
        return [_row(*one) for one in self._select(query) if room in ("", one[0])]

    def stages(self) -> Counter[str]:
        return Counter(row.stage for row in self.rows())

    def answered(self) -> int:
        """How many questions were answered, and the far end has told that it has the answer."""
        return len(self._select("SELECT id FROM heard"))

    def quiet(self, builds: int) -> bool:
        """Are so many builds judged, and all deliveries at their end?"""
        states = [state for (state,) in self._select("SELECT state FROM build")]
        due = [row for row in self.rows() if row.stage in OPEN]
        return len(states) >= builds and "pending" not in states and not due

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else writes the store inside."""
        with closing(sqlite3.connect(self._store, isolation_level=None, timeout=10)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    def _select(self, query: str) -> list[tuple[Any, ...]]:
        if not self._store.exists():
            return []
        with closing(sqlite3.connect(self._store)) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.OperationalError as fault:
                if "no such table" in str(fault):  # it is being made
                    return []
                raise

    def _dump(self) -> str:
        builds = self._select("SELECT state, settled, count(*) FROM build GROUP BY 1, 2")
        return "\n".join(map(str, [*builds, *self.rows()]))


def _row(room: str, stage: str, reason: str, message: str | None, replaces: str | None) -> Row:
    words = json.loads(message) if message else {}
    text = words.get("text", "")
    if replaces is not None and not room.startswith("matrix:"):
        text = words.get("changed", "")
    return Row(room, stage, reason, text)
