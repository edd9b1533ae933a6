"""Pictures of counts: what is to be drawn, and having it drawn in a process of its own (the extra `plots`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Plot:
    """Counts over time, as stacked bars of `width` from `start` on. `rows`: what is counted, with a number per bar.

    `alt` says in a sentence what the picture shows; `name` is its file's.
    """

    title: str
    start: datetime
    width: timedelta
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    alt: str
    name: str
