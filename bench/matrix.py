"""What the Matrix adapter costs, and how long a message takes from the bot to a person in the room.

    python -m bench.matrix [--rounds 40] [--seconds 60]

On a real Synapse without rate limits. Each way to the room in each round, so that what else the machine does hits all.
Then what an idle bot costs, whose only network is Matrix, without the extra e2e, with it, and in an encrypted room.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote

from bench.idle import readings
from bench.measuring import machine, run_measurement
from bot.chat.matrix.config import Timings
from tests.chat.alerts import announcing, words
from tests.chat.human_matrix import Human
from tests.chat.matrix_bot import PASSWORD, Bot, MemoryKeep, config, post
from tests.endtoend.process import Bot as Process
from tests.servers.synapse import SERVER_NAME, Synapse

AS_SHIPPED = Timings()  # the config's own waits
OPENED = 0.1  # seconds until the reader's poll is at the server
LOOK = 1.0  # seconds between the announcer's looks at the outbox, as in a bot
POLL = 30_000  # milliseconds that it may be held there


class Reader:
    """A person who has the room before their eyes: a long poll, one after the other."""

    def __init__(self, human: Human) -> None:
        self._human = human
        self._since = str(human.call("GET", "sync")["next_batch"])

    def sees(self, text: str) -> float:
        """The moment at which a message with this text came."""
        while True:
            answer = self._human.call("GET", f"sync?timeout={POLL}&since={quote(self._since)}")
            at = time.perf_counter()
            self._since = answer["next_batch"]
            for room in answer.get("rooms", {}).get("join", {}).values():
                if any(event["content"].get("body") == text for event in room["timeline"]["events"]):
                    return at


async def taken(reader: Reader, text: str, say: Callable[[str], Awaitable[object]]) -> float:
    """Seconds from saying it to its being seen."""
    seeing = asyncio.create_task(asyncio.to_thread(reader.sees, text))
    await asyncio.sleep(OPENED)
    began = time.perf_counter()
    await say(text)
    return await seeing - began


async def seen(synapse: Synapse, folder: Path, rounds: int) -> None:
    """At rest: one message at a time, from a person, from the adapter, and from the outbox."""
    for name in ("ann", "bea"):
        synapse.register(name, "pw")
    ann, bea = (Human(synapse.url, name, "pw") for name in ("ann", "bea"))
    room_id = bea.create("seen")
    ann.join(room_id)
    user = synapse.register("speaker", PASSWORD)
    room = f"net:#seen:{SERVER_NAME}"
    bot = Bot(config(synapse.url, user, timings=AS_SHIPPED), [room], MemoryKeep())
    bare, direct, queued = list[float](), list[float](), list[float]()
    async with bot.running(), announcing(bot.chat, folder, every=LOOK) as alerts:
        await bot.ready()
        reader = await asyncio.to_thread(Reader, ann)

        async def say(text: str) -> None:
            await bot.chat.say(post(room, text, text))

        async def queue(text: str) -> None:
            await asyncio.to_thread(alerts.queue, [room], 1)
            assert alerts.texts[-1] == text

        for number in range(rounds):
            bare.append(await taken(reader, f"person {number}", lambda text: bea.do(bea.send, room_id, text)))
            direct.append(await taken(reader, f"said {number}", say))
            await asyncio.sleep(random.random() * LOOK)  # any moment between two looks of the announcer
            queued.append(await taken(reader, words(f"{number:04}"), queue))
            await alerts.finished(within=10)
    for name, found in (("person to person", bare), ("say to person", direct), ("queued to person", queued)):
        median = statistics.median(found)
        print(
            f"{name}: median {1000 * median:.1f} ms ({median / statistics.median(bare):.1f} times person to person), "
            f"least {1000 * min(found):.1f} ms, most {1000 * max(found):.1f} ms"
        )


def without_extra(folder: Path) -> Mapping[str, str]:
    """An environment in which the libraries of encryption seem not to be installed."""
    (folder / "sitecustomize.py").write_text('import sys\nsys.modules["vodozemac"] = None\n', encoding="ascii")
    return {"PYTHONPATH": str(folder)}


async def idle(
    synapse: Synapse, name: str, folder: Path, wait: float, *, encryption: bool, more: Mapping[str, str]
) -> None:
    """Run a bot that has said one thing in its room; read its cost twice, `wait` seconds apart."""
    user, reader = synapse.register(name, PASSWORD), synapse.register(f"{name}-reader", "pw")
    human = Human(synapse.url, reader, "pw")
    room_id = human.create(public=False, invite=user)
    if encryption:
        human.state(room_id, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    account = {"type": "matrix", "homeserver": synapse.url, "user": user, "password": PASSWORD}
    rooms = [f"matrix:{room_id}"]
    settings = {
        "search": {"url": "embedded", "path": "index"},
        "networks": {"matrix": {**account, "encryption": encryption}},
        "feeds": {"all": {"rooms": rooms}},
    }
    bot = Process(folder / name, {**settings, "builds": {}, "poll": {}})
    with patch.dict(os.environ, more), bot.running():
        await bot.until(lambda: "started networks=" in bot.log())  # with its store
        said = [sys.executable, "-m", "bot", "say", "-c", str(folder / name / "config.yaml"), rooms[0], "hello"]
        await asyncio.to_thread(subprocess.run, said, check=True, stdout=subprocess.DEVNULL)
        costs = await readings(bot, wait)
        await bot.stop()
    used = 100 * (costs[1].cpu - costs[0].cpu) / wait
    print(f"idle, {name}: VmRSS {costs[1].resident:.1f} MB, Pss {costs[1].shared_out:.1f} MB, CPU {used:.2f} %")


async def run(rounds: int, wait: float) -> None:
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        synapse = Synapse(Path(folder))
        synapse.start()
        try:
            if rounds:
                await seen(synapse, Path(folder), rounds)
            hidden = Path(folder) / "hidden"
            hidden.mkdir()
            bare = without_extra(hidden)
            await idle(synapse, "without-the-extra", Path(folder), wait, encryption=False, more=bare)
            await idle(synapse, "with-the-extra", Path(folder), wait, encryption=False, more={})
            await idle(synapse, "encrypted", Path(folder), wait, encryption=True, more={})
        finally:
            synapse.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description="What the Matrix adapter costs, and how fast it is.")
    parser.add_argument("--rounds", type=int, default=40, help="messages of each kind whose time is taken")
    parser.add_argument("--seconds", type=float, default=60, help="between two readings of an idle bot")
    given = parser.parse_args()
    machine()
    run_measurement(run(given.rounds, given.seconds))


if __name__ == "__main__":
    main()
