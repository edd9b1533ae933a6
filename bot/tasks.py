"""How the bot's tasks end."""

from __future__ import annotations

import asyncio
import logging

log = logging.getLogger(__name__)

DRAIN = 3.0  # seconds that a message which is being said has to get there when the bot is told to stop


async def drained(workers: list[asyncio.Task[None]]) -> None:
    """Let what is being said get there, but no longer than DRAIN."""
    await asyncio.wait(workers, timeout=DRAIN)
    await cancelled(workers)


async def cancelled(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel and wait for all of them; one that had ended with an error keeps no other from it."""
    for task in tasks:
        task.cancel()
    for error in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(error, Exception):
            log.error("task ended with an error", exc_info=error)


def not_cancelled(record: logging.LogRecord) -> bool:
    """A look that was cancelled at the end is no error; any other that our own guard let through is."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
