"""A bot as its users run it: a process of its own with a config file, which tests watch from outside."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
STOPS_WITHIN = 6.0
SAID = re.compile(r"^\d\d:\d\d <gatewatch> \[(?P<address>[^\]]+)\] (?P<text>.*)$", re.MULTILINE)


class BotProcess:
    """One run of `gatewatch run`; what it prints and logs is in files of `folder`, over several runs.

    Its standard input is a pipe that stays open: the end of input would end a bot that has nothing but a console.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.folder = folder
        self.printed = folder / "printed"
        self.logged = folder / "logged"
        self._config = folder / "config.yaml"
        self._config.write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; what it is doing then is for the caller to wait for."""
        with self.printed.open("ab") as printed, self.logged.open("ab") as logged:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run", "-c", self._config],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=logged,
            )

    def stop(self) -> int:
        """Ask it to leave (SIGTERM); its exit code. AssertionError where it does not within STOPS_WITHIN."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the bot did not stop within {STOPS_WITHIN} s; its log:\n{self.log()}") from None
        finally:
            self._close()

    def kill(self) -> None:
        """SIGKILL; nothing if it is gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(STOPS_WITHIN)
        self._close()

    def log(self) -> str:
        return self.logged.read_text(encoding="utf-8") if self.logged.exists() else ""

    def console(self, address: str) -> list[str]:
        """What was said in a room of the console, in order."""
        printed = self.printed.read_text(encoding="utf-8")
        return [found["text"] for found in SAID.finditer(printed) if found["address"] == address]

    def troubles(self) -> list[str]:
        """The log's lines about troubles that began."""
        return [line for line in self.log().splitlines() if " ERROR " in line and "trouble part=" in line]

    async def until(self, condition: Callable[[], bool], within: float = 20.0) -> None:
        """Return when it holds; fails with the log when it never does, or the bot ends."""
        deadline = time.monotonic() + within
        while not condition():
            assert self._process is not None
            assert self._process.poll() is None, f"the bot ended ({self._process.returncode}):\n{self.log()}"
            assert time.monotonic() < deadline, f"not within {within} s; printed:\n{self._text()}\nlog:\n{self.log()}"
            await asyncio.sleep(0.05)

    def _text(self) -> str:
        return self.printed.read_text(encoding="utf-8")

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()


@asynccontextmanager
async def running(bot: BotProcess) -> AsyncIterator[BotProcess]:
    """The bot runs in the block; it is asked to leave at the end, and killed if the block failed."""
    await asyncio.to_thread(bot.start)
    try:
        yield bot
        assert await asyncio.to_thread(bot.stop) == 0, bot.log()
    finally:
        await asyncio.to_thread(bot.kill)
