"""How fast failed builds are classified on a real OpenSearch, against one search per signature and build.

    python -m bench.classify [--lines 200000] [--seed 1]

Generates log lines as OpenStack's logsender writes them, with the phrases of corpus signatures planted in some
failed builds, and asks 100 signatures of 20 and of 500 failed builds; then asks the same of 20 builds as
elastic-recheck did. The two ways must find the same, or it ends with an error. Needs what tests/servers/opensearch.py
needs, and the corpus.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import logging
import os
import platform
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.lucene.parse import parse
from bot.lucene.printing import to_text
from bot.lucene.rewrite import rewrite
from bot.model import Complete, Window
from bot.search import Question
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from bot.search.profiles import LOGSENDER
from bot.signatures import load
from tests.servers import corpus
from tests.servers.opensearch import fill, running

INDEX = "logstash-logs-bench"
NOW = datetime.now(UTC).replace(microsecond=0)
WINDOW = Window(NOW - timedelta(hours=24), NOW)
FAILED, PASSED, SIGNATURES, FEW, MANY = 600, 200, 100, 20, 500
ROUNDS = 3
MESSAGE = re.compile(r'@?message:\s*"((?:[^"\\]|\\.)+)"')
TAG = re.compile(r'@?tags:\s*"?([\w.-]+)')
FILES = ("job-output.txt", "screen-n-cpu.txt", "screen-n-api.txt", "screen-c-vol.txt", "screen-q-svc.txt", "syslog.txt")
LINES = (
    "INFO nova.compute.manager [None req-{hex} None None] [instance: {hex}] VM Started (Lifecycle Event)",
    'DEBUG oslo_concurrency.lockutils [None req-{hex} demo demo] Lock "compute_resources" acquired by "nova"',
    "controller | {hex} ansible-role-{word}: ok: [controller] => (item=openstack-{word})",
    "WARNING neutron.agent.{word} [-] Timeout while waiting for port {hex} to become active, retrying",
    "tempest.api.compute.{word}.test_{word}_{number} [{number}.0{number}s] ... ok",
    "+ functions-common:run_phase:{number} : local mode={word} phase={word}",
    "GET https://10.0.{number}.7/compute/v2.1/servers/{hex} returned 200 len: {number} microversion: 2.93",
    "Collecting {word}=={number}.1.0 (from -r /opt/stack/{word}/requirements.txt (line {number}))",
    "systemd[1]: devstack@{word}.service: Succeeded, consumed {number}ms CPU time",
    "ERROR {word}.service [req-{hex}] Failed to connect to server at 10.0.0.{number}: retrying in {number} seconds",
)
WORDS = (
    "nova",
    "cinder",
    "volume",
    "keystone",
    "libvirt",
    "server",
    "network",
    "placement",
    "image",
    "glance",
    "swift",
)


def signatures(chance: random.Random) -> dict[str, str]:
    """Query by id, of 100 corpus signatures that parse."""
    loaded = load([corpus() / "signatures"], LOGSENDER).signatures
    return {one.id: one.query for one in chance.sample(sorted(loaded.values(), key=lambda one: one.id), SIGNATURES)}


def uuid_of(number: int) -> str:
    return random.Random(f"build {number}").randbytes(16).hex()


def line(chance: random.Random) -> str:
    return chance.choice(LINES).format(
        hex=f"{chance.getrandbits(64):016x}", word=chance.choice(WORDS), number=chance.randint(1, 199)
    )


def document(number: int, at: datetime, message: str, filename: str, tags: Sequence[str] = ()) -> dict[str, Any]:
    uuid = uuid_of(number)
    return {
        "@timestamp": at.replace(tzinfo=None).isoformat(timespec="milliseconds"),
        "message": message,
        "filename": filename,
        "tags": [filename, *(("console", "console.html") if filename == "job-output.txt" else ("screen",)), *tags],
        "log_url": f"https://logs.example.org/{number}/1/gate/job-{number % 40}/{uuid[:7]}/{filename}",
        "build_uuid": uuid,
        "build_name": f"job-{number % 40}",
        "build_status": "FAILURE" if number < FAILED else "SUCCESS",
        "build_queue": "gate",
        "project": f"openstack/{WORDS[number % len(WORDS)]}",
        "build_branch": "master",
        "build_change": 900000 + number,
        "build_patchset": "1",
        "build_set": uuid_of(-number - 1),
        "voting": 1,
        "tenant": "openstack",
    }


def planted(number: int, at: datetime, query: str) -> Iterator[dict[str, Any]]:
    """The phrases of a signature in one line, in a file that carries its tag."""
    phrases = [re.sub(r"\\(.)", r"\1", phrase) for phrase in MESSAGE.findall(query)]
    if phrases:
        yield document(number, at, " ... ".join(phrases), "job-output.txt", TAG.findall(query))


def generated(lines: int, queries: Mapping[str, str], chance: random.Random) -> Iterator[dict[str, Any]]:
    """Lines of all builds in turn; every third failed build has a known cause."""
    builds = FAILED + PASSED
    for count in range(lines):
        number = count % builds
        at = NOW - timedelta(seconds=60 * number + 7200 - count // builds)
        if number < FAILED and number % 3 == 0 and count // builds == 5:
            found = list(planted(number, at, chance.choice(sorted(queries.values()))))
            if found:
                yield from found
                continue
        yield document(number, at, line(chance), FILES[count % len(FILES)])


class Requests(logging.Handler):
    """Counts what goes over the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += "[status:" in record.getMessage()


Found = set[tuple[str, str]]


async def by_hits(search: HttpSearch, questions: Sequence[Question], uuids: Sequence[str]) -> Found:
    found: Found = set()
    for answer in (await search.hits(questions, uuids, WINDOW)).values():
        if not isinstance(answer, Complete):
            sys.exit(f"not answered: {answer.why}")
        found |= {(hit.signature, hit.build) for hit in answer.found}
    return found


def one_by_one(url: str, texts: Mapping[str, str], uuids: Sequence[str]) -> Found:
    """elastic-recheck's plan: for each build each signature, ten documents; over one connection that is kept."""
    found: Found = set()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    for uuid in uuids:
        for signature, text in texts.items():
            query = {"query": f'({text}) AND build_uuid:"{uuid}"', "default_field": "message"}
            body = json.dumps({"query": {"query_string": query}, "size": 10, "sort": [{"@timestamp": "desc"}]})
            connection.request("POST", f"/{INDEX}/_search", body, {"Content-Type": "application/json"})
            if json.loads(connection.getresponse().read())["hits"]["hits"]:
                found.add((signature, uuid))
    connection.close()
    return found


async def measure(url: str, queries: Mapping[str, str]) -> list[tuple[str, int, list[float], int]]:
    """Rows of: what, requests, seconds of each round, pairs found."""
    requests = Requests()
    logger = logging.getLogger("elastic_transport.transport")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(requests)
    search = HttpSearch(SearchConfig.model_validate({"url": url, "index": INDEX}))
    fields = (await search.fields()).found
    trees = {id_: rewrite(parse(query), LOGSENDER, fields) for id_, query in queries.items()}
    questions = [Question(id_, tree) for id_, tree in trees.items()]
    failed = [uuid_of(number) for number in range(FAILED)]
    await by_hits(search, questions[:1], failed[-1:])  # the fields are read once per ten minutes, not per tick
    rows, of_few = [], set[tuple[str, str]]()
    for count in (FEW, MANY):
        times = []
        for _ in range(ROUNDS):
            requests.count, start = 0, time.perf_counter()
            found = await by_hits(search, questions, failed[:count])
            times.append(time.perf_counter() - start)
        rows.append((f"{count} builds x {SIGNATURES}, hits()", requests.count, times, len(found)))
        of_few = found if count == FEW else of_few
    await search.close()
    start = time.perf_counter()
    texts = {id_: to_text(tree) for id_, tree in trees.items()}
    found = await asyncio.to_thread(one_by_one, url, texts, failed[:FEW])
    rows.append(
        (f"{FEW} builds x {SIGNATURES}, one by one", FEW * SIGNATURES, [time.perf_counter() - start], len(found))
    )
    if found != of_few:
        sys.exit(f"the two ways differ in {sorted(found ^ of_few)[:5]}")
    return rows


def show(rows: Sequence[tuple[str, int, list[float], int]], lines: int) -> None:
    print(
        f"{NOW:%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {lines} lines"
    )
    print(f"{'':34} {'requests':>8} {'first s':>8} {'best s':>8} {'found':>6} {'of one by one':>14}")
    slow = min(rows[-1][2])
    for what, requests, times, found in rows:
        print(f"{what:34} {requests:8} {times[0]:8.2f} {min(times):8.2f} {found:6} {min(times) / slow:13.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    queries = signatures(chance)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as url:
        start = time.perf_counter()
        fill(url, INDEX, generated(given.lines, queries, chance))
        print(f"indexed in {time.perf_counter() - start:.0f} s", file=sys.stderr)
        show(asyncio.run(measure(url, queries)), given.lines)


if __name__ == "__main__":
    main()
