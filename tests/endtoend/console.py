"""The bot with an embedded index and a console, whose pipe the test reads or does not read; and its death there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tests.endtoend.process import SAID, Bot
from tests.endtoend.stage import Audience, feeds


def at_a_console(folder: Path, signatures: Path, rooms: Mapping[str, Audience]) -> Bot:
    """A bot without a server: its index is in `folder`/index, its rooms are places on its console."""
    config = {
        "search": {"url": "embedded", "path": "index"},
        "networks": {"console": {"type": "console"}},
        "feeds": feeds({f"console:{address}": audience for address, audience in rooms.items()}),
        "signatures": {"folders": [str(signatures)]},
        "announce": {"fold_over": 0},
    }
    return Bot(folder, config, piped=True)


# What puts the failures into the index is given to each.
ConsoleHold = Callable[[Bot, Callable[[], object]], Awaitable[None]]


async def store_locked(bot: Bot, put: Callable[[], object]) -> None:
    """Nothing can be written: the bot has given up waiting once, and said so."""
    with bot.locked():
        put()
        await bot.until(lambda: "trouble part='store'" in bot.log())
        bot.kill()
    assert not bot.stages()


async def pipe_full(bot: Bot, put: Callable[[], object]) -> None:
    """Nobody reads: one line is in the pipe and recorded, the next one waits."""
    put()
    await bot.until(lambda: bot.stages().items() >= {("said", 1), ("sending", 1)})


async def record_withheld(bot: Bot, put: Callable[[], object]) -> None:
    """The next one is read as well, and that it is said cannot be written down."""
    await pipe_full(bot, put)
    with bot.locked():
        await bot.until(lambda: bool(bot.shown()) and bot.log().count(SAID) == 2)
        bot.kill()
    assert bot.stages()["sending"]


CONSOLE_HOLDS: dict[str, ConsoleHold] = {"store": store_locked, "pipe": pipe_full, "record": record_withheld}
