"""Rounds of several ways to the same answer, in turn, and one table of their ratios."""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.servers.opensearch import call


@dataclass
class Way:
    """One way to an answer, and what its rounds gave: seconds, and how many requests and findings the last one had.

    `ask` says how many requests it took and what it found.
    """

    name: str
    ask: Callable[[], Awaitable[tuple[int, set[Any]]]]
    seconds: list[float] = field(default_factory=list)
    requests: int = 0
    found: set[Any] = field(default_factory=set)

    @property
    def median(self) -> float:
        """Of all rounds but the first, which finds a server without anything in its caches."""
        return statistics.median(self.seconds[1:])


async def rounds(ways: list[Way], count: int) -> None:
    """Each way once in every round, so that what else the machine does hits all of them."""
    for _ in range(count):
        for way in ways:
            started = time.perf_counter()
            way.requests, way.found = await way.ask()
            way.seconds.append(time.perf_counter() - started)


def table(ways: list[Way], of: Way) -> None:
    """One row per way; the last two columns: how many times the time (by medians) and the requests of `of`."""
    heads = ("requests", "first s", "median s", "least s", "most s", "found", "time", "requests")
    print(f"{'':46}" + "".join(f"{head:>11}" for head in heads))
    for way in ways:
        later = way.seconds[1:]
        print(
            f"{way.name:46}{way.requests:11}{way.seconds[0]:11.3f}{way.median:11.3f}{min(later):11.3f}{max(later):11.3f}"
            f"{len(way.found):11}{way.median / of.median:10.1f}x{way.requests / of.requests:10.1f}x"
        )


def machine(url: str | None = None, **more: object) -> None:
    """What a figure depends on: the machine, what else it does, versions."""
    facts: Mapping[str, object] = {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load average": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "Python": platform.python_version(),
        **({} if url is None else {"server": server(url)}),
        **more,
    }
    print("; ".join(f"{name} {value}" for name, value in facts.items()))


def run_measurement(work: Coroutine[Any, Any, None]) -> None:
    """Do it; where a server is missing that it needs, end with what to install."""
    try:
        asyncio.run(work)
    except pytest.skip.Exception as missing:
        sys.exit(str(missing))


def server(url: str) -> str:
    about = call(url)["version"]
    heap = call(f"{url}/_nodes/stats/jvm")["nodes"].popitem()[1]["jvm"]["mem"]["heap_max_in_bytes"]
    return f"{about.get('distribution', 'elasticsearch')} {about['number']} with {heap / 2**20:.0f} MB of heap"


def memory(pid: int | str = "self") -> Mapping[str, float]:
    """MB of a process that are resident (VmRSS), and were at most (VmHWM); proc(5)."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        lines = dict(line.split(":", 1) for line in status)
    return {name: int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}
