"""Has plots drawn by a process, one at a time: whatever happens to it, the bot goes on, without the picture."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from asyncio.subprocess import PIPE, Process
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from bot.plots import Plot
from bot.talk import Picture

log = logging.getLogger(__name__)

SCRIPT = Path(__file__).with_name("draw.py")
WITHIN = timedelta(seconds=20)  # matplotlib's first start looks through all fonts of the machine
SIGNATURE, SIZE = b"\x89PNG\r\n\x1a\n", slice(16, 24)  # https://www.w3.org/TR/png-3/#5PNG-file-signature and #11IHDR
MOST = 1_000_000  # bytes of a picture


def can_draw() -> bool:
    """Is the extra `plots` installed?"""
    return find_spec("matplotlib") is not None


class Drawing:
    """Draws with `script`, and gives up after `within`."""

    def __init__(self, script: Path = SCRIPT, within: timedelta = WITHIN) -> None:
        self._script = script
        self._within = within
        self._one = asyncio.Lock()

    async def draw(self, plot: Plot) -> Picture | None:
        """The picture; None where it cannot be drawn, and the log says why."""
        async with self._one:
            try:
                png = await self._png(plot)
            except (OSError, TimeoutError) as error:
                log.warning("plot not drawn name=%s why=%r", plot.name, str(error) or "it took too long")
                return None
        width, height = (int.from_bytes(png[SIZE][part]) for part in (slice(4), slice(4, 8)))
        return Picture(png, width, height, plot.alt, plot.name)

    async def _png(self, plot: Plot) -> bytes:
        """Raises OSError and TimeoutError."""
        # -P: no module is taken from the folder of the script, or from where the bot was started.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", str(self._script), stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                png, errors = await process.communicate(_asked(plot))
        finally:
            await _ended(process)
        if process.returncode or not png.startswith(SIGNATURE) or len(png) > MOST:
            last = errors.decode(errors="replace").strip().splitlines()[-1:]
            raise OSError(f"it ended with {process.returncode} and {len(png)} bytes: {''.join(last)[:200]}")
        return png


def _asked(plot: Plot) -> bytes:
    seconds = plot.width.total_seconds()
    return json.dumps(
        {"title": plot.title, "start": plot.start.isoformat(), "seconds": seconds, "rows": plot.rows}
    ).encode()


async def _ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
