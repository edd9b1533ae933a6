"""One whole conversation with the bot as a process of its own: InspIRCd with Anope, people's clients."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.model import Build, Line
from bot.search.embedded.writing import add
from tests.chat.human_irc import Human, human
from tests.chat.irc_account import known
from tests.endtoend.process import Bot
from tests.search.layouts import logsender
from tests.servers.ircd import Ircd

pytestmark = pytest.mark.xdist_group("inspircd")

DESK = "#desk"


async def answer(who: Human, question: str, also: Human) -> str:
    """What the bot says next to somebody who says this; `also` has read it, too."""
    before = len(who.heard(DESK, "clerk"))
    who.say(DESK, question)
    for one in (who, also):
        await one.until(lambda one=one: len(one.heard(DESK, "clerk")) > before)
    return who.heard(DESK, "clerk")[before]


async def test_who_asks_is_known_by_account_and_standing_and_not_for_ever_answered(
    services: Ircd, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    built = Build(
        "a" * 32, job="tempest", result="SUCCESS", project="nova", pipeline="gate", branch="master", change="1"
    )
    await asyncio.to_thread(add, tmp_path / "index", [logsender(built, Line(now, "ok", "job-output.txt"))])
    irc = {"type": "irc", "host": "localhost", "port": services.tls_port, "ca_file": str(services.ca_file)}
    config = {
        "search": {"url": "embedded", "path": "index"},
        "networks": {"irc": {**irc, "nick": "clerk", "pace": {"burst": 20}}},
        "feeds": {"all": {"rooms": [f"irc:{DESK}"]}},
        "commands": {"per_user": 3},
    }
    async with (
        human("eve", services.tls_port, services.ca_file) as eve,
        known(services, "hal") as hal,
    ):
        await eve.join(DESK)
        await hal.join(DESK)
        with Bot(tmp_path, config).running() as bot:
            await eve.wait_for(lambda line: line.startswith(":clerk!") and "JOIN" in line, within=30)
            assert await answer(hal, "!whoami", eve) == "hal | account hal | neither operator nor voiced here"
            unknown = "eve | services do not know you: identify to NickServ, where there is one | operator here"
            assert await answer(eve, "clerk: whoami", hal) == unknown
            eve.send(f"MODE {DESK} +v hal")
            await hal.wait_for(lambda line: f"MODE {DESK} +v" in line)
            assert await answer(hal, "clerk, whoami", eve) == "hal | account hal | voiced here"
            assert [await answer(eve, "!whoami", hal) for _ in range(2)] == [unknown] * 2
            assert await answer(eve, "!whoami", hal) == "too many commands, eve: I do not answer you for 5m"
            eve.say(DESK, "!whoami")
            hal.say(DESK, "!status")
            state = await hal.wait_for(lambda line: ":irc: ready" in line)
            assert "1 room joined" in state and "clerk (not identified), lag " in state
            await bot.stop()
    assert eve.heard(DESK, "clerk").count(unknown) == 3
    assert any(line.startswith(":clerk!") and "QUIT" in line and "shutting down" in line for line in eve.lines)
