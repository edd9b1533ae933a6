"""One poll of 100 rules by ElastAlert 2 against one tick's question for the same 100 signatures, on a real OpenSearch.

    python -m bench.elastalert [--lines 200000] [--rounds 9] [--folder FOLDER]

ElastAlert is fetched with pip into an environment of its own, once; it needs Python 3.12 or later, as `python3.12` on
the path or in $ELASTALERT_PYTHON. Its rules have the same queries, the same index and window, the alerter `debug`, and
a real writeback index. Both must find the same lines for each signature, or it ends with an error. Needs what
tests/servers/opensearch.py needs, and the corpus.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.asking import Asking, Found, run, same
from bench.lines import PATTERN, WINDOW
from bench.measuring import Way, machine, rounds, table
from bot.lucene.printing import to_text

VERSION = "2.31.0"
SIGNATURES, FEW, THREADS = 100, 20, 10
ALWAYS = {"days": 3650}  # what it has seen it knows for this long, so that only its first poll alerts
ANY = {"type": "any"}
COUNTS = {
    "type": "frequency",
    "num_events": 1,
    "timeframe": ALWAYS,
    "query_key": "build_uuid.keyword",
    "use_terms_query": True,
    "terms_size": 1000,
}


def environment() -> Path:
    """The folder with ElastAlert's programs."""
    folder = Path.home() / ".cache" / "gatewatch-servers" / f"elastalert2-{VERSION}"
    if not (folder / "bin" / "elastalert").exists():
        subprocess.run([os.environ.get("ELASTALERT_PYTHON", "python3.12"), "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", f"elastalert2=={VERSION}"], check=True)
    return folder / "bin"


def configure(folder: Path, asking: Asking, rule: Mapping[str, Any]) -> Path:
    """Its config file, with a rule for each signature; JSON is YAML."""
    (folder / "rules").mkdir(parents=True)
    address = urlsplit(asking.url)
    config = {
        "rules_folder": str(folder / "rules"),
        "run_every": ALWAYS if "use_terms_query" in rule else {"minutes": 1},
        "buffer_time": ALWAYS,
        "es_host": address.hostname,
        "es_port": address.port,
        "writeback_index": "elastalert",
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    for question in asking.questions:
        query = {"query_string": {"query": to_text(question.tree), "default_field": "message"}}
        one = {"name": question.id, "index": PATTERN, "filter": [query], "alert": ["debug"], "realert": ALWAYS, **rule}
        (folder / "rules" / f"{question.id}.yaml").write_text(json.dumps(one))
    return folder / "config.yaml"


def create_index(config: Path) -> None:
    """Where it keeps what it did."""
    command = [environment() / "elastalert-create-index", "--config", config, "--index", "elastalert"]
    subprocess.run(command, input="\n", text=True, stdout=subprocess.DEVNULL, check=True)


class ElastAlert:
    """A process that polls when it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def poll(self) -> tuple[int, set[tuple[str, int]]]:
        """How many requests it took, and the hits of each rule that has any."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        said = json.loads(self._process.stdout.readline())
        return said["requests"], {(name, count) for name, count in said["hits"].items() if count}


@contextmanager
def polling(config: Path, threads: int) -> Iterator[ElastAlert]:
    script = Path(__file__).with_name("elastalert_poll.py")
    bounds = (WINDOW.lines_from.isoformat(), WINDOW.end.isoformat(), str(threads))
    command = [environment() / "python", "-P", script, config, *bounds]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield ElastAlert(process)
        finally:
            process.kill()


def lines_of(found: Found) -> set[tuple[str, int]]:
    """How many lines each signature has in all builds."""
    counts: Counter[str] = Counter()
    for signature, _, count in found:
        counts[signature] += count
    return set(counts.items())


def builds_of(found: Found) -> set[tuple[str, int]]:
    return set(Counter(signature for signature, _, _ in found).items())


async def measure(asking: Asking) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hits, terms = (configure(folder / rule["type"], asking, rule) for rule in (ANY, COUNTS))
        create_index(hits)
        one, ten = (stack.enter_context(polling(hits, threads)) for threads in (1, THREADS))
        counts = stack.enter_context(polling(terms, THREADS))
        ours = Way("hits() of the window's builds", lambda: asking.by_hits(None))
        tick = Way(f"hits() of {FEW} builds, as a tick", lambda: asking.by_hits(asking.day.uuids(FEW)))
        theirs = Way("ElastAlert, rules `any`", lambda: asyncio.to_thread(one.poll))
        threaded = Way(f"ElastAlert, rules `any`, {THREADS} threads", lambda: asyncio.to_thread(ten.poll))
        counted = Way(f"ElastAlert, use_terms_query, {THREADS} threads", lambda: asyncio.to_thread(counts.poll))
        ways = [tick, ours, theirs, threaded, counted]
        machine(asking.url, lines=asking.day.lines, rounds=f"1 + {asking.rounds}", ElastAlert=VERSION)
        await rounds(ways, 1 + asking.rounds)
    same(lines_of(ours.found), theirs.found)
    same(lines_of(ours.found), threaded.found)
    same(builds_of(ours.found), counted.found)
    table(ways, of=tick)


if __name__ == "__main__":
    run(__doc__, measure, signatures=SIGNATURES, lines=200_000, rounds=9)
