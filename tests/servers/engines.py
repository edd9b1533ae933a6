"""The search engines that tests run against: which there are, which is chosen, and what starts one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import missing

JAVA = Path(__file__).parent / "java"
TABLE = JAVA / "engines.txt"
FETCH = Path(__file__).parents[2] / ".ci" / "fetch-jars"
DEFAULT = "opensearch-2"
JVMS = Path("/usr/lib/jvm")  # where Debian puts each Java


@dataclass(frozen=True, slots=True)
class Engine:
    """One line of the table. `jars`: their version; `start`: the folder of what starts it.

    It runs on Java `oldest` to `newest`, or on any later one.
    """

    name: str
    jars: str
    start: Path
    oldest: int
    newest: int | None

    def runs_on(self, java: int) -> bool:
        return self.oldest <= java and (self.newest is None or java <= self.newest)

    @property
    def version(self) -> str:
        """Of the server; the jars of some have a fourth number of whoever put them together."""
        return ".".join(self.jars.split(".")[:3])

    @property
    def wants(self) -> str:
        """The Java that it wants, in words."""
        return f"Java {self.oldest} {'or later' if self.newest is None else f'to {self.newest}'}"


def table() -> dict[str, Engine]:
    """All engines by name, in the table's order."""
    lines = [line.split() for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    engines = {}
    for name, jars, start, java in lines:
        oldest, _, newest = java.partition("-")
        engines[name] = Engine(name, jars, JAVA / start, int(oldest), int(newest) if newest else None)
    return engines


def chosen() -> Engine:
    """The one that $GATEWATCH_ENGINE names."""
    name = os.environ.get("GATEWATCH_ENGINE", DEFAULT)
    engine = table().get(name)
    if engine is None:
        pytest.fail(f"GATEWATCH_ENGINE={name}: there are {', '.join(table())}")
    return engine


def jars_of(engine: Engine) -> Path:
    """The folder with the server's jars; where CI demands the servers, they are fetched."""
    cache = Path(os.environ.get("GATEWATCH_SERVERS", Path.home() / ".cache" / "gatewatch-servers"))
    folder = cache / f"{engine.name.rpartition('-')[0]}-{engine.jars}"
    if not folder.is_dir() and os.environ.get("REQUIRE_SERVERS") == "1" and shutil.which("mvn"):
        subprocess.run([FETCH, engine.name], check=True, timeout=600)
    if not folder.is_dir():
        missing(f"the jars of {engine.name} are not there: run .ci/fetch-jars {engine.name} (it needs maven)")
    return folder


def javas() -> Iterator[tuple[Path, int]]:
    """Each Java development kit of this machine, the one of the PATH first: its `bin` folder and major version."""
    first = shutil.which("javac")
    for javac in [*([Path(first)] if first else []), *sorted(JVMS.glob("*/bin/javac"))]:
        told = subprocess.run([javac, "-version"], capture_output=True, text=True, timeout=60)
        major = re.match(r"javac (\d+)", told.stdout or told.stderr)
        if major is not None:
            yield javac.parent, int(major[1])


def java_for(engine: Engine) -> Path:
    """The `bin` folder of a Java on which the engine runs, or a skip that names what to install."""
    found = next((folder for folder, major in javas() if engine.runs_on(major)), None)
    if found is None:
        missing(f"{engine.name} needs {engine.wants}: install openjdk-{engine.oldest}-jdk-headless or a later one")
    assert found is not None
    return found


def command(engine: Engine, folder: Path, port: int, flags: tuple[str, ...]) -> list[str | Path]:
    """What starts a node in the foreground; its starter is compiled into `folder`, where its data will be, too."""
    java, lib, source = java_for(engine), jars_of(engine), engine.start / "Start.java"
    classes = folder / "classes"
    compiler = [java / "javac", "-nowarn", "-proc:none", "-cp", f"{lib}/*", "-d", classes, source]
    subprocess.run(compiler, check=True, timeout=120, capture_output=True)
    package = re.search(r"^package (\S+);", source.read_text(encoding="utf-8"), re.MULTILINE)
    main = f"{package[1]}.Start" if package else "Start"
    logging = engine.start / "log4j2.properties"
    said = [f"-Dlog4j2.configurationFile={logging}"] if logging.exists() else []
    return [
        java / "java",
        "-Xms512m",
        "-Xmx512m",
        *flags,
        *said,
        "-cp",
        f"{classes}:{lib}/*",
        main,
        str(port),
        folder / "data",
    ]
