"""What the homeserver and the folder of keys say of the bot's device; looks only, beside a running bot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from nio.crypto import OlmAccount

from bot.chat.keep import Keep
from bot.chat.matrix.answers import Refusal, TokenRefused, ask
from bot.chat.matrix.client import Client, new_client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.cryptofolder import PICKLE_KEY, CryptoFolder
from bot.chat.matrix.files import read_secret
from bot.chat.matrix.identity import own_keys
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.slowed import Slowed
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
    client = new_client(config, Slowed())
    client.open()
    try:
        client.access_token = await _token(config, Kept(keep, network, config.user))
        return await _look(client, config, folder)
    except TokenRefused as error:
        raise PermanentError(
            f"{config.homeserver} refuses the token of {config.user}: start the bot, it says more"
        ) from error
    except Refusal as error:
        raise PermanentError(f"{config.homeserver}: {error}") from error
    finally:
        await client.close()


async def _look(client: Client, config: MatrixConfig, folder: CryptoFolder) -> Seen:
    within = config.timings.request
    who = await ask(client.whoami(), "check the token", within)
    client.device_id = who.device_id or ""
    theirs = await own_keys(client, within)
    there = theirs.device.get("keys", {}).get(f"ed25519:{client.device_id}", "")
    here = await asyncio.to_thread(_key_here, folder, client.device_id)
    return Seen(client.device_id, here, there, theirs.master, theirs.device_is_signed)


async def _token(config: MatrixConfig, kept: Kept) -> str:
    if config.has_token:
        return await asyncio.to_thread(read_secret, config, "token")
    token = await kept.get("token")
    if not token:
        step = "start the bot once" if config.has_password else f"gatewatch matrix login {kept.network}"
        raise PermanentError(f"{config.user} is not logged in: {step}")
    return token


def _key_here(folder: CryptoFolder, device: str) -> str:
    found = folder.look(device)
    if found is None:
        return ""
    account, key = found
    try:
        return str(OlmAccount.from_pickle(account, key).identity_keys["ed25519"])
    except ValueError as error:
        raise PermanentError(f"{folder.path / PICKLE_KEY} is not the key of {folder.store_name(device)}") from error
