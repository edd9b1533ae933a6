"""Back-off: how long to wait before the next try."""

from __future__ import annotations

import random
from datetime import timedelta

DOUBLINGS = 16


def pause(fails: int, first: timedelta, longest: timedelta) -> float:
    """Seconds after `fails` (1 or more) tries in a row: doubling, half of it by chance.

    The chance part keeps the bots of one homeserver from coming back all at once.
    """
    doubled: int = 2 ** min(fails - 1, DOUBLINGS)
    most = min(longest, first * doubled)
    return most.total_seconds() * random.uniform(0.5, 1)
