"""Logging in by hand, for operators: what the server gives is kept where the bot looks for it."""

from __future__ import annotations

from bot.chat.keep import Keep
from bot.chat.matrix.client import new_client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.session import Session
from bot.chat.matrix.slowed import Slowed


async def log_in(network: str, config: MatrixConfig, keep: Keep, secret: str, *, by_token: bool) -> str:
    """Log in by the password `secret`, or take over a token that another client got. Returns the device.

    Raises TemporaryError and PermanentError; then nothing but a device's id is kept.
    """
    client = new_client(config, Slowed())
    client.open()
    try:
        session = Session(client, config, Kept(keep, network, config.user))
        return await (session.take_over(secret) if by_token else session.log_in(secret))
    finally:
        await client.close()
