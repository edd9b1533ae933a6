"""`gatewatch matrix redact`: a message of the bot's is taken back, beside a running bot as well."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from bot.cli.common import configured, start_short_log
from bot.cli.matrixaccount import kept_beside, matrix_account
from bot.errors import UserError
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
    with kept_beside(settings) as keep:
        count = asyncio.run(take_back(network, account, keep, message, reason))
    typer.echo(f"taken back: {counted(count, 'event')}" if count else "nothing of it is left to take back")
