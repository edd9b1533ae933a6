"""Does the event loop ever stand still? Time for which a loaded machine did not let it run is not counted."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

BEAT = 0.005
# Linux: nanoseconds run, nanoseconds ready to run and waiting for a processor, time slices (sched-stats.rst).
WAITED = Path("/proc/thread-self/schedstat")


@dataclass
class Heartbeat:
    """How late beats of the loop were, in seconds: as the clock says, and without waiting for a processor."""

    late: list[float] = field(default_factory=list)
    held_up: list[float] = field(default_factory=list)


def waited() -> float:
    """Seconds that this thread has waited for a processor so far; 0 where the system does not tell."""
    return int(WAITED.read_text().split()[1]) / 1e9 if WAITED.exists() else 0.0


@asynccontextmanager
async def heartbeat() -> AsyncIterator[Heartbeat]:
    """Measure while the block runs."""
    heart = Heartbeat()

    async def beat() -> None:
        while True:
            began, waiting = time.monotonic(), waited()
            await asyncio.sleep(BEAT)
            late = time.monotonic() - began - BEAT
            heart.late.append(late)
            heart.held_up.append(late - (waited() - waiting))

    # As `gatewatch run` does: all that a test run has imported would be looked through for garbage.
    gc.collect()
    gc.freeze()
    task = asyncio.create_task(beat())
    try:
        yield heart
    finally:
        gc.unfreeze()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
