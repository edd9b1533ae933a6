"""What an idle bot costs: memory and CPU time of its process, in an IRC channel and a Matrix room.

    python -m bench.idle [--seconds 60]

Once with an embedded index and once with a real OpenSearch, each with the example's builds in it and all waits as the
config file has them by default. Memory is read twice, the CPU time is that between. Needs what tests/servers needs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.measuring import run_measurement
from bot.model import Build, Line
from bot.search.embedded.writing import add
from tests.chat.human_matrix import Human
from tests.endtoend.process import Bot
from tests.search.layouts import logsender
from tests.servers import opensearch
from tests.servers.ircd import Ircd, start_hybrid
from tests.servers.synapse import SERVER_NAME, Synapse

PASSWORD = "the bot's own"
BUILDS = 200
MEGABYTE = 1024  # the kernel counts in kB


@dataclass(frozen=True)
class Cost:
    """Of one process at one moment: memory in MB, CPU time so far in seconds."""

    resident: float
    shared_out: float  # Pss: what other processes also have mapped counts by their number
    cpu: float


def cost(pid: int) -> Cost:
    """As the kernel has it (proc(5): status, smaps_rollup, stat)."""
    folder = Path("/proc") / str(pid)
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    rollup = dict(line.split(":", 1) for line in (folder / "smaps_rollup").read_text().splitlines()[1:])
    ticks = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
    return Cost(
        int(status["VmRSS"].split()[0]) / MEGABYTE,
        int(rollup["Pss"].split()[0]) / MEGABYTE,
        sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"),
    )


def documents() -> Iterator[dict[str, Any]]:
    """Builds of the last hours that have failed for long, so that nothing more is to be said of them soon."""
    for number in range(BUILDS):
        uuid, newest = f"{number:032x}", datetime.now(UTC) - timedelta(minutes=190 + number)
        build = Build(
            uuid,
            job="tempest-full",
            result="FAILURE",
            project="openstack/nova",
            pipeline="gate",
            branch="master",
            ref=f"refs/changes/1/{number}/1",
            change=str(number),
            patchset="1",
            buildset=uuid,
            log_url=f"https://logs.example.org/{uuid}/job-output.txt",
            tenant="openstack",
        )
        for back in range(20):
            yield logsender(build, Line(newest - timedelta(seconds=back), f"line {back}", "job-output.txt"))


def networks(ircd: Ircd, synapse: Synapse, nick: str) -> dict[str, Any]:
    irc = {"type": "irc", "host": "localhost", "port": ircd.tls_port, "nick": nick, "ca_file": str(ircd.ca_file)}
    matrix = {"type": "matrix", "homeserver": synapse.url, "user": f"@{nick}:{SERVER_NAME}", "password": PASSWORD}
    return {"irc": irc, "matrix": matrix}


async def readings(bot: Bot, wait: float) -> list[Cost]:
    """Two, each after `wait` seconds of nothing to do."""
    assert bot.process is not None
    costs = []
    for _ in range(2):
        await asyncio.sleep(wait)
        costs.append(cost(bot.process.pid))
    return costs


async def measure(
    name: str, folder: Path, search: Mapping[str, Any], ircd: Ircd, synapse: Synapse, wait: float
) -> None:
    """Run a bot, wait until both rooms were told what there was, then read its cost twice, `wait` seconds apart."""
    synapse.register(name, PASSWORD)
    synapse.register(f"{name}-reader", "pw")
    room = Human(synapse.url, f"{name}-reader", "pw").create(name)
    config = {
        "search": search,
        "builds": {},
        "poll": {},
        "networks": networks(ircd, synapse, name),
        "operators": f"irc:#{name}",
        "feeds": {"all": {"rooms": [f"irc:#{name}", f"matrix:{room}"]}},
    }
    bot = Bot(folder, config)
    with bot.running():
        await bot.until(lambda: [row.stage for row in bot.rows()] == ["said", "said"], 60)
        costs = await readings(bot, wait)
        await bot.stop()
    for number, one in enumerate(costs, 1):
        print(f"{name}: after {number * wait:.0f} s VmRSS {one.resident:.1f} MB, Pss {one.shared_out:.1f} MB")
    print(f"{name}: CPU {100 * (costs[1].cpu - costs[0].cpu) / wait:.2f} % of one core")


async def run(wait: float) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ircd = start_hybrid()
        stack.callback(ircd.daemon.stop)
        (folder / "synapse").mkdir()
        synapse = Synapse(folder / "synapse")
        stack.callback(synapse.kill)
        synapse.start()
        add(folder / "embedded" / "index", documents())
        await measure("embedded", folder / "embedded", {"url": "embedded", "path": "index"}, ircd, synapse, wait)
        (folder / "engine").mkdir()
        url = stack.enter_context(opensearch.running(folder / "engine", opensearch.SHORT_LIVED))
        opensearch.fill(url, "idle", documents())
        await measure("opensearch", folder / "opensearch", {"url": url, "index": "idle"}, ircd, synapse, wait)


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory and CPU time of an idle bot.")
    parser.add_argument("--seconds", type=float, default=60, help="between two readings")
    wait = parser.parse_args().seconds
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.platform()}, Python {platform.python_version()}")
    started = time.monotonic()
    run_measurement(run(wait))
    print(f"took {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
