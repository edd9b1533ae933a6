"""The bot's own keys: opened after the login, kept up after each answer, signed so that people's clients trust them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from bot.chat.matrix.answers import Refusal, ask
from bot.chat.matrix.byhand import grouped
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.cryptofolder import PICKLE_KEY, CryptoFolder
from bot.chat.matrix.identity import SignedIn, own_keys
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.mapping import mapping
from bot.chat.matrix.session import DeviceLost
from bot.chat.matrix.storefault import StoreFault
from bot.errors import PermanentError, TemporaryError

log = logging.getLogger(__name__)

ASK_AGAIN = 300.0  # seconds until people are asked about again whose homeserver did not answer
# What Synapse says of a one-time key whose name another one has; M_UNKNOWN alone may mean anything.
ALREADY_THERE = "already exists"


class Encryption:
    """The keys of one device, for the life of one client."""

    def __init__(
        self,
        client: Client,
        config: MatrixConfig,
        kept: Kept,
        folder: CryptoFolder,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._within = config.timings.request
        self._folder = folder
        self._signing = SignedIn(client, config, kept, folder)
        self._monotonic = monotonic
        self._asked_again = monotonic()

    @property
    def trouble(self) -> str:
        """Why people's clients may not trust the device, one sentence, "" if they may."""
        return self._signing.trouble

    @property
    def state(self) -> str:
        """The same in words, whether or not."""
        return f"not signed: {self.trouble}" if self.trouble else "signed by the bot's identity"

    @property
    def fingerprint(self) -> str:
        """What people compare: the device's key in groups of four, "" before it is known."""
        return "" if self._client.olm is None else grouped(self._client.olm.account.identity_keys["ed25519"])

    async def open(self) -> None:
        """Open the device's store, upload its keys and sign them; the client is logged in.

        Raises DeviceLost, TokenRefused, TemporaryError, and PermanentError for what only an operator can mend.
        """
        if self._client.olm is None:
            self._open_store()
        theirs = await own_keys(self._client, self._within)
        here = self._client.olm.account
        there = mapping(theirs.device.get("keys")).get(f"ed25519:{self._client.device_id}")
        if there is None:
            here.shared = False  # the device was taken from the account, and is new there
        elif there != here.identity_keys["ed25519"]:
            raise DeviceLost(
                f"the keys of device {self._client.device_id} are not in {self._folder.path}, or are others"
            )
        try:
            await self._upload()
            await self._signing.sign()
        except Refusal as error:
            raise TemporaryError(f"encryption is not ready: {error}") from error

    def _open_store(self) -> None:
        name = self._folder.ready_store(self._client.device_id)
        try:
            self._client.open_store(name)
        except ValueError as error:
            raise PermanentError(
                f"{self._folder.path / PICKLE_KEY} is not the key of {name}: put both back from one backup, or move "
                "the folder away, and the bot becomes a new device"
            ) from error
        except StoreFault as error:
            raise PermanentError(f"{self._folder.path / name} cannot be used: {error}") from error

    async def keep_up(self, answer: Any) -> None:
        """What an answer of the sync made necessary: new one-time keys, people's devices, broken sessions.

        What fails is tried after the next answer. Raises DeviceLost and TokenRefused.
        """
        try:
            await self._upload()
            await self._ask_about_devices()
            await self._mend_sessions()
        except (Refusal, TemporaryError) as error:
            log.warning("matrix keys are not up to date error=%s", error)

    async def _upload(self) -> None:
        if not self._client.should_upload_keys:
            return
        try:
            await ask(self._client.keys_upload(), "upload keys", self._within)
        except Refusal as error:
            if ALREADY_THERE in error.reason:
                raise DeviceLost(f"the keys in {self._folder.path} are older than those on the homeserver") from error
            raise

    async def _ask_about_devices(self) -> None:
        if self._client.unanswered and self._monotonic() - self._asked_again > ASK_AGAIN:
            self._asked_again = self._monotonic()
            self._client.machine.users_for_key_query |= self._client.unanswered
        if self._client.should_query_keys:
            await ask(self._client.keys_query(), "look up devices", self._within)

    async def _mend_sessions(self) -> None:
        """A device whose messages cannot be read gets a new session, and is told so."""
        if self._client.should_claim_keys:
            wanted = self._client.machine.get_users_for_key_claiming()
            await ask(self._client.keys_claim(wanted), "claim one-time keys", self._within)
            # One that has none left is not asked with each answer: the next message that cannot be read brings it back.
            self._client.machine.wedged_devices.clear()
            self._client.olm.key_request_devices_no_session.clear()
        for message in list(self._client.outgoing_to_device_messages):
            try:
                await ask(self._client.to_device(message), "send a key event", self._within)
            except Refusal as error:  # others wait behind it
                log.warning("matrix key event is refused to=%s error=%s", message.recipient, error)
                self._client.outgoing_to_device_messages.remove(message)
