"""Power levels, computed from the content of a room's state; pure.

https://spec.matrix.org/v1.16/client-server-api/#mroompower_levels; nio's own picture is wrong for creators of rooms of
version 12, for people who were taken out of `users`, and for those who are listed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.chat.matrix.mapping import mapping
from bot.talk import CREATOR_LEVEL

MOST = 2**53 - 1  # https://spec.matrix.org/v1.16/appendices/#canonical-json
NOBODY = CREATOR_LEVEL + 1  # what is needed where the event cannot be read
DEFAULT_NEEDED = {"invite": 0, "kick": 50, "ban": 50, "redact": 50}
FIRST_ENDLESS = 12  # the room version
WITHOUT_EVENT = 100  # of the creator where there is no power levels event

# Up to version 9 a level may be written as text: https://spec.matrix.org/v1.16/rooms/v10/#values-in-mroompower_levels-events-must-be-integers
_WRITTEN = re.compile(r"\s*[+-]?[0-9]{1,16}\s*")


@dataclass(frozen=True, slots=True)
class Creation:
    """Who made a room, and by which rules it goes. `creators`: all of them, where the room version knows several."""

    creators: frozenset[str] = frozenset()
    version: str = "1"
    predecessor: str = ""

    @property
    def endless(self) -> bool:
        """Do creators stand above every level? https://spec.matrix.org/v1.16/rooms/v12/"""
        return _number(self.version) >= FIRST_ENDLESS

    @property
    def texts(self) -> bool:
        """May levels be texts?"""
        return _number(self.version) < 10


def creation_of(event: Mapping[str, Any]) -> Creation:
    """From an m.room.create event as the server gives it, however odd."""
    content = mapping(event.get("content"))
    version = content.get("room_version", "1")
    version = version if isinstance(version, str) and len(version) <= 32 else ""
    predecessor = mapping(content.get("predecessor")).get("room_id")
    creators = [content.get("creator") if _number(version) < 11 else event.get("sender")]
    further = content.get("additional_creators")
    if _number(version) >= FIRST_ENDLESS and isinstance(further, list):
        creators += further
    return Creation(
        frozenset(one for one in creators if isinstance(one, str)),
        version,
        predecessor if isinstance(predecessor, str) else "",
    )


def _number(version: str) -> int:
    """Versions with a name are like the newest that is no surprise."""
    return int(version) if re.fullmatch("[0-9]{1,4}", version) else 11


@dataclass(frozen=True, slots=True)
class Levels:
    """Who may do what in one room. `content`: of its m.room.power_levels event, None where it has none.

    What cannot be read as a level gives nobody power: a person's is 0 then, and what needs it is out of reach.
    """

    creation: Creation = field(default_factory=Creation)
    content: Mapping[str, Any] | None = None

    def of(self, user: str) -> int:
        """The person's level; CREATOR_LEVEL for who stands above all."""
        if self.creation.endless and user in self.creation.creators:
            return CREATOR_LEVEL
        if self.content is None:
            return WITHOUT_EVENT if user in self.creation.creators else 0
        users = mapping(self.content.get("users"))
        if user in users:
            return self._level(users[user], 0)
        return self._level(self.content.get("users_default", 0), 0)

    def needed(self, kind: str, *, state: bool = False) -> int:
        """The level that sending an event of this kind needs."""
        if self.content is None:
            return 0
        events = mapping(self.content.get("events"))
        if kind in events:
            return self._level(events[kind], NOBODY)
        default = 50 if state else 0
        return self._level(self.content.get("state_default" if state else "events_default", default), NOBODY)

    def needed_to(self, act: str) -> int:
        """The level that `invite`, `kick`, `ban` or `redact` needs."""
        default = DEFAULT_NEEDED[act]
        return default if self.content is None else self._level(self.content.get(act, default), NOBODY)

    def _level(self, value: object, otherwise: int) -> int:
        if isinstance(value, bool):
            return otherwise
        if isinstance(value, str) and self.creation.texts and _WRITTEN.fullmatch(value):
            value = int(value)
        return value if isinstance(value, int) and -MOST <= value <= MOST else otherwise
