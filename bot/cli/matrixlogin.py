"""`gatewatch matrix login`: a password or token is typed once, and the store keeps what the bot needs."""

from __future__ import annotations

import asyncio
import sys
from getpass import getpass
from pathlib import Path

import typer

from bot.chat.matrix.config import MatrixConfig
from bot.cli.common import configured, start_short_log, store_address
from bot.cli.matrixaccount import matrix_account
from bot.clock import utc_now
from bot.config import Config
from bot.errors import UserError
from bot.store import Store
from bot.store.keep import StoreKeep


def login(config: Path, network: str, by_token: bool) -> None:
    """Raises UserError, TemporaryError and PermanentError where nobody is logged in afterwards."""
    settings = configured(config)
    start_short_log()
    account = _account(settings, network)
    # Before anything is asked: the bot must not run, it has the same device.
    store = Store.open(store_address(settings), now=utc_now(), wait_for_lock=0)
    try:
        secret = _typed(f"{'Access token' if by_token else 'Password'} of {account.user}: ")
        keys = settings.crypto_folder(network)
        device = asyncio.run(_log_in(network, account, store, secret, by_token, keys))
    finally:
        store.close_now()
    typer.echo(f"{account.user} is logged in, device {device}; the bot does the rest")


def _account(settings: Config, network: str) -> MatrixConfig:
    found = matrix_account(settings, network)
    if found.has_token:
        raise UserError(f"{network} has a token in the config file, and uses that: take it out there first")
    return found


def _typed(prompt: str) -> str:
    """One line: hidden at a terminal, else the first of standard input."""
    line = getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline()
    if not line.strip():
        raise UserError("nothing was typed, so nothing was done")
    return line.rstrip("\n")


async def _log_in(
    network: str, account: MatrixConfig, store: Store, secret: str, by_token: bool, keys: Path | None
) -> str:
    from bot.chat.matrix.login import log_in

    given = secret.strip() if by_token else secret
    return await log_in(network, account, StoreKeep(store), given, by_token=by_token, crypto=keys)
