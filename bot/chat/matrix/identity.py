"""Cross-signing at the homeserver: the bot's identity uploaded once, and each device of it signed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.chat.matrix.answers import Refusal, ask
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.crosssigning import Identity, new_seeds
from bot.chat.matrix.cryptofolder import SEEDS, CryptoFolder
from bot.chat.matrix.devicekeys import cross_signing_key, signed, signed_by_owner
from bot.chat.matrix.files import read_secret
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.mapping import mapping
from bot.errors import PermanentError

log = logging.getLogger(__name__)

MASTER = "master"  # kept: the public key of the identity that the bot made itself


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """What the homeserver has of the bot's account: this device's keys ({} for none), the identity's master key."""

    device: Mapping[str, Any]
    master: str
    device_is_signed: bool


async def own_keys(client: Client, within: timedelta) -> OwnKeys:
    """Raises TokenRefused, Refusal and TemporaryError."""
    user, device = client.user_id, client.device_id
    answer = await ask(client.json("POST", ["keys", "query"], {"device_keys": {user: []}}), "look up own keys", within)
    found = answer.content
    devices = mapping(mapping(found.get("device_keys")).get(user))
    _, master = cross_signing_key(found, user, "master")
    return OwnKeys(mapping(devices.get(device)), master, device in signed_by_owner(found, user))


class SignedIn:
    """The bot's cross-signing. `trouble`: why its device is not signed, one sentence, "" if it is."""

    def __init__(self, client: Client, config: MatrixConfig, kept: Kept, folder: CryptoFolder) -> None:
        self._client = client
        self._config = config
        self._kept = kept
        self._folder = folder
        self._within = config.timings.request
        self.trouble = "not looked at yet"

    async def sign(self) -> None:
        """Have the device signed by the bot's identity, which is made where there is none.

        Raises TemporaryError, PermanentError, Refusal and TokenRefused; what keeps it from being signed is `trouble`.
        """
        there = await own_keys(self._client, self._within)
        identity = await self._identity()
        if identity is None or identity.master != there.master:
            if there.master and there.master != await self._kept.get(MASTER):
                self.trouble = (
                    f"{self._config.user} has a cross-signing identity that the bot did not make, so its device "
                    f"{self._client.device_id} is not signed: 'gatewatch matrix verify' says what to do"
                )
                if there.device_is_signed:
                    self.trouble = ""
                return
            identity = identity or await self._new_identity()
            if not await self._upload(identity):
                return
        await self._kept.put(MASTER, identity.master)
        if not (there.device_is_signed and there.master == identity.master):
            await self._sign_device(identity, there)
        self.trouble = ""

    async def _identity(self) -> Identity | None:
        seeds = await asyncio.to_thread(self._folder.seeds)
        try:
            return Identity(self._config.user, seeds) if seeds else None
        except ValueError as error:
            raise PermanentError(f"{self._folder.path / SEEDS} cannot be used: {error}") from error

    async def _new_identity(self) -> Identity:
        """Its seeds are safe before anybody knows it: lost ones would make every person verify the bot again."""
        seeds = new_seeds()
        await asyncio.to_thread(self._folder.keep_seeds, seeds)
        return Identity(self._config.user, seeds)

    async def _upload(self, identity: Identity) -> bool:
        """Make it the account's identity; False where the homeserver wants a password that we cannot give."""
        body = identity.upload(self._client.device_id, self._client.olm.account.sign)
        answer = await self._device_signing(body)
        if "flows" in answer:  # https://spec.matrix.org/v1.15/client-server-api/#user-interactive-authentication-api
            if not self._config.has_password:
                self.trouble = (
                    "the homeserver wants the password of the account before the bot's device can be signed: put "
                    "password or password_file into the config file for one start (in place of a token), or stop the "
                    f"bot and type it at gatewatch matrix login {self._kept.network}"
                )
                return False
            login = {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": self._config.user},
                "password": await asyncio.to_thread(read_secret, self._config, "password"),
                "session": answer.get("session", ""),
            }
            answer = await self._device_signing({**body, "auth": login})
        if "flows" in answer:
            self.trouble = "the homeserver does not take the account's password as enough to sign the bot's device"
            return False
        log.info("matrix cross-signing identity user=%s master=%s", self._config.user, identity.master)
        return True

    async def _device_signing(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        request = self._client.json("POST", ["keys", "device_signing", "upload"], body)
        content: Mapping[str, Any] = (await ask(request, "upload cross-signing keys", self._within)).content
        return content

    async def _sign_device(self, identity: Identity, there: OwnKeys) -> None:
        """Only what carries this device's own signature is signed: the server's copy is not believed."""
        user, device = self._client.user_id, self._client.device_id
        own = self._client.olm.account.identity_keys["ed25519"]
        if not signed(there.device, user, f"ed25519:{device}", own):
            raise PermanentError(f"the homeserver shows other keys of {user}'s device {device} than the bot uploaded")
        body = {user: {device: identity.signed_device(there.device)}}
        request = self._client.json("POST", ["keys", "signatures", "upload"], body)
        answer = await ask(request, "upload the device's signature", self._within)
        if answer.content.get("failures"):
            raise Refusal("upload the device's signature", "M_INVALID_SIGNATURE", str(answer.content["failures"])[:200])
        log.info("matrix device is signed user=%s device=%s", user, device)
