"""Does the event loop ever stand still? Time for which a loaded machine did not let it run is not counted."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

BEAT = 0.005
THREADS = Path("/proc/self/task")
PROCESSORS = Path("/proc/stat")
STOLEN = 8  # field of its first line: ticks for which the machine beneath this one ran something else (proc(5))


@dataclass
class Heartbeat:
    """How late beats of the loop were, in seconds: as the clock says, and without waiting for a processor."""

    late: list[float] = field(default_factory=list)
    held_up: list[float] = field(default_factory=list)


def waited() -> dict[str, int]:
    """Nanoseconds that each thread has been ready to run and waited for a processor, and that the processors were away.

    Of all threads: one that has the interpreter's lock and no processor keeps the loop waiting as well. Linux: time
    run, time waited, time slices (sched-stats.rst). Empty where no system tells.
    """
    if not THREADS.exists():
        return {}
    with PROCESSORS.open() as lines:
        found = {"stolen": int(lines.readline().split()[STOLEN]) * 10**9 // os.sysconf("SC_CLK_TCK")}
    for thread in os.scandir(THREADS):
        with suppress(OSError):  # it has ended
            found[thread.name] = int(Path(thread.path, "schedstat").read_text().split()[1])
    return found


def waited_since(before: dict[str, int]) -> float:
    """Seconds that all threads have waited since then."""
    return sum(waiting - before.get(thread, 0) for thread, waiting in waited().items()) / 1e9


@asynccontextmanager
async def heartbeat() -> AsyncIterator[Heartbeat]:
    """Measure while the block runs."""
    heart = Heartbeat()

    async def beat() -> None:
        while True:
            waiting, began = waited(), time.monotonic()
            await asyncio.sleep(BEAT)
            late = time.monotonic() - began - BEAT
            heart.late.append(late)
            heart.held_up.append(late - waited_since(waiting))

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
