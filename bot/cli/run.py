"""`gatewatch run`: the bot, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable
from pathlib import Path

import typer

from bot.app import Bot
from bot.cli.common import configured, start_log, store_address
from bot.cli.index import left_out, load_folder
from bot.clock import utc_now
from bot.config import Config
from bot.store import Store


def run(config: Path, wait_for_lock: float) -> None:
    """Until it is told to stop; `wait_for_lock`: seconds for another bot to leave the store."""
    settings = configured(config)
    start_log(settings.logging, any(network.type == "console" for network in settings.networks.values()))
    first_load(settings)
    # Before there is a loop: Ctrl-C then ends the wait for the lock at once.
    store = Store.open(store_address(settings), now=utc_now(), wait_for_lock=wait_for_lock)
    asyncio.run(run_until_told(lambda: Bot(settings, store)))


def first_load(settings: Config) -> None:
    """Give the embedded index its logs, if it has some to get and never got them."""
    if settings.search.embedded and settings.search.path and settings.search.load:
        _load(settings.search.path, settings.search.load)


def _load(path: Path, folder: Path) -> None:
    from bot.search.embedded.loading import is_loaded

    if not is_loaded(path, folder) and (problems := load_folder(path, folder)):
        typer.echo(left_out(problems), err=True)  # the others can be watched all the same


async def run_until_told(make: Callable[[], Bot]) -> None:
    """Make the bot, and run it until a signal stops it."""
    bot = make()
    # Modules, config and signatures stay for good: looking through them for garbage took 70 ms of the loop at times.
    gc.collect()
    gc.freeze()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, bot.stop.set)
    await bot.run()
