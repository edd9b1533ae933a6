"""What the nio client lacks for encryption: one odd key or event costs itself only, and no error passes as success.

nio's names with a leading underscore are overridden here only; setup.py pins its version for that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

from nio import (
    Api,
    AsyncClient,
    EncryptionError,
    ErrorResponse,
    LocalProtocolError,
    Response,
    RoomSendResponse,
    ShareGroupSessionResponse,
    SyncResponse,
)

from bot.chat.matrix.cryptoanswers import ClaimedKeys, DeviceKeys, Json, algorithm_of
from bot.chat.matrix.storefault import StoreFault
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

ODD = (ValueError, KeyError, TypeError, AttributeError, EncryptionError, LocalProtocolError)


class CryptoClient(AsyncClient):  # type: ignore[misc]
    """AsyncClient with its encryption mended. `olm` is None without it, and while its store cannot be opened.

    `algorithms`: the encryption of each encrypted room, by room id. `unanswered`: whose keys their server did not tell.
    """

    olm: Any
    store: Any
    config: Any

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.algorithms: dict[str, str] = {}
        self.unanswered: set[str] = set()
        self._synced = asyncio.Event()
        self._stale = False

    @property
    def encrypts(self) -> bool:
        """Is encryption switched on?"""
        return bool(self.config.encryption_enabled)

    async def json(self, method: str, path: Sequence[str], body: Mapping[str, Any] | None = None) -> Response:
        """A request of the client-server API that nio does not have."""
        return await self._send(Json, method, Api._build_path(path), None if body is None else Api.to_json(body))

    async def create_matrix_response(
        self,
        response_class: type,
        transport_response: Any,
        data: tuple[Any, ...] | None = None,
        save_to: Any = None,
    ) -> Response:
        """As nio's, which takes an error or a gateway's page of HTML for success where it looks for nothing in it."""
        answer = await super().create_matrix_response(response_class, transport_response, data, save_to)
        wants_login = isinstance(answer, Json) and "flows" in answer.content
        if transport_response.status < 400 or isinstance(answer, ErrorResponse) or wants_login:
            return answer
        answer = ErrorResponse.from_dict(await self.parse_body(transport_response))
        answer.transport_response = transport_response
        return answer

    # -- the store ------------------------------------------------------------------------------------------

    def load_store(self) -> None:
        """nio opens the store in the middle of a login; here `open_store` does, when the device is known."""

    def open_store(self, name: str) -> None:
        """Open this device's store, or begin one. Raises ValueError for a wrong key, and what SQLite raises."""
        from bot.chat.matrix.cryptomachine import Machine  # it needs the libraries of the extra e2e

        self.config = replace(self.config, store_name=name)
        self.store = self.config.store(self.user_id, self.device_id, self.store_path, self.config.pickle_key, name)
        self.olm = Machine(self.user_id, self.device_id, self.store)
        self.encrypted_rooms = self.store.load_encrypted_rooms()
        self._stale = False

    def _open_again(self) -> None:
        """After something could not be written: what is in memory only would not be understood a second time."""
        self.close_store()
        self.open_store(self.config.store_name)
        for room in self.rooms.values():
            room.members_synced = False  # so that all are asked about again before something is said to them

    @property
    def machine(self) -> Any:
        """nio's Olm. Raises TemporaryError while the store cannot be opened, and without encryption."""
        if self.olm is None:
            raise TemporaryError(f"the store of encryption in {self.store_path} is not open")
        return self.olm

    def close_store(self) -> None:
        """Forget the device's keys, for another device."""
        if self.store is not None:
            self.store.database.close()
        self.store = self.olm = None

    # -- what the server answers ----------------------------------------------------------------------------

    async def receive_response(self, response: Response) -> None:
        """Raises TemporaryError if the store cannot be written; then the same answer of a sync may come again.

        What was sent changes nothing in the store, and is out whatever became of that.
        """
        if isinstance(response, RoomSendResponse):
            await super().receive_response(response)
            return
        try:
            if self._stale:
                self._open_again()
            with self._one_write():
                await self._receive(response)
        except StoreFault as error:
            self._stale = True
            polled = isinstance(response, SyncResponse)
            if polled:
                self.next_batch = ""
            why = f"the store of encryption in {self.store_path} cannot be used: {error}"
            raise TemporaryError(why, doubt=not polled) from error

    def _one_write(self) -> AbstractContextManager[object]:
        """All that an answer changes in the store goes to the disk at once, or not at all."""
        return nullcontext() if self.store is None else self.store.database.atomic()

    async def _receive(self, response: Response) -> None:
        if isinstance(response, SyncResponse):
            self._see_encryption(response)
            try:
                await super().receive_response(response)
            finally:
                self._apply_encryption(response)
                self._synced.set()
                self._synced = asyncio.Event()
        elif isinstance(response, DeviceKeys) and self.olm is not None:
            asked_meanwhile = set(self.olm.users_for_key_query)
            await super().receive_response(response)
            self.olm.users_for_key_query |= asked_meanwhile
            self._trust(response)
        else:
            await super().receive_response(response)

    async def next_sync(self) -> None:
        """Wait until the server has told something more."""
        await self._synced.wait()

    async def wait_known(self, room_id: str, within: timedelta) -> None:
        """Wait until the state of the room is known: a sync tells it after joining. Raises TimeoutError."""
        async with asyncio.timeout(within.total_seconds()):
            while room_id not in self.rooms:
                await self.next_sync()

    def _see_encryption(self, response: SyncResponse) -> None:
        """Once encrypted, a room stays so, also where the event is redacted or not as nio wants it."""
        for room_id, info in response.rooms.join.items():
            for event in (*info.state, *info.timeline.events):
                if algorithm := algorithm_of(event.source):
                    self.algorithms[room_id] = algorithm

    def _apply_encryption(self, response: SyncResponse) -> None:
        for room_id, info in response.rooms.join.items():
            if (room := self.rooms.get(room_id)) is None:
                continue
            if room_id in self.algorithms and not room.encrypted:
                room.encrypted = True
                if self.store is not None:
                    self.encrypted_rooms.add(room_id)
                    self.store.save_encrypted_rooms({room_id})
            if info.timeline.limited:  # with lazy loading, who came and went in the gap is not told
                room.members_synced = False
                if self.olm is not None:
                    self.invalidate_outbound_session(room_id)
        if self.olm is not None:
            # nio takes none left for nothing said, and would never make new ones.
            self.olm.uploaded_key_count = response.device_key_count.signed_curve25519 or 0

    def _handle_decrypt_to_device(self, event: Any) -> Any:
        try:
            return super()._handle_decrypt_to_device(event)
        except ODD as error:
            log.warning("matrix key event is of no use from=%s error=%s", event.sender, type(error).__name__)
            return None

    def _handle_timeline_event(self, event: Any, room_id: str, room: Any, encrypted_rooms: set[str]) -> Any:
        try:
            return super()._handle_timeline_event(event, room_id, room, encrypted_rooms)
        except ODD:
            log.warning("matrix event is of no use room=%s event=%s", room_id, event.event_id, exc_info=True)
            return None

    # -- people's devices -----------------------------------------------------------------------------------

    async def keys_query(self) -> Response:
        """As nio's, but who was not answered for (a server that is away) is not asked about before each message."""
        olm, answer = self.machine, None
        asked, olm.users_for_key_query = olm.users_for_key_query, set()
        try:
            method, path, data = Api.keys_query(self.access_token, asked)
            answer = await self._send(DeviceKeys, method, path, data)
        finally:
            if isinstance(answer, DeviceKeys):
                self.unanswered = (self.unanswered | asked) - set(answer.device_keys)
            else:
                olm.users_for_key_query |= asked
        return answer

    async def keys_claim(self, user_set: Mapping[str, Sequence[str]]) -> Response:
        method, path, data = Api.keys_claim(self.access_token, user_set)
        return await self._send(ClaimedKeys, method, path, data)

    def _trust(self, answer: DeviceKeys) -> None:
        """nio's "verified" is here: signed by its owner, with the keys that we know."""
        for user, devices in answer.device_keys.items():
            for id, keys in devices.items():
                if (device := self.device_store[user].get(id)) is None:
                    continue
                same = device.ed25519 == keys["keys"][f"ed25519:{id}"]
                trusted = same and id in answer.signed[user]
                if trusted and not device.verified:
                    self.verify_device(device)
                elif not trusted and device.verified:
                    self.unverify_device(device)

    # -- the key of a room ----------------------------------------------------------------------------------

    def room_keys(self, room_id: str, everyone: bool) -> Iterator[tuple[set[tuple[str, str]], dict[str, Any]]]:
        """To-device messages that bring the room's key to who has not got it, each with its recipients.

        `everyone` False: only to devices that their owners have signed.
        """
        olm, users = self.machine, list(self.rooms[room_id].users)
        with self._one_write():
            for user in users:
                for device in self.device_store.active_user_devices(user):
                    may = everyone or device.verified
                    if may and device.blacklisted:
                        olm.unblacklist_device(device)
                    elif not may and not device.blacklisted:
                        olm.blacklist_device(device)
        messages = olm.share_group_session_parallel(room_id, users, ignore_unverified_devices=everyone)
        while True:
            with self._one_write():
                some = next(messages, None)
            if some is None:
                return
            yield some

    async def send_room_key(
        self, room_id: str, recipients: set[tuple[str, str]], messages: dict[str, Any], tx_id: str
    ) -> Response:
        method, path, data = Api.to_device(self.access_token, "m.room.encrypted", messages, tx_id)
        return await self._send(ShareGroupSessionResponse, method, path, data, response_data=(room_id, recipients))

    def room_key(self, room_id: str) -> Any:
        """The key of the room's next message, None if there is none yet."""
        return self.machine.outbound_group_sessions.get(room_id)
