"""Messages whose key is not here: waited for a little, then who wrote it is told, once in a while."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from nio import EncryptionError, LocalProtocolError, MegolmEvent, UnknownToDeviceEvent

from bot.chat.matrix.client import Client
from bot.chat.matrix.config import Timings
from bot.chat.matrix.seldom import Seldom

log = logging.getLogger(__name__)

Key = tuple[str, str]  # room id and sender
# https://spec.matrix.org/v1.15/client-server-api/#reporting-that-decryption-keys-are-withheld
DISTRUST = ("m.unverified", "m.blacklisted", "m.unauthorised")
MOST_WITHHELD = 1000  # sessions that are remembered
LONGEST_ID = 100  # characters; of a session it has 43
NO_KEY = (
    "I could not read that: the key of your message did not reach me. Please say it again; if that does not help, "
    "say /discardsession first, which makes a new key."
)
DISTRUSTED = (
    "I could not read that: your client does not give me the key, because it does not trust my device. "
    "My operators can see with 'gatewatch matrix verify' what is missing."
)


class Unreadable:
    """Opens encrypted events that came before their key.

    Asking for the key again is of no use: a client gives one to devices of its own account only, and the bot has one
    device. What helps is a new key, which only the sender's client can make.
    """

    def __init__(self, client: Client, timings: Timings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._wait = timings.key_wait.total_seconds()
        self._monotonic = monotonic
        self._given_up: dict[Key, float] = {}
        self._hints = Seldom(timings.hint_again, monotonic)
        self._withheld: dict[tuple[str, str], str] = {}  # by sender and session
        client.add_to_device_callback(self._note_withheld, UnknownToDeviceEvent)

    async def opened(self, room_id: str, event: Any) -> Any:
        """The event as it can be read; what stays encrypted is for nobody to read."""
        if not isinstance(event, MegolmEvent) or not self._client.encrypts:
            return event
        key = room_id, event.sender
        # Who sends many that cannot be read must not hold up the others for as long.
        patient = self._monotonic() >= self._given_up.get(key, 0.0)
        until = self._monotonic() + (self._wait if patient else 0.0)
        while (found := self._decrypted(room_id, event)) is None:
            left = until - self._monotonic()
            if left <= 0 or (event.sender, event.session_id) in self._withheld:
                self._give_up(key)
                log.warning("matrix message has no key room=%s event=%s", room_id, event.event_id)
                return event
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._client.next_sync()
        return found

    def _give_up(self, key: Key) -> None:
        now = self._monotonic()
        self._given_up = {other: until for other, until in self._given_up.items() if until > now}
        self._given_up[key] = now + self._wait

    def hint(self, room_id: str, event: Any) -> str:
        """What to tell the sender of one that cannot be read, "" where they were told lately."""
        encrypted = isinstance(event, MegolmEvent) and self._client.encrypts
        if not encrypted or not self._hints.due((room_id, event.sender)):
            return ""
        return DISTRUSTED if self._withheld.get((event.sender, event.session_id)) in DISTRUST else NO_KEY

    def _decrypted(self, room_id: str, event: MegolmEvent) -> Any:
        event.room_id = room_id
        try:
            return self._client.decrypt_event(event)
        except (EncryptionError, LocalProtocolError, ValueError):
            return None

    async def _note_withheld(self, event: UnknownToDeviceEvent) -> None:
        content = event.source.get("content")
        if event.type != "m.room_key.withheld" or not isinstance(content, dict):
            return
        session, code = content.get("session_id"), content.get("code")
        if not isinstance(session, str) or len(session) > LONGEST_ID:
            return
        while len(self._withheld) >= MOST_WITHHELD:
            del self._withheld[next(iter(self._withheld))]
        self._withheld[event.sender, session] = code if isinstance(code, str) and code in DISTRUST else ""
