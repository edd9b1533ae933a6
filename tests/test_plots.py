"""Plots are drawn by a process, whose misfortunes cost the picture and nothing else."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.plots import Plot
from bot.plots.drawing import Drawing, can_draw
from tests.heartbeat import heartbeat
from tests.hostile_text import FRAGMENTS

START = datetime(2026, 8, 16, 12, 4, tzinfo=UTC)
PLOT = Plot(
    "failed builds",
    START,
    timedelta(hours=1),
    (("#1001", (0, 1, 4)), ("u7k2", (2, 0, 1))),
    "failed builds: #1001 x5, u7k2 x3",
    "top.png",
)
BLUE, ORANGE = (0, 114, 178), (230, 159, 0)


def colours(png: bytes) -> dict[tuple[int, ...], int]:
    """How many pixels have which colour."""
    with Image.open(BytesIO(png)) as image:
        counted = image.convert("RGB").getcolors(maxcolors=1 << 24)
    assert counted is not None
    return {colour: count for count, colour in counted if isinstance(colour, tuple)}


async def test_bars_have_the_size_of_their_counts_and_the_loop_goes_on() -> None:
    assert can_draw()
    async with heartbeat() as beat:
        picture = await Drawing().draw(PLOT)
    assert picture is not None and max(beat.held_up) < 0.2
    assert (picture.alt, picture.name) == (PLOT.alt, "top.png")
    with Image.open(BytesIO(picture.png)) as image:
        assert (image.format, image.size) == ("PNG", (picture.width, picture.height))
    assert len(picture.png) < 60_000
    there = colours(picture.png)
    assert there[BLUE] / there[ORANGE] == pytest.approx(5 / 3, rel=0.1)


async def test_names_are_text_and_not_formulas() -> None:
    names = [text.encode("utf-8", "ignore").decode() for text in (*FRAGMENTS, "_hidden", r"$\frac{1}{$", "x" * 300)]
    for at in range(0, len(names), 6):
        rows = tuple((name, (1, 2)) for name in names[at : at + 6])
        assert await Drawing().draw(replace(PLOT, rows=rows, title=rows[0][0])) is not None


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended with -9"),
        ("raise ValueError('no fonts')", "ended with 1 and 0 bytes: ValueError: no fonts"),
        ("print('a picture')", "ended with 0 and 10 bytes"),
        ("import sys; sys.stdin.close(); print('x' * 2_000_000)", "bytes"),
    ],
)
async def test_a_process_that_fails_gives_no_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, script: str, why: str
) -> None:
    (tmp_path / "draw.py").write_text(script)
    assert await Drawing(tmp_path / "draw.py").draw(PLOT) is None
    assert "plot not drawn" in caplog.text and why in caplog.text


async def test_a_process_that_takes_too_long_is_ended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    script = tmp_path / "draw.py"
    script.write_text(f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    drawing, started = Drawing(script, timedelta(seconds=1)), time.monotonic()
    assert await drawing.draw(PLOT) is None
    assert time.monotonic() - started < 10 and "it took too long" in caplog.text
    pid = int(await asyncio.to_thread((tmp_path / "pid").read_text))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_bot_that_stops_takes_the_process_with_it(tmp_path: Path) -> None:
    script, there = tmp_path / "draw.py", tmp_path / "pid"
    script.write_text(f"import os, time; open({str(there)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    drawing = asyncio.create_task(Drawing(script).draw(PLOT))
    deadline = time.monotonic() + 10
    while not await asyncio.to_thread(there.exists) or not await asyncio.to_thread(there.read_text):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    drawing.cancel()
    await asyncio.wait([drawing])
    with pytest.raises(ProcessLookupError):
        os.kill(int(await asyncio.to_thread(there.read_text)), 0)


async def test_without_the_extra_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.plots.drawing.find_spec", lambda name: None)
    assert not can_draw()
