"""A gate in memory, for the rules of a failure's life: an index, two networks, and the bot between them.

The store is the real one. The index answers honestly; it and the networks misbehave only when a test tells them to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bot.announcer import Announcer
from bot.chat import Hear
from bot.classify import Classifier
from bot.config import Announce, Feed
from bot.core import filter_digest
from bot.deliveries import Rules
from bot.incidents import Waits
from bot.links import Links
from bot.lucene.matching import matches
from bot.lucene.parse import parse
from bot.lucene.tree import Node
from bot.model import (
    Answer,
    Build,
    Complete,
    Field,
    Fields,
    Hit,
    Line,
    Listed,
    Profile,
    Signature,
    Totals,
    Unknown,
    Where,
    Window,
)
from bot.poller import Poller, Ticked
from bot.records import Delivery, Stage
from bot.rendering import Renderer
from bot.routing import rooms_of
from bot.search import Question, Search
from bot.search.profiles import LOGSENDER
from bot.sources.index import IndexSource
from bot.store import Store
from bot.talk import NetworkStatus, Post, Said
from bot.troubles import Troubles

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
IRC, MATRIX = "oftc:#nova", "opendev:#nova:example.org"
MESSAGE = {"message": Field("message", "text", "message.keyword")}


class Index:
    """The Search contract over a list of builds and lines. `calls`: what was asked, in order.

    `down`: why nothing answers. `silent`: signatures that do not answer, `refused`: that are refused (why), `shaky`:
    that give their hits but not for sure. `undescribed`: metadata does not come; `nameless`: builds that have none.
    `partly`: the listing is not sure.
    `shapeless`: why the fields do not come, `speechless`: why no line does.
    """

    profile: Profile = LOGSENDER

    def __init__(self) -> None:
        self.builds_there: dict[str, Build] = {}
        self.lines_there: dict[str, list[Line]] = {}
        self.shape: Fields = MESSAGE
        self.calls: list[str] = []
        self.asked: list[frozenset[str]] = []
        self.down = ""
        self.partly = ""
        self.undescribed = ""
        self.shapeless = ""
        self.speechless = ""
        self.nameless: set[str] = set()
        self.silent: set[str] = set()
        self.shaky: set[str] = set()
        self.refused: dict[str, str] = {}

    def add(self, build: Build, *messages: str, at: datetime) -> None:
        """More lines of a build, all written at that time."""
        self.builds_there[build.uuid] = build
        lines = self.lines_there.setdefault(build.uuid, [])
        lines += [Line(at, text, "job-output.txt", f"https://logs.example/{build.uuid}/") for text in messages]

    def _lines(self, uuid: str, window: Window) -> list[Line]:
        return [line for line in self.lines_there.get(uuid, []) if window.lines_from <= line.at < window.end]

    async def builds(self, window: Window, where: Where) -> Answer[list[Listed]]:
        self.calls.append("builds")
        found = []
        for uuid, build in self.builds_there.items():
            lines = self._lines(uuid, window)
            wanted = build.pipeline in where.pipelines and build.result in where.results
            if wanted and lines and max(line.at for line in lines) >= window.start:
                found.append(Listed(uuid, len(lines), max(line.at for line in lines)))
        if self.down:
            return Unknown(self.down, [])
        return Unknown(self.partly, found) if self.partly else Complete(found)

    async def described(self, uuids: Sequence[str], window: Window) -> Answer[list[Build]]:
        self.calls.append("described")
        if self.down or self.undescribed:
            return Unknown(self.down or self.undescribed, [])
        return Complete([self.builds_there[uuid] for uuid in uuids if uuid not in self.nameless])

    async def hits(
        self, questions: Sequence[Question], uuids: Sequence[str] | None, window: Window
    ) -> Mapping[str, Answer[list[Hit]]]:
        self.calls.append("hits")
        self.asked.append(frozenset(question.id for question in questions))
        meant = list(self.builds_there) if uuids is None else uuids
        return {question.id: self._answer(question, meant, window) for question in questions}

    def _answer(self, question: Question, uuids: Sequence[str], window: Window) -> Answer[list[Hit]]:
        found = []
        for uuid in uuids:
            hit = [one for one in self._lines(uuid, window) if matches(question.tree, {"message": one.message})]
            if hit:
                found.append(Hit(question.id, uuid, len(hit), hit[0].at, hit[-1].at, hit[0]))
        if question.id in self.refused:
            return Unknown(self.refused[question.id], [], refused=True)
        if self.down or question.id in self.silent:
            return Unknown(self.down or "timed out", [])
        return Unknown("1 of 5 shards failed", found) if question.id in self.shaky else Complete(found)

    async def lines(self, uuid: str, tree: Node, limit: int, window: Window) -> Answer[list[Line]]:
        self.calls.append("lines")
        found = [line for line in self._lines(uuid, window) if matches(tree, {"message": line.message})]
        why = self.down or self.speechless
        return Unknown(why, []) if why else Complete(found[:limit])

    async def totals(self, window: Window) -> Answer[Totals]:
        self.calls.append("totals")
        nothing: Totals = ()
        return Unknown(self.down, nothing) if self.down else Complete(nothing)

    async def fields(self) -> Answer[Fields]:
        self.calls.append("fields")
        nothing: Fields = {}
        why = self.down or self.shapeless
        return Unknown(why, nothing) if why else Complete(self.shape)

    async def close(self) -> None:
        pass


class Network:
    """The Chat contract, kept in memory. `told`: what people saw, in order; `posts`: all that was to be said.

    `faults`: what the next posts run into; None is success. `ready` False: nobody is to claim for it. `gone`: what
    was said and is not there any more. `pace`: how far apart it lets messages be. `rooms`: how each is.
    """

    def __init__(self, name: str, edits: bool) -> None:
        self.name = name
        self.edits = edits
        self.ready = True
        self.pace = timedelta(0)
        self.rooms: dict[str, str] = {}
        self.faults: list[Exception | None] = []
        self.gone: set[str] = set()
        self.told: list[str] = []
        self.posts: list[Post] = []

    async def run(self, heard: Hear) -> None:
        await asyncio.Event().wait()

    async def say(self, post: Post) -> Said:
        self.posts.append(post)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        anew = self.edits and post.replaces is not None and post.replaces.id in self.gone
        if self.edits and post.replaces is not None and not anew:
            self.told.append(f"edit of {post.replaces.id}: {post.message.text}")
        else:
            text = post.message.text if post.replaces is None or anew else post.message.changed
            self.told += [text] if text else []
        return Said(f"${len(self.told)}" if self.edits else "", anew)

    def status(self) -> NetworkStatus:
        return NetworkStatus(
            self.name, "connected" if self.ready else "away", self.ready, pace=self.pace, rooms=self.rooms
        )


def signature(id: str, query: str, **other: Any) -> Signature:
    return Signature(id, query, sha256(query.encode()).hexdigest(), **other)


BOOM = signature("1001", 'message:"boom"', title="It booms", advice="recheck")
BANG = signature("1002", 'message:"bang"', title="It bangs")


@dataclass
class Gate:
    """Everything from the index to the rooms. `now` is stepped by hand; one tick is one look at the index.

    `search`: in place of the index in memory.
    """

    path: Path
    signatures: Sequence[Signature] = (BOOM, BANG)
    feeds: Mapping[str, Feed] = field(
        default_factory=lambda: {"irc": Feed(rooms=(IRC,)), "matrix": Feed(rooms=(MATRIX,))}
    )
    waits: Waits = field(default_factory=Waits)
    fold_over: int = 10
    now: datetime = START
    look_back: timedelta = DAY
    announce: Announce = field(default_factory=Announce)
    search: Search | None = None

    def __post_init__(self) -> None:
        self.index = Index()
        self.irc, self.matrix = Network("oftc", edits=False), Network("opendev", edits=True)
        self.chats = {chat.name: chat for chat in (self.irc, self.matrix)}
        self.troubles = Troubles("", self.chats, lambda: self.now)
        self.store = Store.copy_in_memory(f"sqlite:///{self.path / 'bot.db'}")
        self.ticks: list[Ticked] = []
        self.start()

    def start(self, signatures: Sequence[Signature] | None = None, feeds: Mapping[str, Feed] | None = None) -> None:
        """The bot starts (again), perhaps with other signatures or feeds."""
        self.signatures = self.signatures if signatures is None else signatures
        self.feeds = self.feeds if feeds is None else feeds
        search = self.search or self.index
        known = {one.id: one for one in self.signatures}
        rooms = rooms_of(self.feeds, {name: chat.edits for name, chat in self.chats.items()})
        digests = {name: filter_digest(feed) for name, feed in self.feeds.items()}
        self.rules = Rules(self.waits, rooms, digests)
        self.source = IndexSource(search, ("gate",), self.look_back)
        self.classifier = Classifier(search, {id: parse(one.query) for id, one in known.items()})
        self.poller = Poller(self.source, self.store, self.classifier, known, self.rules, MINUTE)
        self.render = Renderer(self.rules, known, Links(), self.announce)
        self.announcers = {
            name: Announcer(
                chat,
                self.store,
                self.render,
                self.troubles,
                lambda: self.now,
                lambda _: self.fold_over,
                self.waits.say_within,
                every=0.001,
            )
            for name, chat in self.chats.items()
        }

    def build(self, uuid: str, job: str = "tempest", change: str = "900001", **other: Any) -> Build:
        given = {
            "result": "FAILURE",
            "project": "openstack/nova",
            "pipeline": "gate",
            "branch": "master",
            "patchset": "1",
            "buildset": f"set-{change}",
        }
        return Build(uuid, job, change=change, **(given | other))

    def fails(self, uuid: str, *messages: str, ended: timedelta = MINUTE, **of_build: Any) -> Build:
        """A build failed some time ago; its lines are in the index now."""
        build = self.build(uuid, **of_build)
        self.index.add(build, *(messages or ("nothing to see",)), at=self.now - ended)
        return build

    def grows(self, uuid: str, *messages: str) -> None:
        """More lines of a build arrive."""
        self.index.add(self.index.builds_there[uuid], *messages, at=self.now)

    async def look(self) -> Ticked:
        """One look at the index, nothing said."""
        ticked = await self.poller.tick(self.now)
        self.ticks.append(ticked)
        return ticked

    async def speak(self) -> None:
        """All that is due now is said, where the network is ready."""
        for name, chat in self.chats.items():
            while chat.ready and await self.announcers[name].step():
                pass

    async def tick(self, times: int = 1, every: timedelta = MINUTE) -> None:
        """Look and speak, then let time pass, so often."""
        for _ in range(times):
            await self.look()
            await self.speak()
            self.now += every

    async def rows(self, room: str = IRC) -> list[Delivery]:
        """The room's rows in the outbox, by id."""
        rows = await self.store.read(lambda tx: [*tx.unfinished(), *tx.ended_since(START - 30 * DAY)])
        return sorted((row for row in rows if row.room == room), key=lambda row: row.id)

    async def stages(self, room: str = IRC) -> list[tuple[int, Stage, str]]:
        """The room's rows as (revision, stage, reason)."""
        return [(row.revision, row.stage, row.reason) for row in await self.rows(room)]


class Noted(Troubles):
    """Troubles that keep their lines."""

    def __init__(self, gate: Gate) -> None:
        super().__init__("", {}, lambda: gate.now)

    @property
    def lines(self) -> list[str]:
        return [post.message.text for post in self._posts]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that is about to happen."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for knows no event
            await asyncio.sleep(0.001)


@pytest.fixture
def gates(tmp_path: Path) -> Iterator[Callable[..., Gate]]:
    """Gates of a test's own making; their stores are closed behind them."""
    made: list[Gate] = []

    def make(**given: Any) -> Gate:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Gate(folder, **given))
        return made[-1]

    yield make
    for one in made:
        one.store.close_now()


@pytest.fixture
def gate(gates: Callable[..., Gate]) -> Gate:
    """A gate with two signatures, an IRC channel and a Matrix room that hear everything."""
    return gates()
