"""Several things that a connection does for ever, at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


async def first_of(*lives: Coroutine[object, object, None]) -> None:
    """Run all of them; when one fails, or this is cancelled, the others are cancelled and waited for."""
    tasks = [asyncio.ensure_future(life) for life in lives]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task in done:
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
