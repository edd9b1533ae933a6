"""The watchdog of a connection: any byte is a sign of life; after too long a silence it asks, then gives up."""

from __future__ import annotations

import asyncio

from bot.chat.irc.config import Timings
from bot.chat.irc.connection import Connection
from bot.chat.irc.pace import Pace
from bot.errors import TemporaryError

TOKEN = "gatewatch-idle"


async def watch(network: str, connection: Connection, pace: Pace, timings: Timings) -> None:
    """For as long as the server lives. Raises TemporaryError when it seems dead."""
    idle, dead = timings.idle, timings.dead
    time = asyncio.get_running_loop().time
    while True:
        quiet = time() - connection.heard_at
        if quiet >= idle + dead:
            raise TemporaryError(f"{network}: the server has said nothing for {quiet:.0f} s")
        if quiet >= idle:
            pace.charge()
            connection.send("PING", text=TOKEN)
            await asyncio.sleep(idle + dead - quiet)
        else:
            await asyncio.sleep(idle - quiet)
