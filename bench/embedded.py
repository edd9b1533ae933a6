"""The embedded index: how fast it takes 200,000 lines, and all corpus signatures asked of them.

    python -m bench.embedded [LINES]

The signatures are those of $GATEWATCH_CORPUS, else ../shared/corpus. Prints one figure a line.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from bench.asking import queries
from bench.lines import WINDOW, Day
from bench.measuring import machine, memory
from bot import signatures
from bot.lucene.rewrite import rewrite
from bot.model import Complete, Where
from bot.search import Question
from bot.search.embedded import EmbeddedSearch
from bot.search.embedded.writing import add
from tests.servers import corpus


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
    loaded = signatures.load([corpus() / "signatures"])
    machine(lines=lines)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "index"
        ready = list(Day(lines, list(queries(seed=1).values())).documents())
        before = memory()["VmRSS"]
        started = time.perf_counter()
        count = add(folder, ready)
        seconds = time.perf_counter() - started
        report(f"index {count} lines", seconds, f"{count / seconds:.0f} lines/s")
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(f"index on disk {size / 1e6:.1f} MB")
        print(f"resident with the lines to index {before:.0f} MB, at most while indexing {memory()['VmHWM']:.0f} MB")
        del ready
        asyncio.run(ask(folder, loaded))
        print(f"resident after all questions {memory()['VmRSS']:.0f} MB")


if __name__ == "__main__":
    main()
