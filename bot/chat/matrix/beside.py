"""The running bot's own login, for a look or an act beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.chat.keep import Keep
from bot.chat.matrix.answers import Refusal, TokenRefused
from bot.chat.matrix.client import Client, new_client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.files import read_secret
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.slowed import Slowed
from bot.errors import PermanentError


@asynccontextmanager
async def beside(network: str, config: MatrixConfig, keep: Keep) -> AsyncIterator[Client]:
    """A client with the bot's token, which says nothing and hears nothing by itself.

    Raises PermanentError where nobody is logged in; refusals inside become PermanentError too.
    """
    client = new_client(config, Slowed())
    client.open()
    try:
        client.access_token = await _token(config, Kept(keep, network, config.user))
        yield client
    except TokenRefused as error:
        raise PermanentError(
            f"{config.homeserver} refuses the token of {config.user}: start the bot, it says more"
        ) from error
    except Refusal as error:
        raise PermanentError(f"{config.homeserver}: {error}") from error
    finally:
        await client.close()


async def _token(config: MatrixConfig, kept: Kept) -> str:
    if config.has_token:
        return await asyncio.to_thread(read_secret, config, "token")
    token = await kept.get("token")
    if not token:
        step = "start the bot once" if config.has_password else f"gatewatch matrix login {kept.network}"
        raise PermanentError(f"{config.user} is not logged in: {step}")
    return token
