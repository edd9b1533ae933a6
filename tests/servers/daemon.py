"""A daemon in the foreground, with a folder and certificates of its own, as a user that it agrees to run as."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import program

CONF = Path(__file__).parent / "conf"
STARTS_WITHIN = 15.0
STOPS_WITHIN = 5.0
NEW_KEY = ("-newkey", "rsa:2048", "-nodes", "-days", "30")
USERS = ("irctest", "nobody")  # for root, as whom ircd-hybrid refuses to run


def daemon_user() -> str | None:
    """The user to run daemons as: None, the developer's own, unless that is root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(user for user in USERS if user in names)


def new_folder(user: str | None) -> Path:
    """A folder that the daemon can write to (pytest's own are closed to other users)."""
    folder = Path(tempfile.mkdtemp(prefix="gatewatch-ircd-", dir="/tmp"))
    if user is not None:
        shutil.chown(folder, user)
    return folder


def openssl(folder: Path, *arguments: str) -> None:
    command = [program("openssl", "openssl"), *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)


def make_certificates(folder: Path) -> None:
    """A throw-away authority (ca.pem), a server's certificate for localhost, and one for CertFP (client.pem)."""
    ca = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl(folder, "req", "-x509", *NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test CA", *ca)
    openssl(folder, "req", *NEW_KEY[:3], "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    sign = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "ext")
    openssl(folder, "x509", "-req", "-in", "server.csr", *sign, "-out", "server.pem")
    (folder / "fullchain.pem").write_text((folder / "server.pem").read_text() + (folder / "ca.pem").read_text())
    new_client_certificate(folder / "client.pem")


def new_client_certificate(path: Path) -> Path:
    """One for CertFP, with its key, signed by nobody else."""
    certificate, key = path.with_suffix(".certificate"), path.with_suffix(".key")
    signed = ("-x509", *NEW_KEY, "-keyout", str(key), "-out", str(certificate), "-subj", f"/CN={path.stem}")
    openssl(path.parent, "req", *signed)
    path.write_text(certificate.read_text() + key.read_text())
    return path


def fill(template: str, folder: Path, values: Mapping[str, object]) -> Path:
    """A configuration of tests/servers/conf with its @NAMES@ replaced."""
    text = (CONF / template).read_text(encoding="utf-8")
    for name, value in {"DIR": folder, **values}.items():
        text = text.replace(f"@{name}@", str(value))
    path = folder / template
    path.write_text(text, encoding="utf-8")
    return path


def readable_by(user: str | None, folder: Path) -> None:
    for path in folder.iterdir():
        path.chmod(0o600)
        if user is not None:
            shutil.chown(path, user)


@dataclass
class Daemon:
    """One process in the foreground, and what a test may do to it.

    It is up when `port` accepts a connection; where `ready` is given, when its `log` has a line with that.
    """

    command: Sequence[str]
    folder: Path
    port: int
    user: str | None
    log: str = ""
    ready: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Return when it is up."""
        seen = self._lines()
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=self.user,
                group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
                extra_groups=None if self.user is None else [],
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while not self._is_up(seen):
            if self.process.poll() is not None or time.monotonic() > deadline:
                logs = [path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*log")]
                said = (self.folder / "output").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.command[0]} did not start:\n{said}\n" + "\n".join(logs))
            time.sleep(0.02)

    def _is_up(self, seen: int) -> bool:
        if self.ready:
            return self._lines() > seen
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _lines(self) -> int:
        path = self.folder / self.log
        return path.read_text(errors="replace").count(self.ready) if self.ready and path.exists() else 0

    def signal(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def freeze(self) -> None:
        """It keeps its connections and says nothing (SIGSTOP)."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """Gone at once, without a goodbye; also when it is frozen."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(STOPS_WITHIN)

    def stop(self) -> None:
        """Asked to leave, killed if it does not; nothing if it is gone already."""
        if self.process is None or self.process.poll() is not None:
            return
        self.thaw()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOPS_WITHIN)
            return
        self.kill()

    def up(self) -> None:
        """Running and not frozen, whatever a test has done to it."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        self.thaw()
