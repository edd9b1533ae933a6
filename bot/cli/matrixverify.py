"""`gatewatch matrix verify`: how people's clients see the bot in encrypted rooms, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.cryptofolder import CryptoFolder
from bot.cli.common import configured, start_short_log
from bot.cli.matrixaccount import kept_beside, matrix_account
from bot.errors import UserError

if TYPE_CHECKING:
    from bot.chat.matrix.verify import Seen

HOW = """\
To compare: open the bot's profile in a room that it shares with you, and its session {device} there.
The session key that your client shows has to be the key above."""


def verify(config: Path, network: str) -> None:
    """Raises UserError where something is missing, TemporaryError and PermanentError where it cannot be seen."""
    settings = configured(config)
    start_short_log()
    account = matrix_account(settings, network)
    path = settings.crypto_folder(network)
    if path is None:
        raise UserError(f"{network} has no encryption: set encryption: true, and start the bot")
    from bot.chat.matrix.client import require_extra

    require_extra()
    from bot.chat.matrix.verify import look

    with kept_beside(settings) as keep:
        seen = asyncio.run(look(network, account, keep, CryptoFolder(path)))
    for line in _shown(account, seen):
        typer.echo(line)
    if problems := list(_problems(seen, path)):
        raise UserError(f"people cannot trust {account.user} yet:", problems)


def _shown(account: MatrixConfig, seen: Seen) -> Iterator[str]:
    from bot.chat.matrix.byhand import grouped

    yield f"account   {account.user} at {account.homeserver}"
    yield f"device    {seen.device or 'none: this token has no device'}"
    yield f"key       {grouped(seen.there) or 'none at the homeserver'}"
    yield f"identity  {grouped(seen.master) or 'none'}"
    yield f"signed    {'yes, by this identity' if seen.signed else 'no'}"
    if seen.there:
        yield ""
        yield HOW.format(device=seen.device)


def _problems(seen: Seen, folder: Path) -> Iterator[str]:
    if not seen.there:
        yield "the homeserver has no key of the device: start the bot, it uploads one"
    elif not seen.here:
        yield f"the device's key is not in {folder}: the bot becomes a new device when it is started"
    elif seen.here != seen.there:
        yield f"the key in {folder} is another: the bot becomes a new device when it is started"
    if not seen.master:
        yield "the account has no identity: start the bot, it makes one (with the account's password, if need be)"
    elif not seen.signed:
        yield (
            "the account's identity has not signed the device. If the bot made it, start the bot with the account's "
            "password. If another client made it, log in there as the bot and say, in any room: "
            f"/verify {seen.device} {seen.there}"
        )
