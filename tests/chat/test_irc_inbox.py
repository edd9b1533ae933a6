"""A flood of lines, without a server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from bot.chat.irc.inbox import MOST_AT_ONCE, Inbox
from bot.talk import Heard, Person

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def line(number: int) -> Heard:
    return Heard(str(number), "test", "test:#gate", False, Person("ann"), f"!{number}", NOW)


async def test_a_flood_is_said_once_until_all_of_it_is_dealt_with(caplog: pytest.LogCaptureFixture) -> None:
    inbox, turns = Inbox("test"), asyncio.Semaphore(0)

    async def deal_with(heard: Heard) -> None:
        await turns.acquire()

    async def is_dealt_with(count: int) -> None:
        for _ in range(count):
            turns.release()
        for _ in range(10):
            await asyncio.sleep(0)

    for number in range(MOST_AT_ONCE):
        inbox.put(0, line(number), deal_with)
    for number in range(1000, 1050):  # one place is free, and taken, and the next line has none
        inbox.put(0, line(number), deal_with)
        inbox.put(0, line(number + 500), deal_with)
        await is_dealt_with(1)
    assert caplog.text.count("too many at once") == 1
    await is_dealt_with(2 * MOST_AT_ONCE)
    for number in range(2000, 2000 + MOST_AT_ONCE + 1):
        inbox.put(0, line(number), deal_with)
    assert caplog.text.count("too many at once") == 2
    await inbox.close()
