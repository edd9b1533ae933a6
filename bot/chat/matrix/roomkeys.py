"""Before a message is sent: is the room encrypted, and have all its devices the key?

Nothing goes in plain text into an encrypted room, nor into one of which it is not known yet.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from bot.chat.matrix.answers import AnyRefusal, ask
from bot.chat.matrix.client import Client
from bot.chat.matrix.cryptoanswers import MEGOLM
from bot.chat.matrix.roomstate import ENCRYPTED
from bot.chat.matrix.storefault import StoreFault
from bot.errors import PermanentError, TemporaryError

TRIES = 3  # people come and go while the key is on its way


class RoomKeys:
    """`everyone`: all devices get the key, else only those that their owners have signed."""

    def __init__(self, client: Client, within: timedelta, *, everyone: bool) -> None:
        self._client = client
        self._within = within
        self._everyone = everyone

    async def prepare(self, room_id: str, room: str) -> bool:
        """True if the room is encrypted; then the next message to it can be read by all who may.

        Raises TemporaryError (without doubt: the message has not gone) and PermanentError.
        """
        try:
            await self._client.wait_known(room_id, self._within)
        except TimeoutError:
            raise TemporaryError(f"{room}: the homeserver has not shown the state of the room yet") from None
        if not self._client.rooms[room_id].encrypted:
            return False
        if not self._client.encrypts:
            raise TemporaryError(f"{room}: {ENCRYPTED}")
        if self._client.olm is None:
            raise TemporaryError(f"{room}: the store of encryption cannot be used at the moment")
        algorithm = self._client.algorithms.get(room_id, MEGOLM)
        if algorithm != MEGOLM:
            raise PermanentError(f"{room}: the room is encrypted in a way that is not known: {algorithm[:50]}")
        try:
            await self._bring_key(room_id, room)
        except (AnyRefusal, StoreFault) as error:
            raise TemporaryError(f"{room}: the key of the room cannot be shared: {error}") from error
        except TemporaryError as error:
            raise TemporaryError(
                f"{room}: the key of the room cannot be shared: {error}", retry_after=error.retry_after
            ) from error
        return True

    async def _bring_key(self, room_id: str, room: str) -> None:
        for _ in range(TRIES):
            if not self._client.rooms[room_id].members_synced:
                await ask(self._client.joined_members(room_id), "list the members", self._within)
            if self._client.should_query_keys:
                await ask(self._client.keys_query(), "look up devices", self._within)
            if not self._client.machine.should_share_group_session(room_id):
                return
            await self._share(room_id)
        raise TemporaryError(f"{room}: its members change too fast")

    async def _share(self, room_id: str) -> None:
        missing = self._client.get_missing_sessions(room_id)
        if missing:
            await ask(self._client.keys_claim(missing), "claim one-time keys", self._within)
        key: Any = None
        for recipients, messages in self._client.room_keys(room_id, self._everyone):
            key = key or self._client.room_key(room_id)
            request = self._client.send_room_key(room_id, recipients, messages, uuid4().hex)
            await ask(request, "send the key", self._within)
        # Also where some had no one-time key left, or nobody else is there; nio would share it for ever.
        key = key or self._client.room_key(room_id)
        if key is not None:
            key.shared = True
