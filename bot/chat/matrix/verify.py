"""What the homeserver and the folder of keys say of the bot's device; looks only, beside a running bot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from nio.crypto import OlmAccount

from bot.chat.keep import Keep
from bot.chat.matrix.answers import ask
from bot.chat.matrix.beside import beside
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.cryptofolder import PICKLE_KEY, CryptoFolder
from bot.chat.matrix.identity import own_keys
from bot.errors import PermanentError


@dataclass(frozen=True, slots=True)
class Seen:
    """The device's key `here` in the folder and `there` at the homeserver; `master`: the account's identity.

    Keys are base64, "" for none. `signed`: has the identity signed the device?
    """

    device: str
    here: str
    there: str
    master: str
    signed: bool


async def look(network: str, config: MatrixConfig, keep: Keep, folder: CryptoFolder) -> Seen:
    """Raises TemporaryError, and PermanentError where nobody is logged in or the folder cannot be read."""
    async with beside(network, config, keep) as client:
        return await _look(client, config, folder)


async def _look(client: Client, config: MatrixConfig, folder: CryptoFolder) -> Seen:
    within = config.timings.request
    who = await ask(client.whoami(), "check the token", within)
    client.device_id = who.device_id or ""
    theirs = await own_keys(client, within)
    there = theirs.device.get("keys", {}).get(f"ed25519:{client.device_id}", "")
    here = await asyncio.to_thread(_key_here, folder, client.device_id)
    return Seen(client.device_id, here, there, theirs.master, theirs.device_is_signed)


def _key_here(folder: CryptoFolder, device: str) -> str:
    found = folder.look(device)
    if found is None:
        return ""
    account, key = found
    try:
        return str(OlmAccount.from_pickle(account, key).identity_keys["ed25519"])
    except ValueError as error:
        raise PermanentError(f"{folder.path / PICKLE_KEY} is not the key of {folder.store_name(device)}") from error
