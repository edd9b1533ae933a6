"""How many commands a person and a room may ask in a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum


class Verdict(Enum):
    """What becomes of a command."""

    ANSWER = "answer"
    TELL = "tell"  # too many: say so, once
    SILENT = "silent"  # too many, and it was said


@dataclass(slots=True)
class _Count:
    until: datetime
    asked: int = 0
    told: bool = False


class Limiter:
    """At most `per_user` commands of one person and `per_room` in one room, in each `window` from the first one on."""

    def __init__(self, per_user: int, per_room: int, window: timedelta = timedelta(minutes=1)) -> None:
        self._most = {"user": per_user, "room": per_room}
        self._window = window
        self._counts: dict[tuple[str, str], _Count] = {}

    def admit(self, user: str, room: str, now: datetime) -> Verdict:
        """Count one command of a person in a room, if it is to be answered."""
        self._counts = {key: count for key, count in self._counts.items() if count.until > now}
        counts = [self._count(key, now) for key in (("user", user), ("room", room))]
        over = [count for count, most in zip(counts, self._most.values(), strict=True) if count.asked >= most]
        if not over:
            for count in counts:
                count.asked += 1
            return Verdict.ANSWER
        told = any(count.told for count in over)
        for count in over:
            count.told = True
        return Verdict.SILENT if told else Verdict.TELL

    def _count(self, key: tuple[str, str], now: datetime) -> _Count:
        return self._counts.setdefault(key, _Count(now + self._window))
