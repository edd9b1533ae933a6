"""One step, until it goes: less and less often, and as late as the homeserver asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.chat.matrix.answers import Refusal
from bot.chat.matrix.config import Timings
from bot.chat.matrix.pause import pause
from bot.errors import TemporaryError

T = TypeVar("T")


async def until_well(step: Callable[[], Awaitable[T]], timings: Timings, broken: Callable[[str], None]) -> T:
    """What the step gives in the end; `broken` is told of each failure, in a sentence.

    Raises TokenRefused, and whatever else passes only if somebody does something.
    """
    fails = 0
    while True:
        try:
            return await step()
        except (TemporaryError, Refusal) as error:
            fails += 1
            broken(str(error))
            asked = getattr(error, "retry_after", None) or 0.0
            await asyncio.sleep(max(asked, pause(fails, timings.pause, timings.longest_pause)))
