"""One connection after the other, without a server: sessions that end at once, or never."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bot.chat.irc.backoff import LongWait, longest
from bot.chat.irc.files import Secrets
from bot.chat.irc.link import Link
from bot.clock import utc_now
from bot.errors import TemporaryError
from tests.chat.test_irc_parts import least, settings
from tests.fakes import until

MOVE = 0.3


async def refused() -> None:
    raise TemporaryError("connection refused")


async def banned() -> None:
    raise LongWait("banned")


async def silent() -> None:
    await asyncio.Event().wait()


class Session:
    """`run` is its life."""

    ready_at = None

    def __init__(self, run: Callable[[], Awaitable[None]]) -> None:
        self.run = run


@pytest.mark.parametrize("life", [refused, silent])
async def test_one_that_is_away_for_long_is_given_up_once_however_often_it_tries(
    life: Callable[[], Awaitable[None]],
) -> None:
    gone = asyncio.Event()
    times_gone = tries = 0
    time = asyncio.get_running_loop().time

    def on_gone() -> None:
        nonlocal times_gone
        times_gone += 1
        gone.set()

    def new_session(secrets: Secrets) -> Session:
        nonlocal tries
        tries += 1
        return Session(life)

    async def turn() -> None:
        await asyncio.sleep(0)

    config = settings(timings={"reconnect": [0.01], "reconnect_floor": 0.01, "move": MOVE})
    link = Link("test", config, utc_now, least, on_gone, alone=False)
    link.needed.set()
    began = time()
    task = asyncio.create_task(link.run(Secrets(), new_session, turn))  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        await gone.wait()
    assert time() - began >= MOVE * 0.9 and tries >= (5 if life is refused else 1)
    await asyncio.sleep(MOVE * 1.5)  # long enough for a second time
    assert times_gone == 1
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_it_says_when_it_tries_again() -> None:
    async def turn() -> None:
        pass

    link = Link("test", settings(timings={"reconnect": [600]}), utc_now, longest, lambda: None, alone=True)
    link.needed.set()
    began = utc_now()
    task = asyncio.create_task(link.run(Secrets(), lambda _: Session(refused), turn))  # type: ignore[arg-type,return-value]
    await until(lambda: link.status().next_try is not None)
    next_try = link.status().next_try
    assert next_try is not None and timedelta(0) <= next_try - began - timedelta(minutes=10) < timedelta(seconds=5)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert link.status().next_try is None


@pytest.mark.parametrize(("life", "level"), [(refused, "WARNING"), (banned, "ERROR")])
async def test_what_people_have_to_mend_is_an_error_in_the_log_and_said_once(
    life: Callable[[], Awaitable[None]], level: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def turn() -> None:
        await asyncio.sleep(0)

    caplog.set_level(logging.DEBUG, "bot.chat.irc.link")
    timings = {"reconnect": [0.01], "reconnect_floor": 0.01, "long_wait": [0.01]}
    link = Link("test", settings(timings=timings), utc_now, least, lambda: None, alone=True)
    link.needed.set()
    task = asyncio.create_task(link.run(Secrets(), lambda _: Session(life), turn))  # type: ignore[arg-type,return-value]
    await until(lambda: len(caplog.records) >= 3)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert [record.levelname for record in caplog.records][:3] == [level, "DEBUG", "DEBUG"]
