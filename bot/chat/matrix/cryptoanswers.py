"""Answers of the homeserver about keys, as nio takes them, without what could not be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nio import ErrorResponse, KeysClaimResponse, KeysQueryResponse, Response

MEGOLM = "m.megolm.v1.aes-sha2"


@dataclass
class Json(Response):  # type: ignore[misc]  # nio has no types
    """Any answer; `content` is its JSON."""

    content: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, parsed: dict[str, Any]) -> Response:
        if not isinstance(parsed, dict):
            raise TypeError("not a JSON object")
        # A request that wants a further login says so as an error that has flows.
        return ErrorResponse.from_dict(parsed) if "errcode" in parsed and "flows" not in parsed else cls(parsed)


@dataclass
class DeviceKeys(KeysQueryResponse):  # type: ignore[misc]
    """nio's answer about devices, from those that are usable; `signed`: ids that their owner has signed, by user."""

    signed: dict[str, set[str]] = field(init=False, default_factory=dict)

    @classmethod
    def from_dict(cls, parsed: dict[str, Any]) -> Response:
        from bot.chat.matrix.devicekeys import signed_by_owner, usable_devices

        if "device_keys" not in parsed:
            return super().from_dict(parsed)
        answer = super().from_dict({**parsed, "device_keys": usable_devices(parsed)})
        if isinstance(answer, cls):
            answer.signed = {user: signed_by_owner(parsed, user) for user in answer.device_keys}
        return answer


class ClaimedKeys(KeysClaimResponse):  # type: ignore[misc]
    """nio's answer with one-time keys, those that are usable."""

    @classmethod
    def from_dict(cls, parsed: dict[str, Any], room_id: str = "") -> Response:
        from bot.chat.matrix.devicekeys import usable_one_time_keys

        if "one_time_keys" not in parsed:
            return super().from_dict(parsed, room_id)
        return super().from_dict({**parsed, "one_time_keys": usable_one_time_keys(parsed)}, room_id)


def algorithm_of(source: Mapping[str, Any]) -> str:
    """The encryption that an m.room.encryption event switches on, "" for any other event.

    One without an algorithm was redacted, or is as odd; the room stays as encrypted as it was.
    """
    if source.get("type") != "m.room.encryption" or source.get("state_key") != "":
        return ""
    content = source.get("content")
    return str(content.get("algorithm", MEGOLM)) if isinstance(content, dict) else MEGOLM
