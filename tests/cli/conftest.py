"""A folder as an operator has one: a config file, two failed builds in a folder of logs, own signatures."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFIG = """\
search: {{url: embedded, path: index, load: day}}
builds: {{pipelines: [gate], {builds}}}
poll: {{every: 1s}}
store: sqlite:///gatewatch.db
networks: {{{networks}}}
feeds:
  gate: {{rooms: [{room}]}}
signatures: {{folders: [signatures]}}
"""
BUILD = """\
uuid: "{uuid}"
job: {job}
result: FAILURE
project: openstack/nova
pipeline: gate
branch: master
change: {change}
patchset: 2
buildset: "set-{change}"
log_url: https://logs.example.org/{uuid}/
"""
KNOWN, UNKNOWN, YOUNG = "a1" * 16, "b2" * 16, "c3" * 16


def write_config(
    home: Path, networks: str = "console: {type: console}", room: str = "console:here", builds: str = "settle: 60s"
) -> None:
    text = CONFIG.format(networks=networks, room=f'"{room}"', builds=builds)
    (home / "config.yaml").write_text(text, encoding="utf-8")


def add_build(folder: Path, uuid: str, change: int, job: str, *lines: str) -> Path:
    """A build's folder whose lines were written at one old time (day.yaml moves it)."""
    place = folder / f"{change}-{job}"
    place.mkdir(parents=True)
    (place / "build.yaml").write_text(BUILD.format(uuid=uuid, change=change, job=job), encoding="utf-8")
    text = "".join(f"2026-11-20 09:44:58.839 | {line}\n" for line in lines)
    (place / "job-output.txt").write_text(text, encoding="utf-8")
    return place


def aged(folder: Path, ago: str) -> None:
    """Say how long ago the newest line was written."""
    (folder / "day.yaml").write_text(f"newest_line_ago: {ago}\n", encoding="utf-8")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One build is known, one is not; both ended 62 minutes ago."""
    write_config(tmp_path)
    day = tmp_path / "day"
    add_build(day, KNOWN, 900001, "unit", "starting", "OSError: [Errno 28] No space left on device")
    add_build(day, UNKNOWN, 900002, "functional", "starting", "ERROR: the frobnicator fell over")
    aged(day, "62m")
    (tmp_path / "signatures").mkdir()
    (tmp_path / "signatures" / "disk.yaml").write_text(
        'title: the disk is full\nquery: message:"No space left on device"\nmatches: ["No space left on device"]\n',
        encoding="utf-8",
    )
    return tmp_path
