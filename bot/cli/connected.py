"""The bot's networks for as long as one piece of work takes: what `once` and `say` share."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from bot.app import Bot

T = TypeVar("T")


async def connected(bot: Bot, work: Coroutine[Any, Any, T], only: int | None = None) -> T:
    """Do the work while the bot's networks and announcers run (for one delivery `only`), and close all of it.

    Raises what the work raises, or what ended the bot before.
    """
    running = asyncio.create_task(bot.run(scheduled=False, only=only))
    working = asyncio.create_task(work)
    try:
        await asyncio.wait({running, working}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            working.cancel()
            running.result()
        return await working
    finally:
        working.cancel()
        bot.stop.set()
        await asyncio.wait({running})
