"""The main job, from an index to a room and back: the bot as a process of its own, real servers, people's clients.

What is right is decided by tests/endtoend/oracle.py, which is none of the bot's code.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.search.embedded.writing import add
from tests.chat.human_irc import Human as IrcHuman
from tests.chat.human_irc import human
from tests.chat.human_matrix import Human as MatrixHuman
from tests.endtoend import documents
from tests.endtoend.cast import PASSWORD, Channel, Console, Servers, matrix_room
from tests.endtoend.console import CONSOLE_HOLDS, ConsoleHold, at_a_console
from tests.endtoend.documents import Build, Document, passed, today
from tests.endtoend.process import Bot
from tests.endtoend.reading import UNKNOWN
from tests.endtoend.scene import HOLDS, Hold, Scene, scene
from tests.endtoend.stage import (
    FEW,
    FEW_CHANGES,
    FEW_SIGNATURES,
    FILTERED,
    GATE,
    NOVA,
    OPEN,
    Audience,
    Day,
    signature_folder,
)
from tests.servers import opensearch as server
from tests.servers.ircd import Ircd
from tests.servers.synapse import Synapse

pytestmark = pytest.mark.xdist_group("endtoend")

Ask = Callable[[str, str], Awaitable[str]]
COUNT = re.compile(r"#([\w-]+) (x\d+(?: \[\d+\])?)")


@pytest.fixture(scope="module")
def day(opensearch: str) -> Day:
    found = Day(opensearch, documents.samples(datetime.now(UTC)))
    found.explain_late(found.labelled("1218391")[0], by="1235486")
    return found


@pytest.fixture(scope="module")
def signatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return signature_folder(tmp_path_factory.mktemp("endtoend") / "signatures")


@pytest.fixture(scope="module")
def grace(synapse: Synapse) -> MatrixHuman:
    synapse.register("grace", "pw")  # ada and others are test_matrix.py's, on the same server
    synapse.register("gatewatch", PASSWORD)
    return MatrixHuman(synapse.url, "grace", "pw")


@pytest.fixture
def servers(opensearch: str, ircd: Ircd, synapse: Synapse, signatures: Path) -> Servers:
    synapse.ensure()
    return Servers(opensearch, ircd, synapse, signatures)


@pytest.fixture
async def ann(ircd: Ircd) -> AsyncIterator[IrcHuman]:
    async with human("ann", ircd.tls_port, ircd.ca_file) as person:
        yield person


async def test_rooms_hear_what_the_oracle_finds(
    day: Day, servers: Servers, ann: IrcHuman, grace: MatrixHuman, tmp_path: Path
) -> None:
    """And people who ask there get right answers."""
    nova, unknown = Channel(ann, "#nova", "gatewatch"), Channel(ann, "#open", "gatewatch")
    gate, filtered = [await matrix_room(grace, alias, "gatewatch") for alias in ("gate", "filtered")]
    rooms = {nova.room: NOVA, unknown.room: OPEN, gate.room: GATE, filtered.room: FILTERED}
    for channel in (nova, unknown):
        await ann.join(channel.address)
    server.fill(servers.search, "day-1", map(today, day.documents))
    judging = asyncio.create_task(asyncio.to_thread(lambda: day.causes))
    with Bot(tmp_path, servers.config("gatewatch", "day-*", rooms)).running() as bot:
        late = day.failure(day.late[0]["build_uuid"])
        await ann.until(lambda: any(f" {late.change}," in line for line in nova.lines()), 60)
        server.fill(servers.search, "day-2", map(today, day.late))
        await ann.until(lambda: any(line.startswith("now: ") for line in nova.lines()), 60)
        await judging
        await bot.until(lambda: bot.quiet(len(day.failures)), 60)
        await check_answers(day, (NOVA, nova.ask), (GATE, gate.ask))
        await bot.stop()
    for channel, audience in ((nova, NOVA), (unknown, OPEN)):
        await channel.all_read()
        assert channel.told() == day.told(audience)
        assert channel.lines() == [row.text for row in bot.rows(channel.room)]
    for room, audience in ((gate, GATE), (filtered, FILTERED)):
        assert await room.told() == day.told(audience)
        assert await room.bodies() == [row.text for row in bot.rows(room.room)]


async def test_killed_anywhere_it_goes_on(
    day: Day, servers: Servers, ann: IrcHuman, grace: MatrixHuman, tmp_path: Path
) -> None:
    """Each far end is held still, the bot gets SIGKILL there, and is started again: all is said, Matrix has it once."""
    await asyncio.to_thread(lambda: day.causes)
    failed = [one for one in day.documents if one["build_change"] in FEW_CHANGES]
    servers.signatures = signature_folder(tmp_path / "signatures", FEW_SIGNATURES)
    async with asyncio.TaskGroup() as group:
        for name, hold in HOLDS.items():
            group.create_task(killed(hold, day, scene(name, tmp_path, servers, (ann, grace), FEW, failed)))


async def killed(hold: Hold, day: Day, setting: AbstractAsyncContextManager[Scene]) -> None:
    expected = day.told(FEW)
    async with setting as at:
        await hold(at)
        await at.restarted(len({job for _, job, _ in expected}))
        name = hold.__name__
        assert at.bot.stages().keys() == {"said"}, name
        assert at.channel.told() == expected, name
        assert len(at.repeated()) <= 1, name
        assert await at.room.told() == expected, name
        assert await at.room.bodies() == [row.text for row in at.bot.rows(at.room.room)], name


async def check_answers(day: Day, *places: tuple[Audience, Ask]) -> None:
    """The same questions in each, with the counts of its own filter."""
    alone, cause = single(day, NOVA)
    for audience, answer in places:
        seen = day.counts(audience)
        head = f"{alone.change},{alone.patchset} "
        what = f"{alone.project.partition('/')[2]} {alone.pipeline} FAILURE: {alone.job} -> "
        why = await answer(f"!why {alone.change}", head)
        assert why.startswith(f"{head}{what}#{cause} (known, {seen[cause]} in 24h)"), why
        bug = await answer(f"gatewatch: bug {cause}", f"#{cause}")
        assert f" 24h {seen[cause]} (counting since " in bug, bug
        top = await answer("!top", "top 24h: ")
        told = COUNT.findall(top)
        assert told == [(id, seen[id]) for id, _ in told], top
        here = [causes for _, causes in day.heard(audience)]
        assert f"| unknown {sum(causes == {UNKNOWN} for causes in here)}/{len(here)}" in top, top


def single(day: Day, audience: Audience) -> tuple[Build, str]:
    """A change of which one job failed, of one cause."""
    heard = day.heard(audience)
    changes = Counter(of.change for of, _ in heard)
    known = [(of, causes) for of, causes in heard if changes[of.change] == 1 and causes != {UNKNOWN}]
    return next((of, min(causes)) for of, causes in known if len(causes) == 1)


# -- without servers ------------------------------------------------------------------------------------------------


async def test_a_console_hears_the_same_from_the_embedded_index(day: Day, signatures: Path, tmp_path: Path) -> None:
    rooms = {"#nova": NOVA, "#open": OPEN, "#gate": GATE, "#filtered": FILTERED}
    add(tmp_path / "index", map(today, day.documents))
    with at_a_console(tmp_path, signatures, rooms).running() as bot:
        nova = Console(bot, "#nova")
        late = day.failure(day.late[0]["build_uuid"])
        await bot.until(lambda: any(f" {late.change}," in line for line in nova.lines()))
        add(tmp_path / "index", map(today, day.late))
        await bot.until(lambda: any(line.startswith("now: ") for line in nova.lines()))
        await asyncio.to_thread(lambda: day.causes)
        await bot.until(lambda: bool(bot.shown()) and bot.quiet(len(day.failures)))
        await check_answers(day, (NOVA, nova.ask))
        await bot.stop()
    for address, audience in rooms.items():
        console = Console(bot, address)
        assert console.told() == day.told(audience)
        assert console.lines() == [row.text for row in bot.rows(console.room)]


async def test_killed_at_a_console_it_goes_on(day: Day, tmp_path: Path) -> None:
    """All is said, at most one line twice."""
    await asyncio.to_thread(lambda: day.causes)
    signatures = signature_folder(tmp_path / "signatures", FEW_SIGNATURES)
    failed = [today(one) for one in day.documents if one["build_change"] in FEW_CHANGES]
    async with asyncio.TaskGroup() as group:
        for name, hold in CONSOLE_HOLDS.items():
            group.create_task(killed_at_a_console(hold, day, tmp_path / name, signatures, failed))


async def killed_at_a_console(
    hold: ConsoleHold, day: Day, folder: Path, signatures: Path, failed: Sequence[Document]
) -> None:
    expected, index = day.told(FEW), folder / "index"
    add(index, map(passed, failed))
    with at_a_console(folder, signatures, {"#few": FEW}).running() as bot:
        console = Console(bot, "#few")
        await console.ask(f"!bug {FEW_SIGNATURES[0]}", f"#{FEW_SIGNATURES[0]}")
        await hold(bot, lambda: add(index, failed))
        bot.kill()
        bot.start()
        await bot.until(lambda: bool(bot.shown()) and bot.quiet(len({job for _, job, _ in expected})))
        await bot.stop()
    assert bot.stages().keys() == {"said"}, folder
    assert console.told() == expected, folder
    assert set(console.lines()) == {row.text for row in bot.rows()}, folder
    assert len(console.lines()) - len(bot.rows()) in (0, 1), folder
