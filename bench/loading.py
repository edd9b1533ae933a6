"""A real OpenSearch with a day of lines in it, kept for the next run or thrown away."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from bench.lines import PATTERN, Day
from tests.servers.opensearch import call, fill, running

# What one who loads much sets; the fields are as dynamic mapping makes them.
SETTINGS = {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1", "translog.durability": "async"}
AFTERWARDS = {"refresh_interval": None, "translog.durability": None}
WORKERS = 2
QUIET_WITHIN = 1800.0  # seconds; merging goes on for minutes after millions of lines


def load(url: str, day: Day) -> None:
    """All lines, each build in the index of its day; returns when nothing is merged any more."""
    names = sorted({day.index(number) for number in range(day.builds)})
    for name in names:
        call(f"{url}/{name}", json.dumps({"settings": {"index": SETTINGS}}).encode(), "PUT")
    with ProcessPoolExecutor(WORKERS) as pool:
        parts = [pool.submit(load_part, url, day, name, worker) for name in names for worker in range(WORKERS)]
        for part in parts:
            part.result()
    call(f"{url}/{PATTERN}/_settings", json.dumps({"index": AFTERWARDS}).encode(), "PUT")
    call(f"{url}/{PATTERN}/_flush", b"", "POST")
    deadline = time.monotonic() + QUIET_WITHIN
    while call(f"{url}/{PATTERN}/_stats/merge")["_all"]["total"]["merges"]["current"]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the server still merges after {QUIET_WITHIN:.0f} s")
        time.sleep(1)


def load_part(url: str, day: Day, index: str, worker: int) -> None:
    """What one process loads: every second build of an index."""
    numbers = [number for number in range(day.builds) if day.index(number) == index]
    fill(url, index, (line for number in numbers[worker::WORKERS] for line in day.build(number)))


@contextmanager
def loaded(folder: Path, day: Day, heap: str) -> Iterator[str]:
    """The base URL of a node that has the day's lines: those that an earlier run left in `folder`, or fresh ones."""
    note = folder / "loaded.json"
    wanted = {"lines": day.lines, "seed": day.seed, "builds": day.builds}
    if note.exists() and json.loads(note.read_text())["day"] != wanted:
        raise SystemExit(f"{folder} has other lines ({note.read_text()}): name another folder, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    with running(folder, (f"-Xms{heap}", f"-Xmx{heap}")) as url:
        if not note.exists():
            started = time.monotonic()
            load(url, day)
            note.write_text(json.dumps({"day": wanted, "seconds": round(time.monotonic() - started)}))
        call(f"{url}/_cluster/health?wait_for_status=yellow&timeout=60s")
        print(f"loaded {day.lines} lines once in {json.loads(note.read_text())['seconds']} s")
        yield url
