"""What the bot answers where a person's client asks to verify it by emoji or QR code, which it cannot do.

https://spec.matrix.org/v1.15/client-server-api/#key-verification-framework
"""

from __future__ import annotations

from typing import Any

from nio import RoomMessageUnknown

from bot.chat.matrix.client import Client

REQUEST = "m.key.verification.request"


def asked_to_verify(event: Any, me: str) -> bool:
    """Is the event such a question to the bot?"""
    return isinstance(event, RoomMessageUnknown) and event.msgtype == REQUEST and event.content.get("to") == me


def by_hand(client: Client) -> str:
    """How a person verifies the bot all the same, "" without encryption."""
    if client.olm is None:
        return ""
    device, key = client.device_id, grouped(client.olm.account.identity_keys["ed25519"])
    return (
        f"I cannot compare emoji or codes. Look at my session {device} in my profile: its key has to be {key}. "
        "My operators have it too, from 'gatewatch matrix verify': ask them in some other way whether it is this one."
    )


def grouped(key: str) -> str:
    """`AbCdEfGh...` as `AbCd EfGh ...`, as clients show it."""
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))
