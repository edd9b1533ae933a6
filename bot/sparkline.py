"""How often over time, as bars in one line of text. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

BARS = "▁▂▃▄▅▆▇█"


def sparkline(times: Iterable[datetime], start: datetime, end: datetime, buckets: int = 5) -> str:
    """One bar a bucket of [start, end], the highest one full; "" where no time lies in it."""
    width = (end - start) / buckets
    heights = Counter(min(buckets - 1, int((at - start) / width)) for at in times if start <= at <= end)
    top = max(heights.values(), default=0)
    if not top:
        return ""
    return "".join(BARS[round(heights[bucket] / top * (len(BARS) - 1))] for bucket in range(buckets))
