"""How many commands a person and a room may ask in a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

UNKNOWN = 5  # commands that there are not, of one person in a window: more is a bot, or somebody who plays


class Verdict(Enum):
    """What becomes of a command."""

    ANSWER = "answer"
    IGNORE = "ignore"  # too many of this person, who is not answered for a while: say so, once
    TELL = "tell"  # too many in this room: say so, once
    SILENT = "silent"  # too many, and it was said


@dataclass(slots=True)
class _Count:
    until: datetime
    asked: int = 0
    told: bool = False


class Limiter:
    """At most `per_user` commands of one person and `per_room` in one room, in each `window` from the first one on.

    A person who asks more, or for over five commands that there are not, is ignored for `ignore`; a room is answered
    again when its window is over.
    """

    def __init__(
        self,
        per_user: int,
        per_room: int,
        ignore: timedelta = timedelta(minutes=5),
        window: timedelta = timedelta(minutes=1),
    ) -> None:
        self.ignore = ignore
        self._per_user, self._per_room, self._window = per_user, per_room, window
        self._counts: dict[tuple[str, str], _Count] = {}
        self._ignored: dict[str, datetime] = {}

    def admit(self, user: str, room: str, now: datetime, *, known: bool = True) -> Verdict:
        """Count one command of a person in a room, if it is to be answered. `known`: there is such a command."""
        self._forget(now)
        if user in self._ignored:
            return Verdict.SILENT
        of_user, of_room = self._count("user", user, now), self._count("room", room, now)
        unknown = self._count("unknown", user, now)
        if of_user.asked >= self._per_user or (not known and unknown.asked >= UNKNOWN):
            self._ignored[user] = now + self.ignore
            return Verdict.IGNORE
        if of_room.asked >= self._per_room:
            told, of_room.told = of_room.told, True
            return Verdict.SILENT if told else Verdict.TELL
        of_user.asked += 1
        of_room.asked += 1
        unknown.asked += not known
        return Verdict.ANSWER

    def repeated(self, user: str, asked: str, now: datetime) -> bool:
        """Did the person ask just this in this window before?"""
        self._forget(now)
        count = self._count("asked", f"{user} {asked}", now)
        count.asked += 1
        return count.asked > 1

    def _count(self, kind: str, name: str, now: datetime) -> _Count:
        return self._counts.setdefault((kind, name), _Count(now + self._window))

    def _forget(self, now: datetime) -> None:
        self._counts = {key: count for key, count in self._counts.items() if count.until > now}
        self._ignored = {user: until for user, until in self._ignored.items() if until > now}
