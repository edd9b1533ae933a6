"""The whole bot, real adapters and all, inside a test's process, where its clock and its store's disk can be had."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app import Bot
from bot.config import load
from bot.store import Store

SAID = re.compile(r"^\d\d:\d\d <gatewatch> \[(?P<address>[^\]]+)\] (?P<text>.*)$", re.MULTILINE)


@dataclass
class Running:
    """A bot at work. What its console prints is in a file, over several runs."""

    bot: Bot
    store: Store
    printed: Path

    def console(self, address: str) -> list[str]:
        """What was said in a room of the console, in order."""
        return said_in(self.printed.read_text(encoding="utf-8"), address)

    async def until(self, condition: Callable[[], object], within: float = 20.0) -> None:
        """Return when it holds; fails with what the console has and what troubles the bot when it never does."""
        deadline = time.monotonic() + within
        while not condition():
            troubles = [f"{one.part}: {one.sentence}" for one in self.bot.troubles.open]
            printed = self.printed.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, f"not within {within} s; console:\n{printed}\ntroubles: {troubles}"
            await asyncio.sleep(0.05)


def said_in(printed: str, address: str) -> list[str]:
    """What was said in a room of the console that printed this."""
    return [found["text"] for found in SAID.finditer(printed) if found["address"] == address]


@contextmanager
def console(printed: Path) -> Iterator[None]:
    """A console that is opened inside prints to the end of a file, and its input stays open."""
    reading, writing = os.pipe()
    with open(reading) as stdin, open(writing, "w"), printed.open("a") as stdout, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", stdin)
        patch.setattr("sys.stdout", stdout)
        yield


@asynccontextmanager
async def running(
    folder: Path,
    settings: Mapping[str, Any],
    *,
    at: datetime | None = None,
    patience: timedelta = timedelta(seconds=1),
) -> AsyncIterator[Running]:
    """A bot with this config file in `folder`; it ends with the block. Its clock says `at` when it starts."""
    ahead = timedelta(0) if at is None else at - datetime.now(UTC)

    def clock() -> datetime:
        return datetime.now(UTC) + ahead

    path, printed = folder / "config.yaml", folder / "printed"
    path.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
    config = load(path)
    with console(printed):
        store = Store.open(config.store.address(), now=clock())
        bot = Bot(config, store, clock=clock, patience=patience)
        task = asyncio.create_task(bot.run())
        try:
            yield Running(bot, store, printed)
        finally:
            bot.stop.set()
            await task
