"""Breaks of every kind in a run of alerts: each arrives, and is said again once a break at most.

Kinds and moments are drawn from a seed. $GATEWATCH_BREAKS: 10 in `make test`, 50 (with 500 alerts) in `make soak`;
with $GATEWATCH_REAL_TIMES the adapter waits as long as by default, as do the announcer and the server.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.chat.irc.config import Timings
from bot.records import Stage
from tests.chat.alerts import announcing, quick_clock
from tests.chat.human_irc import Human, human
from tests.chat.irc_bot import HASTY, TIMINGS, WITHIN, Running, running
from tests.heartbeat import heartbeat
from tests.servers.ircd import Ircd
from tests.servers.link import DOWN, UP, Link, link_to

pytestmark = pytest.mark.xdist_group("irc-breaks")
BREAKS = int(os.environ.get("GATEWATCH_BREAKS", "10"))
ALERTS = 3 * BREAKS if BREAKS <= 10 else 10 * BREAKS
REAL = os.environ.get("GATEWATCH_REAL_TIMES") == "1"
SEED = int(os.environ.get("GATEWATCH_SEED", "6"))
STALL = 0.05
SHORT = {**TIMINGS, "confirm": 3, "reconnect": [0.2, 0.4, 0.8], "reconnect_floor": 0.2}
NEWS = 30.0  # seconds from one alert to the next, at the pace of the server
FURTHER = 240.0 if REAL else 0.0  # seconds that the real times may take longer


@dataclass
class Crowd:
    """Somebody in the room, who comes back when the server was gone. `heard`: all that the bot has said there."""

    ircd: Ircd
    stack: AsyncExitStack
    before: list[str] = field(default_factory=list)
    ann: Human | None = None

    async def come(self) -> None:
        if self.ann is not None:
            self.before = self.heard
        self.ann = await self.stack.enter_async_context(human("ann", self.ircd.tls_port, self.ircd.ca_file))
        await self.ann.join("#breaks")

    @property
    def heard(self) -> list[str]:
        assert self.ann is not None
        said = [text for _, by, text in self.ann.messages("#breaks") if by.startswith("gatewatch")]
        return self.before + said

    async def hears(self, number: int, within: float) -> None:
        """Return when so many different texts were heard in all."""
        deadline = asyncio.get_running_loop().time() + within
        while len(set(self.heard)) < number:
            assert asyncio.get_running_loop().time() < deadline, self.heard
            await asyncio.sleep(0.02)


@asynccontextmanager
async def crowd(ircd: Ircd) -> AsyncIterator[Crowd]:
    async with AsyncExitStack() as stack:
        there = Crowd(ircd, stack)
        await there.come()
        yield there


@dataclass
class Breaker:
    """Breaks the connection in one of several ways, waits until the bot has noticed, and mends it."""

    ircd: Ircd
    link: Link
    crowd: Crowd
    bot: Running

    async def killed(self) -> None:
        self.link.refuse()
        await asyncio.to_thread(self.ircd.daemon.kill)
        await self._noticed()
        await asyncio.to_thread(self.ircd.daemon.start)
        await self.crowd.come()

    async def frozen(self) -> None:
        self.ircd.daemon.freeze()
        await self._noticed()
        self.ircd.daemon.thaw()

    async def reset(self) -> None:
        self.link.reset()
        await self._noticed()

    async def parted(self) -> None:
        await self._held(UP, DOWN)

    async def deaf(self) -> None:
        await self._held(DOWN)

    async def dumb(self) -> None:
        await self._held(UP)

    async def _held(self, *directions: str) -> None:
        self.link.hold(*directions)
        await self._noticed()

    async def _noticed(self) -> None:
        await self.bot.until(lambda: not self.bot.chat.status().ready, within=WITHIN + FURTHER)

    async def run(self, draw: random.Random) -> str:
        kinds: list[Callable[[], Awaitable[None]]] = [
            self.killed,
            self.frozen,
            self.reset,
            self.parted,
            self.deaf,
            self.dumb,
        ]
        kind = draw.choice(kinds)
        await kind()
        self.link.mend()
        return getattr(kind, "__name__", "")


async def test_the_heartbeat_sees_a_loop_that_stands_still() -> None:
    async with heartbeat() as heart:
        await asyncio.sleep(0.05)
        time.sleep(2 * STALL)  # noqa: ASYNC251  # what no part of the bot may do
        await asyncio.sleep(0.05)
    assert max(heart.held_up) > STALL


async def test_no_break_loses_an_alert(ircd: Ircd, tmp_path: Path) -> None:
    draw = random.Random(SEED)
    manner = {} if REAL else {"timings": SHORT, "pace": HASTY}
    floor = Timings().reconnect_floor if REAL else SHORT["reconnect_floor"]
    kinds: list[str] = []
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(crowd(ircd))
        link = await stack.enter_async_context(link_to(ircd.tls_port))
        values = {"timings": {}, "pace": {}, **manner, "port": link.port}
        bot = await stack.enter_async_context(running(ircd, "#breaks", **values))
        alerts = await stack.enter_async_context(announcing(bot.chat, tmp_path, clock=quick_clock(1 if REAL else 20)))
        await bot.ready()
        await asyncio.to_thread(alerts.queue, ["test:#breaks"], ALERTS)
        breaker = Breaker(ircd, link, there, bot)
        heart = await stack.enter_async_context(heartbeat())
        for number in range(BREAKS):
            # In the middle of the next alerts: never when all is said.
            wanted = min(len(set(there.heard)) + draw.randint(1, 2 * ALERTS // BREAKS - 2), ALERTS - (BREAKS - number))
            await there.hears(wanted, within=(2 * ALERTS // BREAKS) * NEWS + FURTHER)
            await asyncio.sleep(draw.uniform(0, 0.3))
            kinds.append(await breaker.run(draw))
        await alerts.finished(within=ALERTS * 5 + FURTHER)
        await there.hears(ALERTS, within=WITHIN)
        heard = there.heard
        stages = await asyncio.to_thread(alerts.stages)
    repeats = len(heard) - len(set(heard))
    gaps = [later - earlier for earlier, later in zip(link.attempts, link.attempts[1:], strict=False)]
    print(
        f"{BREAKS} breaks ({', '.join(kinds)}), {ALERTS} alerts, {repeats} said again, {len(link.attempts)} connections"
    )
    print(f"shortest pause {min(gaps):.2f} s; the loop was held up for {1000 * max(heart.held_up):.0f} ms at most")
    assert stages == {Stage.SAID: ALERTS}
    assert list(dict.fromkeys(heard)) == alerts.texts
    assert repeats <= BREAKS
    assert min(gaps) >= floor
    assert len(link.attempts) <= 1 + 3 * BREAKS  # no storm: a server that is down is not there at each try
    assert max(heart.held_up) < STALL


async def test_a_nick_that_is_killed_loses_nothing(narrow_hybrid: Ircd, tmp_path: Path) -> None:
    """Two rooms go by another connection, which is broken in the middle of them; the first one's go on."""
    where = (narrow_hybrid.tls_port, narrow_hybrid.ca_file)
    rooms, timings = ["#one", "#two", "#three", "#four"], {**TIMINGS, "reconnect": [1], "reconnect_floor": 1}
    async with (
        human("ann", *where) as ann,
        human("bob", *where) as bob,
        running(narrow_hybrid, *rooms, further_nicks=["gatewatch2"], timings=timings) as bot,
        announcing(bot.chat, tmp_path, clock=quick_clock(20)) as alerts,
    ):
        bob.send("OPER oper operpw")
        await bob.wait_for(lambda line: " 381 " in line)
        for person, room in zip((ann, ann, bob, bob), rooms, strict=True):
            await person.join(room)
        await bot.until(lambda: [one.state for one in bot.chat.status().connections] == ["ready"] * 2)
        first, second = bot.chat.status().connections
        await asyncio.to_thread(alerts.queue, [f"test:{room}" for room in rooms], 16)
        await bob.until(lambda: len(bob.said_by("gatewatch2")) == 2)
        bob.send("KILL gatewatch2 :for a test")
        await alerts.finished(within=60)
        assert await asyncio.to_thread(alerts.stages) == {Stage.SAID: 16}
        now = bot.chat.status().connections
    assert (now[0].since, now[0].error) == (first.since, "")
    assert now[1].since != second.since and "for a test" in now[1].error
    for place, (room, person) in enumerate(zip(rooms, (ann, ann, bob, bob), strict=True)):
        heard = person.heard(room, "gatewatch" if person is ann else "gatewatch2")
        assert list(dict.fromkeys(heard)) == alerts.texts[place::4]
    assert len(ann.said_by("gatewatch")) == 8
    assert len(bob.said_by("gatewatch2")) in (8, 9)
