"""A real PostgreSQL, one per test session, and its database made fresh."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.servers import missing

STARTS_WITHIN = 30.0
# A crash of the machine is not what is tested.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB")


def programs() -> Path:
    """The folder with initdb and postgres: Debian keeps them out of PATH, one folder a version."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = versions[-1] if versions else shutil.which("initdb")
    if found is None:
        missing("postgresql is not there: install postgresql")
    assert found is not None
    return Path(found).resolve().parent


def user() -> str | None:
    """As whom the server runs: PostgreSQL refuses root."""
    if os.getuid() != 0:
        return None
    there = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in there else "nobody"


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Until it takes a connection; its log when it does not."""
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError as fault:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start ({fault}):\n{log.read_text()[-3000:]}") from None
        time.sleep(0.05)


@contextmanager
def running() -> Iterator[str]:
    """The URL of the maintenance database of a new cluster, on a Unix socket; all is removed at the end."""
    bin, owner = programs(), user()
    folder = Path(tempfile.mkdtemp(prefix="gatewatch-postgres-", dir="/tmp"))  # a socket's path is short
    if owner is not None:
        shutil.chown(folder, owner)
    data, log = folder / "data", folder / "log"
    server = None
    try:
        initdb = [bin / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run(initdb, check=True, user=owner, cwd=folder, stdout=subprocess.DEVNULL, timeout=60)
        settings = [word for setting in ("listen_addresses=", *FAST) for word in ("-c", setting)]
        with log.open("wb") as output:
            command = [bin / "postgres", "-D", data, "-k", folder, *settings]
            server = subprocess.Popen(command, user=owner, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        url = f"postgresql://postgres@/postgres?host={folder}"
        wait_for(url, server, log)
        yield url
    finally:
        if server is not None:
            server.send_signal(signal.SIGQUIT)
            server.wait(30)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a real PostgreSQL; its tests carry `pytest.mark.xdist_group("postgres")`."""
    with running() as url:
        yield url


def fresh(postgres: str) -> str:
    """The same URL, its database as empty as at first; who was left in it is thrown out."""
    leave = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(postgres, autocommit=True) as connection:
        while connection.execute(leave).fetchall():  # until they have gone, and their locks with them
            time.sleep(0.01)
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return postgres
