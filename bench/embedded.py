"""The embedded index: how fast it takes 200,000 lines, and all corpus signatures asked of them.

    python -m bench.embedded [LINES]

The signatures are those of $GATEWATCH_CORPUS, else ../shared/corpus. Prints one figure a line.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot import signatures
from bot.lucene.rewrite import rewrite
from bot.model import Complete, Where, Window
from bot.search import Question
from bot.search.embedded import EmbeddedSearch
from bot.search.embedded.writing import add

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=24), NOW)
LINES_PER_BUILD = 200
FILES = ("job-output.txt", "screen-n-cpu.txt", "screen-n-api.txt", "syslog.txt", "screen-c-vol.txt", "screen-q-svc.txt")


def folder() -> Path:
    """Where elastic-recheck's signatures are."""
    return Path(os.environ.get("GATEWATCH_CORPUS", Path(__file__).parents[2] / "shared" / "corpus")) / "signatures"


def words(loaded: signatures.Loaded, random_: random.Random) -> list[str]:
    """What lines are made of: made-up words, and those of the signatures, so that they are found often."""
    of_queries = [word.strip('"()') for one in loaded.signatures.values() for word in one.query.split()]
    made_up = ["".join(random_.choices("abcdefghijklmnopqrstuvwxyz_0123456789", k=9)) for _ in range(20_000)]
    return made_up + of_queries


def documents(lines: int, loaded: signatures.Loaded) -> Iterator[dict[str, Any]]:
    """Lines of 200-line builds of the last day, with all of logsender's fields; one in 100 has a signature's words."""
    random_ = random.Random(1)
    vocabulary = words(loaded, random_)
    queries = [one.query for one in loaded.signatures.values()]
    for number in range(lines):
        build = number // LINES_PER_BUILD
        uuid = f"{build * 2654435761 % 2**128:032x}"
        filename = FILES[number % len(FILES)]
        text = random_.choice(queries) if number % 100 == 0 else " ".join(random_.choices(vocabulary, k=12))
        at = NOW - timedelta(seconds=80_000 - build * 80_000 * LINES_PER_BUILD / lines, milliseconds=number % 1000)
        console = ["console", "console.html"] if filename == FILES[0] else []
        yield {
            "@timestamp": at.replace(tzinfo=None).isoformat(),
            "message": f"2026-11-20 09:44:58.839 {text}",
            "filename": filename,
            "tags": [*console, filename],
            "log_url": f"https://logs.example.org/{uuid[:3]}/{uuid}/{filename}",
            "build_node": "zuul-executor",
            "build_name": f"job-{build % 60}",
            "build_status": "FAILURE" if build % 3 else "SUCCESS",
            "project": f"openstack/project-{build % 9}",
            "voting": 1,
            "build_set": f"{build // 4:032x}",
            "build_queue": "gate" if build % 2 else "check",
            "build_ref": f"refs/changes/45/{900000 + build}/3",
            "build_branch": "master",
            "build_change": 900000 + build,
            "build_patchset": "3",
            "build_newrev": "",
            "build_uuid": uuid,
            "node_provider": "local",
            "tenant": "openstack",
        }


def report(what: str, seconds: float, more: str = "") -> None:
    """One figure."""
    print(f"{what:58} {seconds * 1000:10.1f} ms  {more}")


async def ask(path: Path, loaded: signatures.Loaded) -> None:
    """Every question of a tick, three times, the best of them."""
    search = EmbeddedSearch(path)
    fields = await search.fields()
    assert isinstance(fields, Complete)
    started = time.perf_counter()
    rewritten = {id_: rewrite(tree, search.profile, fields.found) for id_, tree in loaded.trees.items()}
    report(f"rewrite {len(rewritten)} trees", time.perf_counter() - started)
    questions = [Question(id_, tree) for id_, tree in rewritten.items()]
    search_only(search, questions)
    listed = await search.builds(WINDOW, Where())
    assert isinstance(listed, Complete)
    uuids = [build.uuid for build in listed.found]
    for name, some in (("20 builds", uuids[:20]), ("500 builds", uuids[:500]), ("all builds", None)):
        best = 1e9
        for _ in range(3):
            started = time.perf_counter()
            answers = await search.hits(questions, some, WINDOW)
            best = min(best, time.perf_counter() - started)
        hits = sum(len(answer.found) for answer in answers.values())
        report(f"hits of {len(questions)} signatures in {name}", best, f"{hits} hits with counts, times, sample")
    for name, call in (
        ("builds", search.builds(WINDOW, Where(pipelines=("gate",), results=("FAILURE",)))),
        ("totals", search.totals(WINDOW)),
        ("described, 500 builds", search.described(uuids[:500], WINDOW)),
    ):
        started = time.perf_counter()
        answer = await call
        assert isinstance(answer, Complete)
        report(name, time.perf_counter() - started, f"{len(answer.found)} found")


def search_only(search: EmbeddedSearch, questions: list[Question]) -> None:
    """The searching alone, without counts per build: what the prototype measured as 31 ms."""
    reading = search._reading()
    started = time.perf_counter()
    queries = [reading.asking.query(question.tree) for question in questions]
    report(f"translate {len(questions)} trees into tantivy's queries", time.perf_counter() - started)
    best = 1e9
    for _ in range(3):
        started = time.perf_counter()
        found = sum(reading.searcher.search(query, limit=1).count for query in queries)
        best = min(best, time.perf_counter() - started)
    report(f"count {len(questions)} signatures", best, f"{found} lines")


def main() -> None:
    """Index, then ask."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    loaded = signatures.load([folder()])
    place = Path(tempfile.mkdtemp(prefix="gatewatch-bench-"))
    try:
        ready = list(documents(lines, loaded))
        started = time.perf_counter()
        count = add(place / "index", ready)
        seconds = time.perf_counter() - started
        report(f"index {count} lines", seconds, f"{count / seconds:.0f} lines/s")
        size = sum(file.stat().st_size for file in (place / "index").iterdir())
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"index on disk {size / 1e6:.1f} MB; memory at most {memory / 1024:.0f} MB, with the lines to index")
        asyncio.run(ask(place / "index", loaded))
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
