"""`gatewatch matrix redact`: a message of the bot's is taken back, beside a running bot as well."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from bot.cli.common import configured, start_short_log, store_address
from bot.cli.matrixlogin import matrix_account
from bot.clock import utc_now
from bot.errors import UserError
from bot.store import Store
from bot.store.keep import StoreKeep
from bot.text import counted


def redact(config: Path, network: str, link: str, reason: str) -> None:
    """Raises UserError where the link is none, TemporaryError and PermanentError where it was not taken back."""
    from bot.chat.matrix.redacting import message_of, take_back

    settings = configured(config)
    start_short_log()
    account = matrix_account(settings, network)
    message = message_of(link)
    if message is None:
        raise UserError(f'{link}: no link to a message. Element has it as "Share", it begins with https://matrix.to/#/')
    store = Store.open(store_address(settings), now=utc_now(), lock=False)
    try:
        count = asyncio.run(take_back(network, account, StoreKeep(store), message, reason))
    finally:
        store.close_now()
    typer.echo(f"taken back: {counted(count, 'event')}" if count else "nothing of it is left to take back")
