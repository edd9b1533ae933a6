"""Help that teaches by example, the version, and completion in a shell."""

from __future__ import annotations

import subprocess
from pathlib import Path
from sys import executable

import pytest

from bot import __version__
from tests.cli.process import environment, gatewatch

VERBS = (
    "run",
    "once",
    "check",
    "query",
    "say",
    "index",
    "signatures check",
    "signatures test",
    "signatures new",
    "signatures stats",
    "signatures dead",
    "route test",
    "matrix login",
    "matrix redact",
)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example_and_says_its_exit_codes(tmp_path: Path, verb: str) -> None:
    done = gatewatch(tmp_path, *verb.split(), "--help")
    assert done.code == 0
    assert f"Example: gatewatch {verb}" in done.out
    assert "Exit codes: 0 done, 1 it could not be done" in done.out


def test_the_verbs_stand_in_the_help(tmp_path: Path) -> None:
    done = gatewatch(tmp_path, "--help")
    for verb in VERBS:
        assert f"\n  {verb.split()[0]} " in done.out
    below = gatewatch(tmp_path, "signatures", "--help")
    for one in (done, below):
        assert "..." not in one.out.partition("Commands:")[2], "a verb's line is cut"


def test_the_version(tmp_path: Path) -> None:
    assert gatewatch(tmp_path, "--version").out == f"gatewatch {__version__}\n"


@pytest.mark.parametrize(("typed", "offered"), [("gatewatch si", "signatures"), ("gatewatch route t", "test")])
def test_a_shell_completes_verbs(tmp_path: Path, typed: str, offered: str) -> None:
    at = str(len(typed.split()) - 1)
    asked = environment(_GATEWATCH_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=at)
    command = Path(executable).with_name("gatewatch")
    done = subprocess.run([command], env=asked, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == [offered], done.stderr


def test_the_script_for_a_shell_is_shown(tmp_path: Path) -> None:
    command = Path(executable).with_name("gatewatch")
    asked = environment(_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    done = subprocess.run(
        [command, "--show-completion", "bash"], env=asked, cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert "complete -o default -F _gatewatch_completion gatewatch" in done.stdout
