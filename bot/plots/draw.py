"""Draws one plot: JSON on standard input, a PNG on standard output. A script of its own, which imports nothing of ours.

It runs in a process of its own, since matplotlib takes its time, and memory that it does not give back.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

INCHES, DOTS = (10, 4.5), 100  # 1000 x 450 pixels: what a wide window shows as it is
# Okabe and Ito's, which people with each kind of colour blindness tell apart.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")


def drawn(plot: dict[str, Any]) -> bytes:
    """`title`, `start` (ISO 8601, UTC), `seconds` of a bar, `rows` of name and counts. Names are text, not formulas."""
    matplotlib.rcParams["text.parse_math"] = False
    figure = Figure(INCHES, DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(title=plot["title"])
    start, width = datetime.fromisoformat(plot["start"]), timedelta(seconds=plot["seconds"])
    bars: list[Any] = []
    below = [0] * max(len(counts) for _, counts in plot["rows"])
    at = [start + (number + 0.5) * width for number in range(len(below))]
    for number, (_, counts) in enumerate(plot["rows"]):
        colour = COLOURS[number % len(COLOURS)]
        bars.append(axes.bar(at, counts, width * 0.9, below, color=colour))  # type: ignore[arg-type]
        below = [one + more for one, more in zip(below, counts, strict=True)]
    # A label that begins with "_" would be left out.
    labels = [f" {name}" for name, _ in plot["rows"]]
    figure.legend(bars, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    axes.set_xlim(start, start + len(at) * width)  # type: ignore[arg-type]
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(ConciseDateFormatter(AutoDateLocator(), tz="UTC"))  # type: ignore[no-untyped-call]
    axes.spines[["top", "right"]].set_visible(False)
    picture = BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


if __name__ == "__main__":
    sys.stdout.buffer.write(drawn(json.load(sys.stdin)))
