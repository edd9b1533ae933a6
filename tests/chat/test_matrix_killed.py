"""SIGKILL at random moments of a run of alerts, corrections and commands: a person sees each of them, and each once.

`$GATEWATCH_KILLS` says how often: 20 times in `make test`, 200 in `make soak`; always 300 messages and 100 answers.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.records import Kind, Stage
from bot.store import Store
from tests.chat.alerts import utc_now, words
from tests.chat.human_matrix import until
from tests.chat.matrix_process import Life, corrected, living, store_url
from tests.chat.matrix_scene import Scene
from tests.servers.synapse import SERVER_NAME

pytestmark = pytest.mark.xdist_group("synapse")
KILLS = int(os.environ.get("GATEWATCH_KILLS", "20"))
SEED = 7_2026
MESSAGES, COMMANDS = 300, 100
CORRECTIONS = 0.2  # of the messages
AFTER = 0.3  # seconds: a life ends so long at most after its start, or after its first piece of work


@dataclass
class Run:
    """What is asked of the bot in its lives. `store`: beside the bot, which has the lock."""

    scene: Scene
    store: Store
    rooms: dict[str, str]  # full name -> id
    chance: random.Random
    expected: dict[str, list[str]] = field(default_factory=dict)  # per room, in order
    asked: dict[str, str] = field(default_factory=dict)  # event -> what was asked
    rows: int = 0

    def queue(self, number: int) -> None:
        """So many messages more: new ones, and corrections of what was said (no row twice, so none is merged)."""
        now = utc_now()

        def enqueue(tx) -> None:  # type: ignore[no-untyped-def]
            said = [row for row in tx.ended_since(now.replace(year=2000)) if row.stage is Stage.SAID]
            corrected_once = {row.about for row in [*said, *tx.unfinished()] if row.revision}
            open_to_it = [row for row in said if row.about not in corrected_once]
            for _ in range(number):
                if open_to_it and self.chance.random() < CORRECTIONS:
                    row = open_to_it.pop(self.chance.randrange(len(open_to_it)))
                    about, room, revision, text = row.about, row.room, 1, f"* {corrected(row.about)}"
                else:
                    about, room, revision = f"{self.rows:04}", self.chance.choice(list(self.rooms)), 0
                    text = words(about)
                tx.enqueue(Kind.CHANGE, about, room, revision, now, now)
                self.expected.setdefault(room, []).append(text)
                self.rows += 1

        self.store.write_now(enqueue)

    async def ask(self, number: int) -> None:
        human = self.scene.human
        for _ in range(number):
            text = f"!ask {len(self.asked)}"
            event = await human.do(human.send, self.chance.choice(list(self.rooms.values())), text)
            self.asked[event] = text

    def stages(self) -> Counter[Stage]:
        return Counter(self.store.read_now(lambda tx: tx.totals_by_stage()))

    def ended(self) -> int:
        return self.rows - self.stages()[Stage.QUEUED] - self.stages()[Stage.SENDING]

    async def all_said(self, within: float) -> None:
        await until(lambda: self.ended() == self.rows, within)

    async def answers(self) -> list[tuple[str, str]]:
        """(event that was asked, answer) as people see them."""
        seen = []
        for room_id in self.rooms.values():
            for event in await self.scene.human.do(self.scene.human.messages, room_id, self.scene.user):
                reply = event["content"].get("m.relates_to", {}).get("m.in_reply_to")
                if reply is not None:
                    seen.append((reply["event_id"], event["content"]["body"]))
        return seen

    async def told(self, room_id: str) -> list[str]:
        bodies = await self.scene.human.do(self.scene.human.bodies, room_id, self.scene.user)
        return [body for body in bodies if not body.startswith("answer to ")]


async def end_of(life: Life, run: Run, chance: random.Random) -> None:
    """A random moment: of its start, or of its work."""
    if chance.random() < 0.7:
        done = run.stages()
        await until(lambda: life.lives() and run.stages() != done)
    await asyncio.sleep(chance.uniform(0, AFTER))


async def test_killed_at_any_moment_nothing_is_lost_and_nothing_said_twice(scene: Scene, tmp_path: Path) -> None:
    other = await scene.human.do(scene.human.create, f"{scene.alias}-other")
    rooms = {scene.room: scene.room_id, f"net:#{scene.alias}-other:{SERVER_NAME}": other}
    place = (tmp_path, scene.synapse.url, scene.user, list(rooms))
    Store.open(store_url(tmp_path), now=utc_now()).close_now()
    run = Run(scene, Store.open(store_url(tmp_path), now=utc_now(), lock=False), rooms, random.Random(SEED))
    chance = random.Random(SEED)
    began, killed_saying = time.monotonic(), 0
    try:
        with living(*place):  # what was said before its first start was not said to it
            run.queue(1)
            await run.all_said(within=30)
        for number in range(KILLS):
            run.queue(share(MESSAGES - 1, number))
            with living(*place) as life:
                asking = asyncio.create_task(run.ask(share(COMMANDS, number)))
                await end_of(life, run, chance)
            killed_saying += run.stages()[Stage.SENDING]
            await asking
        with living(*place):
            await run.all_said(within=60)
            await until(lambda: answered_all(run), within=60)
    finally:
        run.store.close_now()
    print(f"{KILLS} kills in {time.monotonic() - began:.0f} s, {killed_saying} of them while something was being said")
    assert killed_saying
    assert {room: await run.told(room_id) for room, room_id in rooms.items()} == run.expected
    assert sum(map(len, run.expected.values())) == run.rows == MESSAGES
    answers = await run.answers()
    assert len(answers) == len(run.asked) == COMMANDS
    assert dict(answers) == {event: f"answer to {text}" for event, text in run.asked.items()}


def share(whole: int, life: int) -> int:
    """Of a whole, what is new in this life."""
    return whole * (life + 1) // KILLS - whole * life // KILLS


async def answered_all(run: Run) -> bool:
    return {event for event, _ in await run.answers()} >= run.asked.keys()
