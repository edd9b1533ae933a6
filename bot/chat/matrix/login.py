"""Logging in by hand, for operators: what the server gives is kept where the bot looks for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import SecretStr

from bot.chat.keep import Keep
from bot.chat.matrix.client import Client, new_client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.cryptofolder import CryptoFolder
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.session import DeviceLost, Session
from bot.chat.matrix.slowed import Slowed


async def log_in(
    network: str, config: MatrixConfig, keep: Keep, secret: str, *, by_token: bool, crypto: Path | None = None
) -> str:
    """Log in by the password `secret`, or take over a token that another client got. Returns the device.

    `crypto`: the folder for the keys of encryption, None without. A password is there now and not at the start, so
    keys are made and signed with it. Raises TemporaryError and PermanentError; then nothing is kept but a device's id,
    or, where only the keys are in trouble, the login.
    """
    kept = Kept(keep, network, config.user)
    if crypto is not None and not by_token:
        known = config.model_copy(update={"password": SecretStr(secret)})
        return await _with_keys(known, kept, secret, CryptoFolder(crypto))
    client = new_client(config, Slowed())
    client.open()
    try:
        session = Session(client, config, kept)
        return await (session.take_over(secret) if by_token else session.log_in(secret))
    finally:
        await client.close()


async def _with_keys(config: MatrixConfig, kept: Kept, password: str, folder: CryptoFolder) -> str:
    client = new_client(config, Slowed(), (folder.path, await asyncio.to_thread(folder.open)))
    client.open()
    try:
        session = Session(client, config, kept)
        await session.log_in(password)
        try:
            await _open_keys(client, config, kept, folder)
        except DeviceLost as lost:
            await session.new_device(lost)
            await session.log_in(password)
            await _open_keys(client, config, kept, folder)
        return str(client.device_id)
    finally:
        client.close_store()
        await client.close()


async def _open_keys(client: Client, config: MatrixConfig, kept: Kept, folder: CryptoFolder) -> None:
    from bot.chat.matrix.encryption import Encryption  # it needs the libraries of the extra e2e

    await Encryption(client, config, kept, folder).open()
