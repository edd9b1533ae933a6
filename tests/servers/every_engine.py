"""Run the tests marked `engines` on one search engine after the other; a table at the end, exit 1 where one failed.

python -m tests.servers.every_engine [--engines "NAME ..."] [PYTEST ARGUMENT ...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.servers.engines import Engine, table


@dataclass(frozen=True, slots=True)
class Result:
    """What the tests gave on one engine; `fine`: pytest itself says so."""

    engine: Engine
    fine: bool
    passed: int
    failed: int
    skipped: int
    seconds: float

    def line(self) -> str:
        return (
            f"{self.engine.name:16} {self.engine.version:8} {self.passed:7} {self.failed:7} {self.skipped:8} "
            f"{self.seconds:8.0f}  {'' if self.fine else 'FAILED'}"
        ).rstrip()


HEAD = f"{'engine':16} {'version':8} {'passed':>7} {'failed':>7} {'skipped':>8} {'seconds':>8}"


def tried(engine: Engine, arguments: list[str]) -> Result:
    """The marked tests on this engine."""
    print(f"== {engine.name} {engine.version}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "engines", f"--junitxml={report}", *arguments]
        ended = subprocess.run(command, env=os.environ | {"GATEWATCH_ENGINE": engine.name}).returncode
        suite = next(ElementTree.parse(report).iter("testsuite")).attrib if report.exists() else {}
    tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    return Result(engine, ended == 0, tests - failed - skipped, failed, skipped, time.monotonic() - started)


def main() -> None:
    engines = table()
    parser = argparse.ArgumentParser(description="The tests that hold for every search engine, on each.")
    parser.add_argument("--engines", default="", help="names with blanks between them; all without it")
    given, arguments = parser.parse_known_args()
    names = given.engines.split() or list(engines)
    strange = [name for name in names if name not in engines]
    if strange:
        parser.error(f"{', '.join(strange)}: no such engine; there are {', '.join(engines)}")
    results = [tried(engines[name], arguments) for name in names]
    print("\n".join([HEAD, *(result.line() for result in results)]))
    sys.exit(any(not result.fine for result in results))


if __name__ == "__main__":
    main()
