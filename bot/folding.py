"""When a queue becomes a summary: too many messages for a room, or for the pace that the far end allows; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

PATIENCE = timedelta(minutes=2)  # what would wait longer for its turn is worth more in a summary


def too_slow(waiting: Mapping[str, int], pace: timedelta) -> bool:
    """Would so many messages, by room, take longer than PATIENCE? `pace`: from one to the next, zero for no limit."""
    return sum(waiting.values()) * pace > PATIENCE


def fold_limits(waiting: Mapping[str, int], pace: timedelta, own: Callable[[str], int]) -> Callable[[str], int]:
    """Per room, how many may wait before they become one summary; 0: any number.

    The rooms' `own` limits, while all goes out in time. Else each room has its share of what does, and one at least: a
    room with few messages still hears each of them, and the one that has hundreds hears a summary.
    """
    if not too_slow(waiting, pace):
        return own
    share = max(1, PATIENCE // pace // len(waiting))
    return lambda room: min(own(room) or share, share)
