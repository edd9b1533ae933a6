"""Several things that a connection does, or waits for, at the same time."""

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


async def either(*events: asyncio.Event, within: float | None = None) -> bool:
    """Return when one of them is set, or `within` so many seconds: whether one is."""
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return any(event.is_set() for event in events)
