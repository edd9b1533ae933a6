"""Real IRC daemons: ircd-hybrid (the kin of OFTC's) and InspIRCd with Anope's services, on free ports, with TLS."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers import free_port, missing, program

CONF = Path(__file__).parent / "conf"
STARTS_WITHIN = 15.0
STOPS_WITHIN = 5.0
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
    new_key = ("-newkey", "rsa:2048", "-nodes", "-days", "30")
    ca = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl(folder, "req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test CA", *ca)
    openssl(folder, "req", *new_key[:3], "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    sign = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "ext")
    openssl(folder, "x509", "-req", "-in", "server.csr", *sign, "-out", "server.pem")
    (folder / "fullchain.pem").write_text((folder / "server.pem").read_text() + (folder / "ca.pem").read_text())
    openssl(folder, "req", "-x509", *new_key, "-keyout", "c.key", "-out", "c.pem", "-subj", "/CN=gatewatch")
    (folder / "client.pem").write_text((folder / "c.pem").read_text() + (folder / "c.key").read_text())


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
    """One process in the foreground, and what a test may do to it."""

    command: Sequence[str]
    folder: Path
    port: int  # accepts connections once it is up
    user: str | None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Return when it accepts connections."""
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
        while not self._accepts():
            if self.process.poll() is not None or time.monotonic() > deadline:
                logs = [path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*log")]
                said = (self.folder / "output").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.command[0]} did not start:\n{said}\n" + "\n".join(logs))
            time.sleep(0.02)

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

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


@dataclass
class Ircd:
    """One IRC server: TLS on `tls_port`, in the open on `port`, both on localhost.

    `ca_file` signs its certificate; `client_pem` is a certificate with its key for CertFP.
    """

    daemon: Daemon
    port: int
    tls_port: int
    folder: Path
    host: str = "localhost"

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def client_pem(self) -> Path:
        return self.folder / "client.pem"


def start_hybrid() -> Ircd:
    binary = program("ircd-hybrid", "ircd-hybrid (Debian)")
    user = daemon_user()
    folder = new_folder(user)
    make_certificates(folder)
    port, tls = free_port(), free_port()
    conf = fill("ircd-hybrid.conf", folder, {"PORT": port, "TLS": tls})
    readable_by(user, folder)
    files = [(f"-{kind}file", str(folder / kind)) for kind in ("kline", "dline", "xline", "resv", "pid")]
    command = [binary, "-foreground", "-configfile", str(conf), "-logfile", str(folder / "ircd.log")]
    daemon = Daemon([*command, *(word for pair in files for word in pair)], folder, port, user)
    daemon.start()
    return Ircd(daemon, port, tls, folder)


@pytest.fixture(scope="session")
def hybrid_server() -> Iterator[Ircd]:
    server = start_hybrid()
    yield server
    server.daemon.stop()
    shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture
def ircd(hybrid_server: Ircd) -> Ircd:
    """A running ircd-hybrid; up again before each test, whatever the one before did to it."""
    hybrid_server.daemon.up()
    return hybrid_server


@pytest.fixture(scope="session")
def services() -> Iterator[Ircd]:
    """InspIRCd with Anope's NickServ."""
    inspircd, anope = program("inspircd", "inspircd (Debian)"), program("anope", "anope (Debian)")
    modules = next(iter(glob.glob("/usr/lib*/inspircd/modules") + glob.glob("/usr/lib/*/inspircd/modules")), None)
    if modules is None:
        missing("the modules of inspircd are not under /usr/lib")
    user = daemon_user()
    folder = new_folder(user)
    make_certificates(folder)
    port, tls, link = free_port(), free_port(), free_port()
    values = {"PORT": port, "TLS": tls, "LINK": link, "MODULES": modules}
    conf, _ = fill("inspircd.conf", folder, values), fill("anope.conf", folder, values)
    readable_by(user, folder)
    daemon = Daemon([inspircd, "--nofork", f"--config={conf}"], folder, port, user)
    daemon.start()
    where = [f"--{name}dir={folder}" for name in ("conf", "db", "log")]
    where += ["--modulesdir=/usr/lib/anope", "--localedir=/usr/share/anope/locale"]
    # Its port is the server's: it is up when it is linked, which a client sees (NickServ answers).
    helpers = Daemon([anope, "--nofork", "--config=anope.conf", *where], folder, port, user)
    helpers.start()
    yield Ircd(daemon, port, tls, folder)
    helpers.stop()
    daemon.stop()
    shutil.rmtree(folder, ignore_errors=True)
