"""nio's Olm, which takes out of a decrypted event only what its sender may say; needs the extra `e2e`."""

from __future__ import annotations

from typing import Any

from nio import MegolmEvent, ReactionEvent, RoomMessage, UnknownEvent
from nio.crypto import Olm


class Machine(Olm):  # type: ignore[misc]  # nio has no types
    """Whoever is in an encrypted room can encrypt anything: a change of power levels, somebody's joining, a redaction.

    The homeserver judges what is not encrypted alone, so state never is
    (https://spec.matrix.org/v1.15/client-server-api/#mmegolmv1aes-sha2), and nothing else that was is believed here.
    """

    def decrypt_megolm_event(self, event: MegolmEvent, room_id: str | None = None) -> Any:
        found = super().decrypt_megolm_event(event, room_id)
        if isinstance(found, RoomMessage | ReactionEvent) and "state_key" not in found.source:
            return found
        source = {**event.source, "content": {}}
        return UnknownEvent(source, str(source["type"]))
