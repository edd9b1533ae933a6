"""`gatewatch run`: the bot, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from bot.app import Bot, utc_now
from bot.cli.common import DEFAULT, ConfigFile, configured, start_log, store_address
from bot.cli.index import load_folder
from bot.config import Config
from bot.store import Store


def run(
    config: ConfigFile = DEFAULT,
    wait_for_lock: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Wait so long for another bot to leave the store.")
    ] = 30.0,
) -> None:
    """Watch the gate, announce, and answer commands.

    Ctrl-C or SIGTERM ends it; what is being said has 3 seconds to get there.

    Example: gatewatch run -c /etc/gatewatch/config.yaml
    """
    settings = configured(config)
    start_log(settings.logging)
    first_load(settings)
    # Before there is a loop: Ctrl-C then ends the wait for the lock at once.
    store = Store.open(store_address(settings), now=utc_now(), wait_for_lock=wait_for_lock)
    asyncio.run(_run(settings, store))


def first_load(settings: Config) -> None:
    """Give the embedded index its logs, if it has some to get and never got them."""
    if settings.search.embedded and settings.search.path and settings.search.load:
        _load(settings.search.path, settings.search.load)


def _load(path: Path, folder: Path) -> None:
    from bot.search.embedded.loading import is_loaded

    if not is_loaded(path, folder):
        load_folder(path, folder)


async def _run(settings: Config, store: Store) -> None:
    bot = Bot(settings, store)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, bot.stop.set)
    await bot.run()
