"""Real servers for tests: each module starts one, on a free port, and stops it again."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest


def free_port() -> int:
    """A port that was free a moment ago, below the range from which outgoing connections are given theirs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missing(what: str) -> None:
    """Skip the test, naming what to install; where CI asks for the servers, fail it instead."""
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(f"REQUIRE_SERVERS=1, but {what}")
    pytest.skip(what)


def program(name: str, install: str) -> str:
    """The path of a program, or a skip that names the package that has it."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        missing(f"{name} is not there: install {install}")
    assert found is not None
    return found


def corpus() -> Path:
    """The folder with elastic-recheck's signatures and hits, or a skip."""
    folder = Path(os.environ.get("GATEWATCH_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
    if not folder.is_dir():
        missing(f"the corpus is not in {folder}: set GATEWATCH_CORPUS")
    return folder
