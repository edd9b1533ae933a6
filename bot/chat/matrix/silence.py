"""Rooms in which the server does not let the bot speak: not tried again all the time, nor never."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta


class Silence:
    """What the server said, by room id. `lasts`: as not all of it is in the levels, it is forgotten after so long."""

    def __init__(self, lasts: timedelta, monotonic: Callable[[], float]) -> None:
        self._lasts = lasts.total_seconds()
        self._monotonic = monotonic
        self._rooms: dict[str, tuple[str, float]] = {}

    def begin(self, room_id: str, why: str) -> None:
        self._rooms[room_id] = (why, self._monotonic() + self._lasts)

    def end(self, room_id: str) -> None:
        self._rooms.pop(room_id, None)

    def why(self, room_id: str) -> str:
        """Why nothing can be said there, "" where it may be tried."""
        why, until = self._rooms.get(room_id, ("", 0.0))
        if why and self._monotonic() >= until:
            self.end(room_id)
            return ""
        return why
