"""When a queue becomes a summary: too many messages for a room, or for the pace that the far end allows; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

PATIENCE = timedelta(minutes=2)  # what would wait longer for its turn is worth more in a summary


def too_slow(waiting: Mapping[str, int], pace: timedelta) -> bool:
    """Would so many messages, by room, take longer than PATIENCE? `pace`: from one to the next, zero for no limit."""
    return sum(waiting.values()) * pace > PATIENCE


class Shares:
    """Each room's share of what goes out in time, from when the queue of all was too long.

    A room keeps it until no more than that waits for it: what is left of the queue once others are folded may well go
    out in time, and its last rooms would have all of it.
    """

    def __init__(self) -> None:
        self._shares: dict[str, int] = {}

    def forget(self) -> None:
        """There is no pace any more."""
        self._shares.clear()

    def limits(self, waiting: Mapping[str, int], pace: timedelta, own: Callable[[str], int]) -> Callable[[str], int]:
        """Per room, how many may wait before they become one summary; 0: any number.

        The rooms' `own` limits, while all goes out in time. Else each room's share, one at least: a room with few
        messages still hears each of them, and the one that has hundreds hears a summary.
        """
        self._shares = {room: share for room, share in self._shares.items() if waiting.get(room, 0) > share}
        if too_slow(waiting, pace):
            share = max(1, PATIENCE // pace // len(waiting))
            self._shares = dict.fromkeys(waiting, share) | self._shares
        return lambda room: self._limit(room, own(room))

    def _limit(self, room: str, own: int) -> int:
        share = self._shares.get(room)
        return own if share is None else min(own or share, share)
