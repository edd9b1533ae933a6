"""Real IRC daemons on free ports, with TLS: ircd-hybrid (the kin of OFTC's), InspIRCd with services, ngircd."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import free_port, missing, program
from tests.servers.daemon import Daemon, daemon_user, fill, make_certificates, new_folder, readable_by

CACHE = Path(os.environ.get("GATEWATCH_SERVERS", Path.home() / ".cache" / "gatewatch-servers"))
SERVER_PASSWORD = "letmein"
EASED = {"PER_IP": 100, "THROTTLE": 1000, "CHANNELS": 25}
# What the shipped reference.conf says: two connections of one address, one new one in 2 s.
STOCK = {"PER_IP": 2, "THROTTLE": 1, "CHANNELS": 25}


@dataclass
class Ircd:
    """One IRC server: TLS on `tls_port`, in the open on `port`, both on localhost; `services` beside it, if it has any.

    `ca_file` signs its certificate; `client_pem` is a certificate with its key for CertFP.
    """

    daemon: Daemon
    port: int
    tls_port: int
    folder: Path
    host: str = "localhost"
    services: Daemon | None = None

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def client_pem(self) -> Path:
        return self.folder / "client.pem"

    def up(self) -> None:
        """All of it running and not frozen, whatever a test has done to it."""
        self.daemon.up()
        if self.services is not None:
            self.services.up()

    def stop(self) -> None:
        """Stop all of it; its folder goes."""
        if self.services is not None:
            self.services.stop()
        self.daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_hybrid(limits: dict[str, int] | None = None) -> Ircd:
    """ircd-hybrid with the shipped flood limits; without `limits` only those of connections are eased."""
    binary = program("ircd-hybrid", "ircd-hybrid (Debian)")
    user = daemon_user()
    folder = new_folder(user)
    make_certificates(folder)
    port, tls = free_port(), free_port()
    conf = fill("ircd-hybrid.conf", folder, {"PORT": port, "TLS": tls, **(limits or EASED)})
    readable_by(user, folder)
    files = [(f"-{kind}file", str(folder / kind)) for kind in ("kline", "dline", "xline", "resv", "pid")]
    command = [binary, "-foreground", "-configfile", str(conf), "-logfile", str(folder / "ircd.log")]
    command += [word for pair in files for word in pair]
    # A connection to see whether it is up would be the one that it allows in 2 s.
    daemon = Daemon(command, folder, port, user, log="ircd.log", ready="Server ready")
    daemon.start()
    return Ircd(daemon, port, tls, folder)


def start_inspircd() -> tuple[Ircd, dict[str, object]]:
    """InspIRCd, and what services need to fill in to link with it."""
    binary = program("inspircd", "inspircd (Debian)")
    modules = next(iter(glob.glob("/usr/lib*/inspircd/modules") + glob.glob("/usr/lib/*/inspircd/modules")), None)
    if modules is None:
        missing("the modules of inspircd are not under /usr/lib")
    user = daemon_user()
    folder = new_folder(user)
    make_certificates(folder)
    port, tls, link = free_port(), free_port(), free_port()
    values = {"PORT": port, "TLS": tls, "LINK": link, "MODULES": modules}
    conf = fill("inspircd.conf", folder, values)
    readable_by(user, folder)
    daemon = Daemon([binary, "--nofork", f"--config={conf}"], folder, port, user)
    daemon.start()
    return Ircd(daemon, port, tls, folder), {"LINK": link, "PROTOCOL": "inspircd3", "CASEMAPPING": "rfc1459"}


def start_anope(ircd: Ircd, values: dict[str, object]) -> Daemon:
    """Anope, linked with this server when NickServ answers."""
    binary = program("anope", "anope (Debian)")
    folder, user = ircd.folder, ircd.daemon.user
    fill("anope.conf", folder, values)
    readable_by(user, folder)
    where = [f"--{name}dir={folder}" for name in ("conf", "db", "log")]
    where += ["--modulesdir=/usr/lib/anope", "--localedir=/usr/share/anope/locale"]
    command = [binary, "--nofork", "--config=anope.conf", *where]
    services = Daemon(command, folder, ircd.port, user, log="output", ready="done syncing")
    services.start()
    return services


def start_atheme(ircd: Ircd, values: dict[str, object]) -> Daemon:
    """Atheme, linked with this InspIRCd."""
    binary = program("atheme-services", "atheme-services (Debian)")
    folder, user = ircd.folder, ircd.daemon.user
    conf = fill("atheme.conf", folder, values)
    readable_by(user, folder)
    log, pid = folder / "atheme.log", folder / "atheme.pid"
    command = [binary, "-n", "-c", str(conf), "-l", str(log), "-p", str(pid), "-D", str(folder)]
    services = Daemon(command, folder, ircd.port, user, log=log.name, ready="finished synching")
    services.start()
    return services


def start_ngircd(password: str = "") -> Ircd:
    """ngircd, which lets nobody in without `password` if there is one."""
    binary = next(
        (path for path in (CACHE / "ngircd/usr/sbin/ngircd", Path("/usr/sbin/ngircd")) if path.exists()), None
    )
    if binary is None:
        missing("ngircd is not there: run .ci/servers, or install ngircd (Debian; not beside ircd-hybrid)")
    assert binary is not None
    user = daemon_user()
    folder = new_folder(user)
    make_certificates(folder)
    port, tls = free_port(), free_port()
    locked = f"Password = {password}" if password else ""
    conf = fill("ngircd.conf", folder, {"PORT": port, "TLS": tls, "PASSWORD": locked})
    readable_by(user, folder)
    ours = shutil.copy(binary, folder)  # the cache may be closed to the daemon's user
    daemon = Daemon([str(ours), "-n", "-f", str(conf)], folder, port, user)
    daemon.start()
    return Ircd(daemon, port, tls, folder)


@contextmanager
def while_used(server: Ircd) -> Iterator[Ircd]:
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def hybrid_server() -> Iterator[Ircd]:
    with while_used(start_hybrid()) as server:
        yield server


@pytest.fixture
def ircd(hybrid_server: Ircd) -> Ircd:
    """A running ircd-hybrid; up again before each test, whatever the one before did to it."""
    hybrid_server.up()
    return hybrid_server


@pytest.fixture(scope="session")
def stock_hybrid() -> Iterator[Ircd]:
    """ircd-hybrid with its stock limits of connections too: two at a time, and a new one every 2 s."""
    with while_used(start_hybrid(STOCK)) as server:
        yield server


@pytest.fixture(scope="session")
def crowded_hybrid() -> Iterator[Ircd]:
    """ircd-hybrid that lets a connection be in 40 channels: 100 rooms need three."""
    with while_used(start_hybrid({**EASED, "CHANNELS": 40})) as server:
        yield server


@pytest.fixture(scope="session")
def narrow_hybrid() -> Iterator[Ircd]:
    """ircd-hybrid that lets a connection be in two channels."""
    with while_used(start_hybrid({**EASED, "CHANNELS": 2})) as server:
        yield server


@pytest.fixture(scope="session")
def hybrid_services() -> Iterator[Ircd]:
    """ircd-hybrid with Anope: no SASL, as on OFTC."""
    with while_used(start_hybrid()) as server:
        server.services = start_anope(server, {"LINK": server.port, "PROTOCOL": "hybrid", "CASEMAPPING": "ascii"})
        yield server


@pytest.fixture(scope="session")
def anope_server() -> Iterator[Ircd]:
    server, values = start_inspircd()
    with while_used(server):
        server.services = start_anope(server, values)
        yield server


@pytest.fixture
def services(anope_server: Ircd) -> Ircd:
    """InspIRCd with Anope; up again before each test."""
    anope_server.up()
    return anope_server


@pytest.fixture(scope="session")
def atheme_server() -> Iterator[Ircd]:
    server, values = start_inspircd()
    with while_used(server):
        server.services = start_atheme(server, values)
        yield server


@pytest.fixture
def atheme(atheme_server: Ircd) -> Ircd:
    """InspIRCd with Atheme; up again before each test."""
    atheme_server.up()
    return atheme_server


@pytest.fixture(scope="session")
def ngircd() -> Iterator[Ircd]:
    """ngircd: no services, no SASL, ten channels at most."""
    with while_used(start_ngircd()) as server:
        yield server


@pytest.fixture(scope="session")
def ngircd_locked() -> Iterator[Ircd]:
    """ngircd that wants SERVER_PASSWORD."""
    with while_used(start_ngircd(SERVER_PASSWORD)) as server:
        yield server
