"""How work grows with what it is given: a bound that does not depend on the machine."""

from __future__ import annotations

import time
from collections.abc import Callable

LINEAR = 30.0  # below this; ten is expected, and a hundred of what looks at each sign once for each other


def growth(work: Callable[[int], object], length: int = 100) -> float:
    """By how much longer, in processor time, the work takes of ten times the length: the best of some runs of each."""
    short = min(_took(work, length) for _ in range(5))
    grown = float("inf")
    for _ in range(5):
        grown = min(grown, _took(work, 10 * length) / short)
        if grown < LINEAR:
            break
    return grown


def _took(work: Callable[[int], object], length: int) -> int:
    started = time.process_time_ns()
    work(length)
    return max(1, time.process_time_ns() - started)
