"""`gatewatch check` and `gatewatch signatures check`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.verbs import app
from tests.cli.conftest import write_config
from tests.cli.process import ROOT, gatewatch

TEN = """\
search: {url: embedded, path: index}
builds:
  settle: 150
  hould: 90s
store: sqlite
networks:
  console: {type: console}
  oftc: {type: irc, host: irc.oftc.net, port: ircs, nick: gatewatch}
  opendev: {type: matrx}
operators: ofct:#openstack-infra
feeds:
  nova: {rooms: ["console:here"], jobs: ["^tempest-["], pipelines: [experimental]}
signatures: {folders: [signatures]}
comands: {prefix: "!"}
"""
FAULTS = [
    "config.yaml:3:11: builds.settle: a duration is written 90s, 20m, 24h or 14d",
    "config.yaml:4:3: builds.hould: unknown key; did you mean 'hold'?",
    "config.yaml:5:8: store: a store is sqlite:///var/gatewatch.db or postgresql://USER@HOST/NAME",
    "config.yaml:8:47: networks.oftc.port: expected a whole number, got 'ircs'",
    "config.yaml:9:19: networks.opendev.type: unknown type 'matrx'; did you mean 'matrix'?",
    "config.yaml:10:12: operators: no network 'ofct'; did you mean 'oftc'?",
    "config.yaml:12:42: feeds.nova.jobs[0]: not a regular expression: unterminated character set at character 10",
    "config.yaml:12:69: feeds.nova.pipelines[0]: nothing can reach this: builds.pipelines has gate",
    "config.yaml:14:1: comands: unknown key; did you mean 'commands'?",
    "{home}/signatures/broken.yaml:1:19: query: not a Lucene query: this ( is never closed",
]


def test_a_good_file_is_said_to_be_good(home: Path) -> None:
    done = gatewatch(home, "check")
    assert (done.code, done.err) == (0, "")
    assert done.lines == [
        f"search: embedded in {home}/index",
        "builds: of gate",
        f"store: sqlite:///{home}/gatewatch.db",
        "network console: console",
        "feed gate: to console:here",
        f"signatures: {home}/signatures",
        "config.yaml: no faults, 1 signature",
    ]
    assert {path.name for path in home.iterdir()} == {"config.yaml", "day", "signatures"}, "checking leaves nothing"


def test_all_faults_are_said_at_once_those_of_signatures_too(home: Path) -> None:
    (home / "config.yaml").write_text(TEN, encoding="utf-8")
    (home / "signatures" / "broken.yaml").write_text("query: 'message:x (y'\n", encoding="utf-8")
    done = gatewatch(home, "check")
    assert (done.code, done.out) == (1, "")
    told = ["config.yaml and its signatures: 10 problems", *(f"  {fault.format(home=home)}" for fault in FAULTS)]
    assert done.err.splitlines() == told


def test_a_line_about_the_bot_that_oftc_cuts_is_a_warning(home: Path) -> None:
    oftc = f'oftc: {{type: irc, host: irc.oftc.net, nick: gatewatch, realname: "{"x" * 51}"}}'
    write_config(home, f"console: {{type: console}}, {oftc}")
    done = gatewatch(home, "check")
    warning = "networks.oftc.realname: over 50 bytes, where ircd-hybrid (OFTC) cuts it"
    assert (done.code, done.lines[0]) == (0, f"warning: config.yaml: {warning}")


def test_capitals_in_a_matrix_id_are_a_warning_and_the_operators_room_is_shown(home: Path) -> None:
    matrix = 'hs: {type: matrix, homeserver: "https://x.example", user: "@Gatewatch:x.example"}'
    write_config(home, f"console: {{type: console}}, {matrix}")
    with (home / "config.yaml").open("a", encoding="utf-8") as file:
        file.write('operators: "hs:#ops:x.example"\n')
    done = gatewatch(home, "check")
    warning = "networks.hs.user: only very old Matrix ids have capitals; homeservers make new ones small"
    assert (done.code, done.lines[0]) == (0, f"warning: config.yaml: {warning}")
    assert "operators: in hs:#ops:x.example" in done.lines


def test_no_file_is_said_with_what_to_do(tmp_path: Path) -> None:
    done = gatewatch(tmp_path, "check")
    assert done.code == 1
    example = ROOT / "config.example.yaml"
    assert done.err == f"config.yaml is not there: copy {example} to it, or name another with -c FILE\n"


def test_the_environment_names_the_file(home: Path, tmp_path: Path) -> None:
    (home / "config.yaml").rename(home / "other.yaml")
    done = gatewatch(home, "check", GATEWATCH_CONFIG="other.yaml")
    assert done.lines[-1] == "other.yaml: no faults, 1 signature"


def test_a_wrong_command_line_is_exit_code_2(tmp_path: Path) -> None:
    done = gatewatch(tmp_path, "check", "--confg", "x")
    assert done.code == 2
    assert "No such option: --confg" in done.err


def test_the_shipped_signatures_are_sound(tmp_path: Path) -> None:
    done = gatewatch(tmp_path, "signatures", "check")
    count = len(list((ROOT / "signatures").glob("*.yaml")))
    assert (done.code, done.err, done.out) == (0, "", f"{count} signatures, no faults, 0 warnings\n")


def test_faults_and_warnings_of_a_folder_are_named(home: Path) -> None:
    folder = home / "signatures"
    (folder / "wrong.yaml").write_text('query: message:"lock"\nmatches: [nothing of it]\n', encoding="utf-8")
    (folder / "odd.yaml").write_text('query: message:"no host*"\n', encoding="utf-8")
    done = gatewatch(home, "signatures", "check", "signatures")
    assert done.code == 1
    assert done.out.startswith("warning: signatures/odd.yaml:1:"), done.out
    assert done.err.splitlines() == [
        "signatures: 1 problem",
        "  signatures/wrong.yaml:2:11: matches[0]: the query does not match this line",
    ]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = gatewatch(tmp_path, "signatures", "check", "mine")
    assert done.code == 1
    assert "mine" in done.err and "No such file or directory" in done.err and "Traceback" not in done.err


def test_a_folder_that_may_not_be_read_is_a_fault_and_no_wrong_command_line(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read anything, so the answer of the system is played."""
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    done = CliRunner().invoke(app, ["signatures", "check", str(home / "signatures")])
    assert (done.exit_code, done.output) == (0, "1 signature, no faults, 0 warnings\n")
