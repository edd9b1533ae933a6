"""Where the matrix-js-sdk of tests is: a real client's encryption, for people to talk with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.servers import missing, program

SCRIPT = Path(__file__).parent / "js" / "human.mjs"


OLDEST = 20  # of node, for this matrix-js-sdk


def node() -> str:
    """The node program, or a skip."""
    found = program("node", f"node {OLDEST} or later")
    version = subprocess.run(
        [found, "--version"], capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        missing(f"node is {version}: install {OLDEST} or later")
    return found


def sdk() -> Path:
    """The folder of node_modules with matrix-js-sdk in it, or a skip."""
    cache = Path(os.environ.get("GATEWATCH_SERVERS", Path.home() / ".cache" / "gatewatch-servers"))
    folder = cache / "matrix-js-sdk"
    if not (folder / ".whole").exists():
        missing(f"matrix-js-sdk is not in {folder}: install it with .ci/servers")
    return folder
