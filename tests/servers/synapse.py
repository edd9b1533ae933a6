"""A real Synapse on loopback, for tests that talk Matrix: started, killed, stopped in mid-air, started again."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from string import Template

import pytest

from tests.servers import free_port, missing

CONF = Path(__file__).parent / "conf"
SERVER_NAME = "localhost.test"
SECRET = "test-only-secret"
STARTS_WITHIN = 60.0


def python() -> Path:
    """The interpreter of the environment that has matrix-synapse, or a skip."""
    cache = Path(os.environ.get("GATEWATCH_SERVERS", Path.home() / ".cache" / "gatewatch-servers"))
    for folder in (cache / "synapse", Path("/opt/synapse")):
        if (folder / "bin" / "synapse_homeserver").exists():
            return folder / "bin" / "python"
    missing(f"Synapse is not in {cache / 'synapse'}: install it with .ci/servers")
    raise AssertionError


class Synapse:
    """One homeserver whose data stays over kill and start. `log`: its log file.

    `per_second`, `burst`: what it takes of an account's messages.
    """

    def __init__(self, folder: Path, per_second: float = 10000, burst: int = 10000) -> None:
        self._python = python()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.log = folder / "homeserver.log"
        for template, target in (("synapse.yaml", "homeserver.yaml"), ("synapse-log.yaml", "log.yaml")):
            text = Template((CONF / template).read_text(encoding="utf-8"))
            values = {"folder": folder, "port": self._port, "per_second": per_second, "burst": burst}
            (folder / target).write_text(text.substitute(values), encoding="utf-8")
        subprocess.run(
            [self._python.parent / "generate_signing_key", "-o", folder / "signing.key"], check=True, timeout=60
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                [self._python, "-m", "synapse.app.homeserver", "-c", self._folder / "homeserver.yaml"],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Synapse did not start:\n{(self._folder / 'output.log').read_text()[-3000:]}")
            time.sleep(0.05)

    def ensure(self) -> None:
        """Start it if a test left it dead, let it go on if one left it held."""
        self.go_on()
        if self._process is None or self._process.poll() is not None:
            self.start()

    def kill(self) -> None:
        """SIGKILL."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(30)

    def hold(self) -> None:
        """SIGSTOP: connections stay open and take bytes, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def forget_transactions(self) -> None:
        """As it does after a day, see bot/chat/matrix/saidbefore.py; a restart empties what it has in memory."""
        self.kill()
        with closing(sqlite3.connect(self._folder / "homeserver.db")) as database, database:
            database.execute("DELETE FROM event_txn_id_device_id")
        self.start()

    def register(self, user: str, password: str, *, admin: bool = False) -> str:
        """Make an account by the shared secret; its Matrix id.

        https://element-hq.github.io/synapse/latest/admin_api/register_api.html
        """
        nonce = self._call("GET")["nonce"]
        words = "\0".join((nonce, user, password, "admin" if admin else "notadmin"))
        mac = hmac.new(SECRET.encode(), words.encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": user, "password": password, "admin": admin, "mac": mac}
        return str(self._call("POST", body)["user_id"])

    def _call(self, method: str, body: dict[str, object] | None = None) -> dict[str, str]:
        request = urllib.request.Request(
            f"{self.url}/_synapse/admin/v1/register",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, str] = json.load(answer)
            return found

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _signal(self, what: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(what)


@pytest.fixture(scope="session")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """A running Synapse; its tests carry `pytest.mark.xdist_group("synapse")`."""
    server = Synapse(tmp_path_factory.mktemp("synapse"))
    server.start()
    try:
        yield server
    finally:
        server.go_on()
        server.kill()
