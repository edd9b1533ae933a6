"""The wheel, installed into an environment of its own and used far from any checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.process import ROOT, Bot, environment, gatewatch

NEEDED = ("bot", "signatures", "examples", "config.example.yaml", "README.md", "setup.py", "pyproject.toml")
OFFLINE = ("--no-index", "--no-deps", "--disable-pip-version-check", "-q")


def pip(*words: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: what an earlier build left in the checkout must not get into it."""
    source = tmp_path_factory.mktemp("source")
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, source / name)
    pip("wheel", *OFFLINE, "--no-build-isolation", "-w", source / "dist", source)
    (built,) = (source / "dist").glob("gatewatch-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    """The command `gatewatch` of a new environment; what the wheel depends on is taken from the tests' own."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, with_pip=False, symlinks=True)
    python = place / "bin" / "python"
    pip("--python", python, "install", *OFFLINE, wheel)
    (site,) = place.glob("lib/python*/site-packages")
    (site / "needs.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return (str(place / "bin" / "gatewatch"),)


def test_an_empty_folder_and_the_shipped_example_are_enough(installed: Sequence[str], tmp_path: Path) -> None:
    missing = gatewatch(tmp_path, "check", program=installed)
    assert missing.code == 1
    example = Path(missing.err.partition("copy ")[2].partition(" to it")[0])
    assert "site-packages" in example.parts and ROOT not in example.parents
    shutil.copy(example, tmp_path / "config.yaml")

    checked = gatewatch(tmp_path, "check", program=installed)
    assert (checked.code, checked.err) == (0, "")
    shipped = len(list((ROOT / "signatures").glob("*.yaml")))
    assert checked.lines[-1] == f"config.yaml: no faults, {shipped} signatures"
    assert f"signatures: {example.parent / 'signatures'}" in checked.lines
    samples = gatewatch(tmp_path, "signatures", "check", program=installed)
    assert samples.out == f"{shipped} signatures, no faults, 0 warnings\n"

    with Bot(tmp_path, program=installed) as bot:
        bot.until(lambda: len(bot.said) == 10)
        bot.type("!help\n")
        bot.until(lambda: "!why CHANGE" in bot.printed)
        bot.stop()
    assert {path.name for path in (tmp_path / "var").iterdir()} >= {"gatewatch.db", "index"}


def test_nothing_but_the_bot_is_installed(installed: Sequence[str]) -> None:
    (site,) = Path(installed[0]).parents[1].glob("lib/python*/site-packages")
    there = {path.name.partition("-")[0] for path in site.iterdir() if path.suffix != ".pth"}
    assert there == {"bot", "gatewatch"}
    assert (site / "bot" / "py.typed").exists()
    assert list((site / "bot" / "store" / "migrations" / "versions").glob("*.py"))
