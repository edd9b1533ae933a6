"""What Matrix networks cost at rest, and an account in many rooms: beside nio's own client, on the same Synapse.

    python -m bench.matrix_rest [--networks 20] [--rooms 300] [--seconds 60]

Each way in a process of its own, which does nothing else; accounts, rooms and people are the same. "encrypted" is the
adapter with `encryption: true`, in a room without encryption.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from nio import AsyncClient

from bench.measuring import machine, memory
from bot.chat.matrix.config import Timings
from tests.chat.human_matrix import Human, until
from tests.chat.matrix_bot import PASSWORD, Bot, MemoryKeep, config
from tests.servers.synapse import Synapse

AS_SHIPPED = Timings()  # the config's own waits
PEOPLE = 4  # in each room, and the bot


@asynccontextmanager
async def ours(url: str, user: str, rooms: Sequence[str], keep: Path, encryption: bool = False) -> AsyncIterator[None]:
    """The adapter, from its start until it is in all of its rooms; what it keeps is in a file."""
    kept = MemoryKeep()
    kept.values = earlier(keep)
    settings = config(url, user, timings=AS_SHIPPED, encryption=encryption)
    crypto = keep.with_suffix(".crypto") if encryption else None
    bot = Bot(settings, [f"net:{room}" for room in rooms], kept, crypto=crypto)
    async with bot.running():
        await bot.ready(within=600)
        assert set(bot.chat.status().rooms.values()) <= {"joined"}
        yield
    later(keep, kept.values)


@asynccontextmanager
async def bare(url: str, user: str, rooms: Sequence[str], keep: Path) -> AsyncIterator[None]:
    """nio's client as its documentation has it; it is in the rooms already."""
    client = AsyncClient(url, user)
    if login := earlier(keep):
        client.restore_login(**login)
    else:
        await client.login(PASSWORD, device_name="bare")
        login = {"user_id": client.user_id, "device_id": client.device_id, "access_token": client.access_token}
        later(keep, login)
    syncing = asyncio.create_task(client.sync_forever(timeout=30_000, full_state=True))
    try:
        await until(lambda: len(client.rooms) >= len(rooms) and client.next_batch, within=600)
        yield
    finally:
        syncing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await syncing
        await client.close()


def earlier(keep: Path) -> dict[str, str]:
    """What an earlier start kept."""
    found: dict[str, str] = json.loads(keep.read_text()) if keep.exists() else {}
    return found


def later(keep: Path, values: dict[str, str]) -> None:
    keep.write_text(json.dumps(values))


WAYS = {"ours": ours, "encrypted": partial(ours, encryption=True), "bare": bare}


async def one(way: str, url: str, users: Sequence[str], rooms: Sequence[str], seconds: float, folder: Path) -> None:
    """Start the accounts one after the other and rest; prints what it took as JSON."""
    empty = memory()["VmRSS"]
    before = 0.0
    async with AsyncExitStack() as stack:
        # What is loaded once is loaded with the first.
        for number, user in enumerate(users):
            began = time.perf_counter()
            await stack.enter_async_context(WAYS[way](url, user, rooms, folder / f"{way}-{user[1:].partition(':')[0]}"))
            started = time.perf_counter() - began
            if number == 0:
                before, cpu = memory()["VmRSS"], time.process_time()
        grown, cpu = memory()["VmRSS"] - before, time.process_time()
        await asyncio.sleep(seconds)
        print(
            json.dumps(
                {"started": started, "all": grown + before - empty, "grown": grown, "cpu": time.process_time() - cpu}
            )
        )


def measured(
    way: str, url: str, users: Sequence[str], rooms: Sequence[str], seconds: float, folder: Path
) -> dict[str, float]:
    """The same in a process of its own."""
    told = json.dumps([way, url, list(users), list(rooms), seconds, str(folder)])
    done = subprocess.run(
        [sys.executable, "-m", "bench.matrix_rest", "--one", told], capture_output=True, text=True, timeout=1200
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def idle(synapse: Synapse, folder: Path, networks: int, seconds: float) -> None:
    """What each further network adds, in a room of its people."""
    human = people(synapse)[0]
    room = human.create("idle")
    users = [synapse.register(f"idle{number}", PASSWORD) for number in range(networks + 1)]
    for user in users:
        Human(synapse.url, user[1:].partition(":")[0], PASSWORD).join(room)
    found = {way: measured(way, synapse.url, users, [room], seconds, folder) for way in WAYS}
    for way, one in found.items():
        first, each = one["all"] - one["grown"], one["grown"] / networks
        cpu = 100 * one["cpu"] / seconds / (networks + 1)
        print(f"idle, {way}: the first network {first:.2f} MB, each further {each:.2f} MB, CPU {cpu:.4f} % of one core")


def many(synapse: Synapse, folder: Path, rooms: int, seconds: float) -> None:
    """One account in one room, then in many: joined at its first start, and there already at its second."""
    everybody = people(synapse)
    for count in (1, rooms):
        ids = [everybody[0].create() for _ in range(count)]
        for person in everybody[1:]:
            for id in ids:
                person.join(id)
        user = synapse.register(f"in{count}", PASSWORD)
        for visit in ("first start, joining", "second start"):
            found = measured("ours", synapse.url, [user], ids, seconds, folder)
            say(f"{count} rooms, {visit}", found, seconds)
        for visit in ("first start, in them already", "second start"):
            say(
                f"{count} rooms, nio's client, {visit}",
                measured("bare", synapse.url, [user], ids, seconds, folder),
                seconds,
            )


def say(what: str, found: dict[str, float], seconds: float) -> None:
    cpu = 100 * found["cpu"] / seconds
    print(f"{what}: ready after {found['started']:.2f} s, {found['all']:.1f} MB more, at rest {cpu:.2f} % of one core")


def people(synapse: Synapse) -> list[Human]:
    """Those who are in each room."""
    names = [f"person{number}" for number in range(PEOPLE)]
    for name in names:
        with contextlib.suppress(OSError):  # there already
            synapse.register(name, "pw")
    return [Human(synapse.url, name, "pw") for name in names]


def main() -> None:
    parser = argparse.ArgumentParser(description="What Matrix networks cost at rest, and an account in many rooms.")
    parser.add_argument("--networks", type=int, default=20, help="that are added to a first one")
    parser.add_argument("--rooms", type=int, default=300, help="of one account; 0: none of that")
    parser.add_argument("--seconds", type=float, default=60, help="at rest, in which the CPU is measured")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        way, url, users, rooms, seconds, folder = json.loads(given.one)
        return asyncio.run(one(way, url, users, rooms, seconds, Path(folder)))
    machine()
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        try:
            synapse = Synapse(Path(folder))
        except pytest.skip.Exception as missing:
            sys.exit(str(missing))
        synapse.start()
        try:
            idle(synapse, Path(folder), given.networks, given.seconds)
            if given.rooms:
                many(synapse, Path(folder), given.rooms, given.seconds)
        finally:
            synapse.kill()
    return None


if __name__ == "__main__":
    main()
