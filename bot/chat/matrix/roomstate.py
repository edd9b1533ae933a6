"""What the bot must know of the state of each room it is in: who made it, who may do what, and where it moved to.

Kept by ourselves: nio does not take the m.room.create of an upgraded room of version 12, and merges power levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.chat.matrix.levels import Creation, Levels, creation_of

ENCRYPTED = "the room is encrypted: set encryption: true for this network"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A room is closed: `successor` is the id of the room in its place, "" for none; `sender` says so."""

    sender: str
    successor: str


@dataclass(slots=True)
class RoomState:
    """One room's; `levels` are of the newest state that is known. `message`: as what kind of event people speak."""

    levels: Levels = field(default_factory=Levels)
    message: str = "m.room.message"
    tombstone: Tombstone | None = None

    @property
    def encrypted(self) -> bool:
        return self.message == "m.room.encrypted"


class RoomStates:
    """By room id, of the rooms that the bot is in."""

    def __init__(self) -> None:
        self._rooms: dict[str, RoomState] = {}

    def of(self, room_id: str) -> RoomState:
        """What is known; of an unknown room nobody has any power."""
        return self._rooms.get(room_id) or RoomState(Levels(Creation(), {}))

    def knows(self, room_id: str) -> bool:
        """Was its creation seen?"""
        return self.of(room_id).levels.creation != Creation()

    def forget(self, room_id: str) -> None:
        self._rooms.pop(room_id, None)

    def see(self, room_id: str, events: Iterable[Mapping[str, Any]]) -> None:
        """Take up state events, as the server gives them and oldest first; all others are passed over."""
        room = self._rooms.setdefault(room_id, RoomState())
        for event in events:
            if event.get("state_key") != "" or not isinstance(event.get("content"), dict):
                continue
            match event.get("type"):
                case "m.room.create":
                    room.levels = Levels(creation_of(event), room.levels.content)
                case "m.room.power_levels":
                    room.levels = Levels(room.levels.creation, event["content"])
                case "m.room.encryption":
                    room.message = "m.room.encrypted"
                case "m.room.tombstone":
                    room.tombstone = _tombstone(event)


def _tombstone(event: Mapping[str, Any]) -> Tombstone:
    sender, successor = event.get("sender"), event["content"].get("replacement_room")
    return Tombstone(sender if isinstance(sender, str) else "", successor if isinstance(successor, str) else "")
