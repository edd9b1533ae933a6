"""A long queue on a stock ircd-hybrid: all arrive, in order, and the server never minds the pace.

The number comes from $GATEWATCH_ALERTS: 60 in `make test` (two minutes), 1,000 in `make soak` (33 minutes).
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from bot.records import Stage
from tests.chat.alerts import announcing
from tests.chat.human_irc import human
from tests.chat.irc_bot import TIMINGS, Running, post, question, running
from tests.servers.ircd import Ircd

pytestmark = [pytest.mark.xdist_group("irc-queue"), pytest.mark.long]
ALERTS = int(os.environ.get("GATEWATCH_ALERTS", "60"))
# The server lets one address connect once in 2 s, and takes it ill sooner.
PATIENT = {**TIMINGS, "confirm": 30, "reconnect_floor": 2.5, "long_wait": [2.5]}
EACH = 2.0  # seconds: two tokens, one a second


async def ask_now_and_then(bot: Running, replied_in: list[float]) -> None:
    time = asyncio.get_running_loop().time
    while True:
        asked = time()
        await bot.chat.say(post("#queue-1", f"reply {len(replied_in)}", **question("#queue-1")))
        replied_in.append(time() - asked)
        await asyncio.sleep(max(20.0, EACH * ALERTS / 10))


async def test_a_long_queue_drains_whole_and_in_order(stock_hybrid: Ircd, tmp_path: Path) -> None:
    """Every fourth is a NOTICE. At the real pace; a reply goes ahead of what waits."""
    rooms = ["#queue-1", "#queue-2", "#queue-3", "#queue-notices"]
    manners = {"#queue-notices": {"notice": True}}
    async with human("ann", stock_hybrid.tls_port, stock_hybrid.ca_file) as ann:
        for room in rooms:
            await ann.join(room)
        async with (
            running(stock_hybrid, *rooms, pace={}, timings=PATIENT, rooms=manners) as bot,
            announcing(bot.chat, tmp_path) as alerts,
        ):
            await bot.ready()
            since = bot.chat.status().since
            alerts.queue([f"test:{room}" for room in rooms], ALERTS)
            replied_in: list[float] = []
            began = asyncio.get_running_loop().time()
            asking = asyncio.create_task(ask_now_and_then(bot, replied_in))
            await alerts.finished(within=EACH * ALERTS * 1.5 + 20)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            took = asyncio.get_running_loop().time() - began
            assert alerts.stages() == {Stage.SAID: ALERTS}
            assert bot.chat.status().since == since  # one connection: no "Excess Flood"
    print(f"{ALERTS} alerts in {took:.0f} s; {len(replied_in)} replies, the slowest after {max(replied_in):.2f} s")
    said = [line for line in ann.said_by("gatewatch") if not line[2].startswith("reply ")]
    assert [text for _, _, text in said] == alerts.texts
    assert [command for command, to, _ in said if to == "#queue-notices"] == ["NOTICE"] * (ALERTS // 4)
    assert max(replied_in) < 2.0
