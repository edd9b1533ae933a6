"""How work grows with what it is given: a bound that does not depend on the machine."""

from __future__ import annotations

import time
from collections.abc import Callable

LINEAR = 30.0  # below this; ten is expected, and a hundred of what looks at each sign once for each other


def growth(work: Callable[[int], object], length: int = 100) -> float:
    """By how much longer, in processor time, the work takes of ten times the length. The best of five runs counts."""
    return _took(work, 10 * length) / _took(work, length)


def _took(work: Callable[[int], object], length: int) -> float:
    best = float("inf")
    for _ in range(5):
        started = time.process_time_ns()
        work(length)
        best = min(best, time.process_time_ns() - started)
    return best
