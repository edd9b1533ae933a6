"""`gatewatch run`: the bot, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path

from bot.app import Bot
from bot.cli.common import DEFAULT, ConfigFile, configured, start_log
from bot.cli.index import load_folder
from bot.config import Config
from bot.store import Store


def run(config: ConfigFile = DEFAULT) -> None:
    """Watch the gate, announce, and answer commands; Ctrl-C or SIGTERM ends it.

    Example: gatewatch run -c /etc/gatewatch/config.yaml
    """
    settings = configured(config)
    start_log(settings.logging)
    if settings.search.embedded and settings.search.path and settings.search.load:
        first_load(settings.search.path, settings.search.load)
    asyncio.run(_run(settings))


def first_load(path: Path, folder: Path) -> None:
    """Give the embedded index its logs, if it never got them."""
    from bot.search.embedded.loading import is_loaded

    if not is_loaded(path, folder):
        load_folder(path, folder)


async def _run(settings: Config) -> None:
    store = await asyncio.to_thread(Store.open, settings.store.address(), now=datetime.now(UTC))
    bot = Bot(settings, store)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, bot.stop.set)
    await bot.run()
