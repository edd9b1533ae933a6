"""What the bot stands on goes away and comes back: one line in the log, one to the operators, and nothing is lost."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.model import Build, Line
from bot.search.embedded.writing import add
from bot.store import Store, Tx
from bot.talk import JOINED, NOT_YET
from tests.chat.fake_irc import OPEN, fake, polite
from tests.chat.human_irc import Human as IrcHuman
from tests.chat.human_irc import human
from tests.chat.human_matrix import Human as MatrixHuman
from tests.chat.human_matrix import until
from tests.endtoend.held import held
from tests.in_process import Running, running
from tests.search.layouts import logsender
from tests.servers import opensearch as engine
from tests.servers.ircd import Ircd
from tests.servers.proxy import Before, proxying, untouched
from tests.servers.synapse import Synapse

pytestmark = pytest.mark.xdist_group("outages")

numbers = itertools.count(1)
WORDS = "the frobnicator went away"
PASSWORD = "the bot's own"
IRC_TIMINGS = {"connect": 5, "registration": 10, "reconnect": [0.3], "reconnect_floor": 0.3, "long_wait": [0.5]}
IRC_TIMINGS |= {"idle": 2, "dead": 2, "confirm": 5}
MATRIX_TIMINGS = {"sync": "3s", "request": "3s", "pause": "1s", "longest_pause": "1s"}


def documents(number: int, words: str = WORDS) -> list[dict[str, Any]]:
    """The lines of one failed build; it has been over for long, so that it is settled when it is first listed."""
    uuid, newest = f"{number:032x}", datetime.now(UTC) - timedelta(minutes=70)
    build = Build(
        uuid=uuid,
        job="tempest-full",
        result="FAILURE",
        project="openstack/nova",
        pipeline="gate",
        branch="master",
        ref=f"refs/changes/1/{number}/1",
        change=str(number),
        patchset="1",
        buildset=f"set-{number}",
        log_url=f"https://logs.example.org/{uuid}/job-output.txt",
        tenant="openstack",
    )
    lines = [Line(newest - timedelta(seconds=back), words, "job-output.txt", build.log_url) for back in range(2)]
    return [logsender(build, line) for line in lines]


def changes(lines: Sequence[str]) -> list[str]:
    """The changes that announcements are about, sorted; AssertionError for a line that is none."""
    assert all(" failed: tempest-full: #2000001" in line for line in lines), lines
    return sorted(line.split(" gate ")[1].partition(",")[0] for line in lines)


def config(folder: Path, operators: str, rooms: Sequence[str], **parts: Any) -> dict[str, Any]:
    """A console and what `parts` has, an embedded index if it has none, and one signature."""
    signatures = folder / "signatures"
    signatures.mkdir()
    (signatures / "2000001.yaml").write_text(f"query: 'message:\"{WORDS}\"'\n", encoding="utf-8")
    return {
        "search": {"url": "embedded", "path": "index"},
        "builds": {"hold": "1s"},
        "poll": {"every": "1s"},
        "store": "sqlite:///gatewatch.db",
        "operators": operators,
        "feeds": {"all": {"rooms": list(rooms)}},
        "signatures": {"folders": [str(signatures)]},
        "announce": {"fold_over": 0},
        **parts,
        "networks": {"console": {"type": "console"}, **parts.get("networks", {})},
    }


@dataclass
class Logged:
    """The bot's log."""

    caplog: pytest.LogCaptureFixture

    def troubles(self) -> list[str]:
        """The parts of which the log says that they are in trouble."""
        own = [one for one in self.caplog.records if one.name.startswith("bot.")]
        told = [one.getMessage() for one in own if one.levelno >= logging.ERROR]
        told = [line for line in told if not line.startswith("irc lost ")]  # a ban is an error by itself
        assert all(line.startswith("trouble part=") for line in told), told
        return [line.split("'")[1] for line in told]

    def said(self, room: str) -> bool:
        """Whether something has been said there, and recorded."""
        said = [one.getMessage() for one in self.caplog.records if one.name == "bot.announcer"]
        return any(line.startswith("said ") and f"room={room} " in line for line in said)

    def over(self) -> list[str]:
        lines = [one.getMessage() for one in self.caplog.records if one.name.startswith("bot.")]
        return [line.split("'")[1] for line in lines if line.startswith("trouble over part=")]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Logged:
    caplog.set_level(logging.INFO, "bot")
    return Logged(caplog)


def assert_told_once(lines: Sequence[str], part: str) -> None:
    """The operators were told when it began and when it was over, and nothing else."""
    assert len(lines) == 2, lines
    assert lines[0].startswith(f"trouble: {part}: "), lines
    assert lines[1].startswith(f"over: {part} works again"), lines


async def looks(bot: Running, count: int) -> None:
    """The bot has looked at the index so often again, with or without an answer."""
    for _ in range(count):
        before = bot.bot.watch.looks
        await bot.until(lambda before=before: bot.bot.watch.looks is not before)


# -- search -------------------------------------------------------------------------------------------------------


async def breaks_off(request: web.Request, body: bytes) -> web.StreamResponse | None:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def never_answers(request: web.Request, body: bytes) -> web.StreamResponse | None:
    await asyncio.sleep(60)
    return web.Response()


@pytest.mark.parametrize("fault", [breaks_off, never_answers])
async def test_the_search_goes_away(opensearch: str, tmp_path: Path, logged: Logged, fault: Before) -> None:
    index = f"outage-{next(numbers)}"
    await asyncio.to_thread(engine.fill, opensearch, index, documents(1))
    async with proxying(opensearch) as proxy:
        search = {"url": proxy.url, "index": index, "timeout": "1s"}
        settings = config(tmp_path, "console:ops", ["console:gate"], search=search)
        async with running(tmp_path, settings) as bot:
            await bot.until(lambda: bot.console("gate"))
            proxy.before = fault
            await bot.until(lambda: bot.console("ops"))
            await asyncio.to_thread(engine.fill, opensearch, index, [*documents(2), *documents(3)])
            await looks(bot, 1)
            proxy.before = untouched
            await bot.until(lambda: len(bot.console("gate")) == 3 and len(bot.console("ops")) == 2)
            await looks(bot, 1)
    assert changes(bot.console("gate")) == ["1", "2", "3"]
    assert_told_once(bot.console("ops"), "search")
    assert (logged.troubles(), logged.over()) == (["search"], ["search"])


# -- IRC ----------------------------------------------------------------------------------------------------------


def irc_section(ircd: Ircd, port: int) -> dict[str, Any]:
    pace = {"burst": 10, "per_second": 10}
    server = {"type": "irc", "host": "localhost", "port": port, "nick": "gatewatch", "ca_file": str(ircd.ca_file)}
    return {**server, "timings": IRC_TIMINGS, "pace": pace}


@asynccontextmanager
async def reader(ircd: Ircd) -> AsyncIterator[IrcHuman]:
    """Somebody in both channels."""
    async with human("ada", ircd.tls_port, ircd.ca_file) as ada:
        for channel in ("#gate", "#ops"):
            await ada.join(channel)
        yield ada


@pytest.mark.parametrize("operators", ["console:ops", "irc:#ops"])
async def test_irc_goes_away(ircd: Ircd, tmp_path: Path, logged: Logged, operators: str) -> None:
    add(tmp_path / "index", documents(1))
    async with held(ircd.tls_port) as door:
        networks = {"irc": irc_section(ircd, door.port)}
        settings = config(tmp_path, operators, ["console:gate", "irc:#gate"], networks=networks)
        async with AsyncExitStack() as before, AsyncExitStack() as after:
            ada = await before.enter_async_context(reader(ircd))
            bot = await after.enter_async_context(running(tmp_path, settings))
            await bot.until(lambda: logged.said("irc:#gate"))  # else it is in doubt, and said again
            await asyncio.to_thread(ircd.daemon.kill)
            door.hold()
            await bot.until(lambda: bot.bot.troubles.open)
            await asyncio.to_thread(add, tmp_path / "index", [*documents(2), *documents(3)])
            await bot.until(lambda: len(bot.console("gate")) == 3)  # the other network goes on
            await asyncio.to_thread(ircd.daemon.start)
            bea = await after.enter_async_context(reader(ircd))  # there before the bot is
            door.release()
            await bea.until(lambda: len(bea.heard("#gate", "gatewatch")) == 2)
            told = bot.console if operators.startswith("console") else lambda _: bea.heard("#ops", "gatewatch")
            await bot.until(lambda: len(told("ops")) == 2)
            await looks(bot, 1)
            assert_told_once(told("ops"), "network irc")
            assert changes(ada.heard("#gate", "gatewatch") + bea.heard("#gate", "gatewatch")) == ["1", "2", "3"]
    assert changes(bot.console("gate")) == ["1", "2", "3"]
    assert (logged.troubles(), logged.over()) == (["network irc"], ["network irc"])


async def test_one_of_several_connections_goes_away(ircd: Ircd, tmp_path: Path, logged: Logged) -> None:
    """It has the 26th room; the server lets it into 25. The others are there all the same."""
    add(tmp_path / "index", documents(1))
    timings = {**IRC_TIMINGS, "long_wait": [6]}
    section = {**irc_section(ircd, ircd.tls_port), "further_nicks": ["gatewatch2"], "timings": timings}
    settings = config(tmp_path, "console:ops", ["console:gate", "irc:#gate"], networks={"irc": section})
    settings["feeds"]["more"] = {"rooms": [f"irc:#room{number}" for number in range(25)], "projects": ["another"]}
    async with reader(ircd) as ada, running(tmp_path, settings, patience=timedelta(seconds=3)) as bot:
        ada.send("OPER oper operpw")
        await ada.join("#room24")
        await ada.wait_for(lambda line: line.startswith(":gatewatch2!") and "JOIN" in line, within=30)
        ada.send("KILL gatewatch2 :banned for a test")
        await bot.until(lambda: len(bot.console("ops")) == 2, 30)
    assert_told_once(bot.console("ops"), "network irc/gatewatch2")
    assert "for a test" in bot.console("ops")[0]
    assert (logged.troubles(), logged.over()) == (["network irc/gatewatch2"], ["network irc/gatewatch2"])


async def test_rooms_that_wait_for_their_join_are_no_trouble(tmp_path: Path, logged: Logged) -> None:
    add(tmp_path / "index", documents(1))
    rooms = [f"irc:#room{number}" for number in range(9)]
    async with fake(polite) as (_, where):
        section = {**irc_section(where, where.port), **OPEN, "pace": {}, "timings": {**IRC_TIMINGS, "joining": 0.1}}
        settings = config(tmp_path, "console:ops", ["console:gate", *rooms], networks={"irc": section})
        async with running(tmp_path, settings) as bot:
            await bot.until(lambda: bot.bot.chats["irc"].status().ready)
            assert NOT_YET in bot.bot.chats["irc"].status().rooms.values()
            await bot.until(lambda: set(bot.bot.chats["irc"].status().rooms.values()) == {JOINED}, 30)
    assert logged.troubles() == []


async def test_a_bot_that_services_do_not_know(tmp_path: Path, logged: Logged) -> None:
    """The network works, and what is said there arrives; operators hear of the account all the same."""
    add(tmp_path / "index", documents(1))
    async with fake(polite) as (far_end, where):
        section = {**irc_section(where, where.port), **OPEN, "nickserv": {"password": PASSWORD.replace(" ", "")}}
        settings = config(tmp_path, "console:ops", ["irc:#gate"], networks={"irc": section})
        async with running(tmp_path, settings, patience=timedelta(seconds=0.5)) as bot:
            await bot.until(lambda: len(bot.console("ops")) == 1)
            far_end.say(b":s 900 gatewatch gatewatch!u@h gatewatch :You are now logged in as gatewatch")
            await bot.until(lambda: len(bot.console("ops")) == 2)
    assert_told_once(bot.console("ops"), "account irc")
    assert "NickServ" in bot.console("ops")[0]


# -- Matrix -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MatrixRooms:
    """Two rooms of a homeserver, somebody in them, and the bot's account."""

    person: MatrixHuman
    user: str
    ids: dict[str, str]

    async def bodies(self, room: str) -> list[str]:
        return await self.person.do(self.person.bodies, self.ids[room], self.user)


def matrix_rooms(synapse: Synapse) -> MatrixRooms:
    number = next(numbers)
    synapse.register(f"reader{number}", "pw")
    person = MatrixHuman(synapse.url, f"reader{number}", "pw")
    user = synapse.register(f"watcher{number}", PASSWORD)
    return MatrixRooms(person, user, {name: person.create(f"{name}{number}") for name in ("gate", "ops")})


@pytest.mark.parametrize("operators", ["console", "matrix"])
async def test_matrix_goes_away(synapse: Synapse, tmp_path: Path, logged: Logged, operators: str) -> None:
    await asyncio.to_thread(synapse.ensure)
    rooms = await asyncio.to_thread(matrix_rooms, synapse)
    add(tmp_path / "index", documents(1))
    account = {"type": "matrix", "homeserver": synapse.url, "user": rooms.user, "password": PASSWORD}
    ops = "console:ops" if operators == "console" else f"matrix:{rooms.ids['ops']}"
    settings = config(
        tmp_path,
        ops,
        ["console:gate", f"matrix:{rooms.ids['gate']}"],
        networks={"matrix": {**account, "timings": MATRIX_TIMINGS}},
    )
    async with running(tmp_path, settings) as bot:
        await until(lambda: rooms.bodies("gate"))
        await asyncio.to_thread(synapse.kill)
        await bot.until(lambda: bot.bot.troubles.open)
        await asyncio.to_thread(add, tmp_path / "index", [*documents(2), *documents(3)])
        await bot.until(lambda: len(bot.console("gate")) == 3)
        await asyncio.to_thread(synapse.start)

        async def told() -> list[str]:
            return bot.console("ops") if operators == "console" else await rooms.bodies("ops")

        await until(lambda: all_of(rooms.bodies("gate"), 3))
        await until(lambda: all_of(told(), 2))
        await looks(bot, 1)
        assert changes(await rooms.bodies("gate")) == ["1", "2", "3"]
        assert_told_once(await told(), "network matrix")
    assert changes(bot.console("gate")) == ["1", "2", "3"]
    assert (logged.troubles(), logged.over()) == (["network matrix"], ["network matrix"])


async def test_matrix_lets_the_bot_not_speak(synapse: Synapse, tmp_path: Path, logged: Logged) -> None:
    """What would be said waits, the operators hear of it, and of its end."""
    await asyncio.to_thread(synapse.ensure)
    rooms = await asyncio.to_thread(matrix_rooms, synapse)
    add(tmp_path / "index", documents(1))
    gate, person = f"matrix:{rooms.ids['gate']}", rooms.person
    account = {"type": "matrix", "homeserver": synapse.url, "user": rooms.user, "password": PASSWORD}
    networks = {"matrix": {**account, "timings": MATRIX_TIMINGS}}
    settings = config(tmp_path, "console:ops", ["console:gate", gate], networks=networks)
    async with running(tmp_path, settings) as bot:
        await until(lambda: rooms.bodies("gate"))
        levels = {"events_default": 50, "users": {}}
        await person.do(person.state, rooms.ids["gate"], "m.room.power_levels", levels)
        await bot.until(lambda: bot.console("ops"))
        await asyncio.to_thread(add, tmp_path / "index", [*documents(2), *documents(3)])
        await bot.until(lambda: len(bot.console("gate")) == 3)
        await looks(bot, 1)
        assert changes(await rooms.bodies("gate")) == ["1"]
        await person.do(person.state, rooms.ids["gate"], "m.room.power_levels", {**levels, "events_default": 0})
        await until(lambda: all_of(rooms.bodies("gate"), 3))
        await bot.until(lambda: len(bot.console("ops")) == 2)
        assert changes(await rooms.bodies("gate")) == ["1", "2", "3"]
    assert_told_once(bot.console("ops"), f"room {gate}")
    assert "its power level is 0, 50 is needed" in bot.console("ops")[0]
    assert (logged.troubles(), logged.over()) == ([f"room {gate}"], [f"room {gate}"])


async def all_of(lines: Awaitable[list[str]], count: int) -> bool:
    """Are there so many?"""
    return len(await lines) >= count


# -- the store's disk ---------------------------------------------------------------------------------------------


def disk(store: Store, pages: int) -> None:
    """So many pages may the store's file have (0: as many as it has now) on the connection that writes."""

    def limit(tx: Tx) -> None:
        there = tx._connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx._connection.exec_driver_sql(f"PRAGMA max_page_count = {pages or there}")

    store.write_now(limit)


async def test_the_disk_is_full(tmp_path: Path, logged: Logged) -> None:
    """Some changes wait for their turn when it becomes full, others fail while it is."""
    first, later = range(1, 41), range(41, 61)
    add(tmp_path / "index", [line for number in first for line in documents(number)])
    settings = config(tmp_path, "console:ops", ["console:gate", "console:more"])
    async with running(tmp_path, settings) as bot:
        await bot.until(lambda: bot.console("gate"))
        await asyncio.to_thread(disk, bot.store, 0)
        await asyncio.to_thread(add, tmp_path / "index", [line for number in later for line in documents(number)])
        await bot.until(lambda: bot.console("ops"))
        await asyncio.sleep(3)  # so long it goes on trying
        await asyncio.to_thread(disk, bot.store, 1_000_000)
        await bot.until(lambda: len(bot.console("gate")) == len(bot.console("more")) == 60, 40)
        await bot.until(lambda: len(bot.console("ops")) == 2)
    for room in ("gate", "more"):
        assert changes(bot.console(room)) == sorted(str(number) for number in (*first, *later))
    assert_told_once(bot.console("ops"), "store")
    assert (logged.troubles(), logged.over()) == (["store"], ["store"])
