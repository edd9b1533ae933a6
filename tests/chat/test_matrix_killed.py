"""SIGKILL at random moments of a run of alerts, corrections and commands: a person sees each of them, and each once.

`$GATEWATCH_KILLS` says how often: 20 times in `make test`, 200 in `make soak`; always 300 messages and 100 answers. A
correction has a note in the thread besides. In encrypted rooms, read by a client that decrypts, it is a third of that.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import quote

import pytest

from bot.chat.matrix.config import MatrixConfig
from bot.clock import utc_now
from bot.records import Kind, Stage
from bot.store import Store, Tx
from tests.chat.alerts import words
from tests.chat.human_js import JsHuman
from tests.chat.human_matrix import Human, until
from tests.chat.matrix_bot import PASSWORD, config
from tests.chat.matrix_process import Life, corrected, living, note, store_url
from tests.chat.matrix_scene import Scene
from tests.servers.synapse import SERVER_NAME

pytestmark = pytest.mark.xdist_group("synapse-killed")  # a minute, which the others need not wait for
KILLS = int(os.environ.get("GATEWATCH_KILLS", "20"))
SEED = 7_2026
MESSAGES, COMMANDS = 300, 100
CORRECTIONS = 0.2  # of the messages
AFTER = 0.3  # seconds: a life ends so long at most after its start, or after its first piece of work
FIRST = utc_now()


class Seen(NamedTuple):
    """A message of the bot's as a person sees it. `to`: the event that it answers, "" for none."""

    text: str
    to: str


class Person(Protocol):
    async def ask(self, room_id: str, text: str) -> str: ...

    async def seen(self, room_id: str) -> list[Seen]: ...


class Plainly:
    """A person in rooms that are not encrypted; they read the room from its beginning."""

    def __init__(self, human: Human, bot: str) -> None:
        self._human = human
        self._bot = bot

    async def ask(self, room_id: str, text: str) -> str:
        return await self._human.do(self._human.send, room_id, text)

    async def seen(self, room_id: str) -> list[Seen]:
        events = await self._human.do(self._human.messages, room_id, self._bot)
        return [_seen(event["content"]["body"], event["content"].get("m.relates_to")) for event in events]


class Encrypted:
    """A person whose client decrypts."""

    def __init__(self, human: JsHuman) -> None:
        self._human = human

    async def ask(self, room_id: str, text: str) -> str:
        return await self._human.send(room_id, text)

    async def seen(self, room_id: str) -> list[Seen]:
        assert self._human.unreadable(room_id) == []
        shown = {one["id"]: one for one in self._human.seen if one["kind"] == "message" and one["room"] == room_id}
        # The client shows them as it gets their keys; this is the order of the room.
        path = f"/rooms/{quote(room_id)}/messages?dir=f&limit=1000"
        events = (await self._human.do("raw", method="GET", path=path))["chunk"]
        there = [shown[event["event_id"]] for event in events if event["event_id"] in shown]
        assert len(there) == len(shown)
        return [_seen(one["content"]["body"], one["relation"]) for one in there]


def _seen(text: str, relation: dict[str, dict[str, str]] | None) -> Seen:
    return Seen(text, (relation or {}).get("m.in_reply_to", {}).get("event_id", ""))


@dataclass
class Run:
    """What is asked of the bot in its lives. `store`: beside the bot, which has the lock."""

    person: Person
    store: Store
    rooms: dict[str, str]  # full name -> id
    chance: random.Random
    expected: dict[str, list[str]] = field(default_factory=dict)  # per room, in order
    asked: dict[str, str] = field(default_factory=dict)  # event -> what was asked
    rows: int = 0

    def queue(self, number: int) -> None:
        """So many messages more: new ones, and corrections of what was said (each once, so none is merged)."""
        now = utc_now()

        def enqueue(tx: Tx) -> None:
            said = [row for row in tx.ended_since(FIRST) if row.stage is Stage.SAID]
            once = {row.about for row in [*said, *tx.unfinished()] if row.revision}
            to_correct = [row for row in said if row.about not in once]
            for _ in range(number):
                if to_correct and self.chance.random() < CORRECTIONS:
                    row = to_correct.pop(self.chance.randrange(len(to_correct)))
                    about, room, revision = row.about, row.room, 1
                    texts = [f"* {corrected(about)}", note(about)]
                else:
                    about, room, revision = f"{self.rows:04}", self.chance.choice(list(self.rooms)), 0
                    texts = [words(about)]
                tx.enqueue(Kind.CHANGE, about, room, revision, now, now)
                self.expected.setdefault(room, []).extend(texts)
                self.rows += 1

        self.store.write_now(enqueue)

    async def ask(self, number: int) -> None:
        for _ in range(number):
            text = f"!ask {len(self.asked)}"
            self.asked[await self.person.ask(self.chance.choice(list(self.rooms.values())), text)] = text

    def stages(self) -> Counter[Stage]:
        return Counter(self.store.read_now(lambda tx: tx.totals_by_stage()))

    def all_said(self) -> bool:
        return self.stages()[Stage.SAID] == self.rows

    def all_heard(self) -> bool:
        return self.store.read_now(lambda tx: all(tx.was_heard("net", event) for event in self.asked))

    async def seen(self) -> dict[str, list[Seen]]:
        """By room."""
        return {room: await self.person.seen(room_id) for room, room_id in self.rooms.items()}

    async def all_seen(self) -> bool:
        """Has the person's client as much as there is to be seen?"""
        return sum(map(len, (await self.seen()).values())) >= sum(map(len, self.expected.values())) + len(self.asked)


async def end_of(life: Life, run: Run, chance: random.Random) -> None:
    """A random moment: of its start, or of its work."""
    if chance.random() < 0.7:
        done = run.stages()
        await until(lambda: life.lives() and run.stages() != done)
    await asyncio.sleep(chance.uniform(0, AFTER))


async def killed(folder: Path, settings: MatrixConfig, rooms: dict[str, str], person: Person, part: int) -> None:
    """A run of so many messages, commands and kills: 1 of `part` of all."""
    kills, messages, commands = KILLS // part, MESSAGES // part, COMMANDS // part
    place = (folder, settings, list(rooms))
    Store.open(store_url(folder), now=utc_now()).close_now()
    run = Run(person, Store.open(store_url(folder), now=utc_now(), lock=False), rooms, random.Random(SEED))
    chance = random.Random(SEED)
    began, while_saying = time.monotonic(), 0
    try:
        with living(*place):  # what was said before its first start was not said to it
            run.queue(1)
            await until(run.all_said, within=60)
        for number in range(kills):
            run.queue(share(messages - 1, number, kills))
            with living(*place) as life:
                asking = asyncio.create_task(run.ask(share(commands, number, kills)))
                await end_of(life, run, chance)
            while_saying += run.stages()[Stage.SENDING]
            await asking
        with living(*place):
            await until(run.all_said, within=120)
            await until(run.all_heard, within=120)
        await until(run.all_seen)
    finally:
        run.store.close_now()
    print(f"{kills} kills in {time.monotonic() - began:.0f} s, {while_saying} of them while something was being said")
    assert while_saying
    assert run.rows == messages
    seen = await run.seen()
    told = {room: [one.text for one in found if not is_answer(one)] for room, found in seen.items()}
    assert told == run.expected
    answers = [(one.to, one.text) for found in seen.values() for one in found if is_answer(one)]
    assert len(answers) == len(run.asked) == commands
    assert dict(answers) == {event: f"answer to {text}" for event, text in run.asked.items()}


def is_answer(one: Seen) -> bool:
    return one.text.startswith("answer to ")


def share(whole: int, life: int, lives: int) -> int:
    """Of a whole, what is new in this life."""
    return whole * (life + 1) // lives - whole * life // lives


async def test_killed_at_any_moment_nothing_is_lost_and_nothing_said_twice(scene: Scene, tmp_path: Path) -> None:
    other = await scene.human.do(scene.human.create, f"{scene.alias}-other")
    rooms = {scene.room: scene.room_id, f"net:#{scene.alias}-other:{SERVER_NAME}": other}
    person = Plainly(scene.human, scene.user)
    await killed(tmp_path, config(scene.synapse.url, scene.user, threads=True), rooms, person, part=1)


async def test_so_it_is_in_encrypted_rooms(scene: Scene, tmp_path: Path) -> None:
    name = await asyncio.to_thread(scene.synapse.register, f"js-{scene.alias}", PASSWORD)
    async with JsHuman.at(scene.synapse.url, name, PASSWORD) as human:
        ids = [(await human.do("create", version="12", invite=[scene.user]))["room_id"] for _ in range(2)]
        settings = config(scene.synapse.url, scene.user, encryption=True, threads=True)
        await killed(tmp_path, settings, {f"net:{id}": id for id in ids}, Encrypted(human), part=3)
