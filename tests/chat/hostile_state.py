"""Answers of a sync with state, keys and invitations that nobody should send, drawn from a seed."""

from __future__ import annotations

from typing import Any

from tests.chat.hostile_events import ME, PEOPLE, Event, Hostile

STATE = (
    "m.room.create", "m.room.power_levels", "m.room.encryption", "m.room.tombstone", "m.room.member",
    "m.room.join_rules", "m.room.canonical_alias", "m.room.history_visibility",
)  # fmt: skip
TO_DEVICE = (
    "m.room.encrypted", "m.room_key", "m.forwarded_room_key", "m.room_key_request", "m.room_key.withheld",
    "m.key.verification.request", "m.key.verification.start", "m.dummy", "m.secret.send", "org.example.odd",
)  # fmt: skip
CONTENTS: dict[str, tuple[str, ...]] = {
    "m.room.create": ("room_version", "creator", "additional_creators", "predecessor", "type"),
    "m.room.power_levels": ("users", "events", "users_default", "state_default", "invite", "ban"),
    "m.room.encryption": ("algorithm", "rotation_period_ms", "rotation_period_msgs"),
    "m.room.tombstone": ("replacement_room", "body"),
    "m.room.member": ("membership", "displayname", "reason", "is_direct"),
    "m.room.encrypted": ("algorithm", "ciphertext", "sender_key", "session_id", "device_id"),
    "m.room_key": ("algorithm", "room_id", "session_id", "session_key"),
}
# What some of those values are where they are as they should be.
SOUND = {
    "algorithm": ("m.megolm.v1.aes-sha2", "m.olm.v1.curve25519-aes-sha2"),
    "membership": ("join", "leave", "invite", "ban"),
    "room_version": ("1", "9", "11", "12"),
    "replacement_room": ("!odd1:example.org", "!room:example.org", ""),
    "users": ({ME: 100}, {ME: -1}),
    "predecessor": ({"room_id": "!odd1:example.org"},),
}


class HostileAnswers(Hostile):
    """`rooms`: ids of rooms that an answer may show; what it says of them may be anything."""

    def __init__(self, seed: int, rooms: tuple[str, ...]) -> None:
        super().__init__(seed)
        self._rooms = rooms

    def answer(self) -> dict[str, Any]:
        """`rooms` and `to_device` of one answer."""
        found: dict[str, Any] = {"join": {}, "leave": {}, "invite": {}}
        for room_id in self._random.sample(self._rooms, 3):
            match self._random.randrange(4):
                case 0:
                    found["leave"][room_id] = self._room()
                case 1:
                    found["invite"][room_id] = {"invite_state": {"events": self.events(4)}}
                case _:
                    found["join"][room_id] = self._room()
        to_device = [self._filled(self._one(TO_DEVICE)) for _ in range(3)]
        return {"rooms": found, "to_device": {"events": [self._bent(event) for event in to_device]}}

    def events(self, most: int) -> list[Any]:
        """State and encrypted messages, and now and then something else."""
        return [self._odd() for _ in range(self._random.randrange(most + 1))]

    def _room(self) -> dict[str, Any]:
        limited = self._random.random() < 0.2
        timeline = {"events": self.events(5), "limited": limited, "prev_batch": "p"}
        return {"state": {"events": self.events(5)}, "timeline": timeline}

    def _odd(self) -> Any:
        self._number += 1
        kind = self._random.random()
        if kind < 0.05:
            return self._value(3)
        if kind < 0.25:
            return self._bent(self._filled("m.room.encrypted"))
        kind_of = self._one(STATE)
        key = self._one((*PEOPLE[:3], ME)) if kind_of == "m.room.member" else ""
        event = self._filled(kind_of)
        bent = self._bent(event) if self._random.random() < 0.6 else event
        return bent | {"state_key": key} | self._one(({}, {}, {"unsigned": self._value(2)}))

    def _filled(self, kind: str) -> Event:
        names = CONTENTS.get(kind, ())
        return self._made(kind, {name: self._one((*SOUND.get(name, ()), self._value(2))) for name in names})
