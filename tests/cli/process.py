"""The command line as its users have it: real processes in a folder of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]
CHECKOUT = (sys.executable, "-m", "bot")
WITHIN = 30.0  # seconds for what takes one or two on a machine of its own


@dataclass(frozen=True)
class Done:
    """A process that ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def environment(**more: str) -> dict[str, str]:
    """The tests' own; nothing in it chooses a config file, or where Python finds what it imports."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("GATEWATCH_", "PYTHON"))}
    return own | {"COLUMNS": "200"} | more


def path_of(program: Sequence[str]) -> dict[str, str]:
    """The checkout is importable from any folder."""
    return {"PYTHONPATH": str(ROOT)} if program is CHECKOUT else {}


def gatewatch(home: Path, *words: str, typed: str = "", program: Sequence[str] = CHECKOUT, **more: str) -> Done:
    """Run a verb to its end in the folder `home`; `typed`: its standard input, `more`: its environment."""
    done = subprocess.run(
        [*program, *words],
        cwd=home,
        env=environment(**path_of(program), **more),
        input=typed,
        capture_output=True,
        text=True,
        timeout=WITHIN,
    )
    return Done(done.returncode, done.stdout, done.stderr)


class Bot:
    """`gatewatch run`, or another verb that stays, in the folder `home` until the block ends.

    Typed lines go in, what it prints is in files.
    """

    def __init__(
        self, home: Path, *words: str, program: Sequence[str] = CHECKOUT, verb: Sequence[str] = ("run",)
    ) -> None:
        self.home = home
        self._program = program
        self._words = (*verb, *words)
        self._printed, self._logged = home / "printed.txt", home / "logged.txt"

    def __enter__(self) -> Bot:
        with self._printed.open("wb") as printed, self._logged.open("wb") as logged:
            self._process = subprocess.Popen(
                [*self._program, *self._words],
                cwd=self.home,
                env=environment(**path_of(self._program)),
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=logged,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait(WITHIN)

    @property
    def printed(self) -> str:
        return self._printed.read_text(encoding="utf-8")

    @property
    def log(self) -> str:
        return self._logged.read_text(encoding="utf-8")

    @property
    def said(self) -> list[str]:
        """What it said in rooms, without the time and its name."""
        lines = [line.partition("<gatewatch> ")[2] for line in self.printed.splitlines()]
        return [line for line in lines if line.startswith("[")]

    def type(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def until(self, condition: Callable[[], bool]) -> None:
        """Return when it holds; fails with what was printed and logged when the bot ends or the time is over."""
        deadline = time.monotonic() + WITHIN
        while not condition():
            assert self._process.poll() is None, f"it ended ({self._process.returncode}):\n{self.log}"
            assert time.monotonic() < deadline, f"printed:\n{self.printed}\nlogged:\n{self.log}"
            time.sleep(0.02)

    def leave(self, how: Callable[[subprocess.Popen[bytes]], None]) -> tuple[int, float]:
        """Its exit code, and the seconds that it took to leave."""
        start = time.monotonic()
        how(self._process)
        code = self._process.wait(WITHIN)
        return code, time.monotonic() - start

    def stop(self) -> None:
        """Ask it to leave, and see that it does so well."""
        code, _ = self.leave(lambda process: process.send_signal(signal.SIGTERM))
        assert code == 0, self.log
