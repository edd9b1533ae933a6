"""A real search engine, one per test session, and a way to fill it."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers import free_port
from tests.servers.engines import Engine, chosen, command

STARTS_WITHIN = 180.0  # 9 s on an idle machine of 2 cores
BULK_BYTES = 5_000_000
# A test's server lives for seconds: compile fast rather than well, one thread for garbage.
SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def call(url: str, body: bytes | None = None, method: str | None = None, kind: str = "application/json") -> Any:
    """One request to the server, its JSON answer; HTTPError where it says no."""
    request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers; its log when it does not."""
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            call(url)
            return
        except (urllib.error.URLError, OSError) as fault:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the search engine did not start ({fault}):\n{log.read_text()[-3000:]}") from None
        time.sleep(0.2)


@contextmanager
def running(folder: Path, flags: tuple[str, ...] = (), engine: Engine | None = None) -> Iterator[str]:
    """The base URL of a node that keeps its data and log in `folder`; it is stopped at the end.

    `engine`: None for the one that $GATEWATCH_ENGINE names, else OpenSearch 2.
    """
    port, log = free_port(), folder / "server.log"
    starter = command(engine or chosen(), folder, port, flags)
    with log.open("wb") as output:
        server = subprocess.Popen(
            starter, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_for(f"http://127.0.0.1:{port}", server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait(30)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a real search engine; its tests carry `pytest.mark.xdist_group("opensearch")`.

    OpenSearch 2, or the one that $GATEWATCH_ENGINE names; with $GATEWATCH_SEARCH_URL a node that runs already.
    """
    there = os.environ.get("GATEWATCH_SEARCH_URL")
    if there:
        yield there
        return
    with running(tmp_path_factory.mktemp("engine"), SHORT_LIVED) as url:
        yield url


@pytest.fixture(scope="session")
def opensearch(engine: str) -> str:
    """The same, for tests that are not tried on every engine."""
    return engine


def send(url: str, index: str, lines: list[bytes]) -> None:
    answer = call(
        f"{url}/{index}/_bulk?filter_path=errors,items.*.error", b"\n".join(lines) + b"\n", kind="application/x-ndjson"
    )
    if answer["errors"]:
        faults = [done["error"] for item in answer["items"] for done in item.values() if "error" in done]
        raise AssertionError(f"{len(faults)} documents were refused, the first: {faults[0]}")


def fill(
    url: str,
    index: str,
    documents: Iterable[Mapping[str, Any]],
    mapping: Mapping[str, Any] | None = None,
    action: str = "index",
) -> None:
    """Put documents into an index and make them visible.

    `mapping`: the body that creates the index first. `action`: a data stream takes `create` alone.
    """
    if mapping is not None:
        call(f"{url}/{index}", json.dumps(mapping).encode(), "PUT")
    lines: list[bytes] = []
    size = 0
    for document in documents:
        lines += [b'{"%s":{}}' % action.encode(), json.dumps(document).encode()]
        size += len(lines[-1]) + 14
        if size > BULK_BYTES:
            send(url, index, lines)
            lines, size = [], 0
    if lines:
        send(url, index, lines)
    call(f"{url}/{index}/_refresh", b"", "POST")
