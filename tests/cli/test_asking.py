"""`gatewatch query`, `gatewatch route test` and `gatewatch index`: what an operator asks and loads by hand."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bot.cli import query as asking
from bot.errors import UserError
from bot.search.embedded.writing import Writer
from tests.cli.conftest import add_build, aged
from tests.cli.process import ROOT, Bot, gatewatch
from tests.fakes import Index


@pytest.fixture
def loaded(home: Path) -> Path:
    done = gatewatch(home, "index", "day")
    assert (done.code, done.out) == (0, "")
    assert "indexed 2 builds, 4 lines" in done.err
    return home


def test_a_query_is_counted_per_result_and_its_builds_are_listed(loaded: Path) -> None:
    done = gatewatch(loaded, "query", "message:starting")
    assert (done.code, done.err) == (0, "")
    assert done.lines[1] == "found    2 failed and 0 passed builds; 2 lines in 24h"
    assert done.lines[2] == "         2 of 2 failed and 0 of 0 passed builds have it"
    assert done.lines[3] == "known    #disk 1; 1 of 2 failed builds explained by no known signature"
    assert "│ FAILURE │      2 │     2 │" in done.out
    assert f"{'a1' * 16}  x1  openstack/nova unit 900001,2" in done.lines
    shown = gatewatch(loaded, "query", "message:starting", "--show", "1").lines
    assert shown[-1] == "and 1 more build: --show lists them"


def test_signatures_that_a_query_is_not_compared_with_are_named(loaded: Path) -> None:
    (loaded / "signatures" / "broken.yaml").write_text("query: message:)\n", encoding="utf-8")
    done = gatewatch(loaded, "query", "message:starting")
    assert done.code == 0 and done.err.startswith("left out: ") and "broken.yaml:1:16: query: " in done.err


def test_the_window_of_a_query(loaded: Path) -> None:
    done = gatewatch(loaded, "query", "message:starting", "--since", "30m")
    assert done.code == 0
    assert done.out.startswith("nothing is found from 20")
    wrong = gatewatch(loaded, "query", "message:starting", "--since", "soon")
    assert (wrong.code, wrong.err) == (1, "--since soon: a duration is written 90s, 20m, 24h or 14d\n")


def test_a_fault_in_a_query_is_pointed_at(home: Path) -> None:
    done = gatewatch(home, "query", 'tags:console\nAND message:("a" OR')
    assert done.code == 1
    *_, line, caret = done.err.splitlines()
    assert done.err.startswith("not a Lucene query: ")
    assert line == '  AND message:("a" OR'
    assert caret.strip() == "^" and len(caret) <= len(line) + 1


@pytest.mark.parametrize("text", [" OR ".join(["a"] * 20_000), "*a " * 1000, "(" * 10_000, "a\x07"])
def test_too_much_is_refused_in_two_lines_and_not_asked(home: Path, text: str) -> None:
    """There is no index, which would be said if it were asked for."""
    done = gatewatch(home, "query", text)
    assert done.code == 1
    assert done.err.startswith("not a Lucene query: ") and len(done.err) < 400
    assert done.err.endswith("^\n") and "no index" not in done.err


def test_what_the_index_refuses_is_said(loaded: Path) -> None:
    done = gatewatch(loaded, "query", "project:[a TO b]")
    assert done.code == 1
    assert "range" in done.err and "Traceback" not in done.err


def test_without_the_fields_nothing_is_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index()
    index.shapeless = "the index did not answer in 30 s"
    monkeypatch.setattr(asking, "open_search", lambda _: index)
    with pytest.raises(UserError, match="did not answer in 30 s"):
        asking.query(home / "config.yaml", "message:starting", "24h", 5, 60.0)
    assert index.asked == []


def test_no_index_is_said_with_what_to_do(home: Path) -> None:
    done = gatewatch(home, "query", "message:starting")
    assert done.code == 1
    assert f"there is no index in {home}/index: run `gatewatch index DIR`, or the bot, which loads" in done.err


def test_the_example_day_is_there_to_be_asked(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.example.yaml").read_bytes())
    assert gatewatch(tmp_path, "index", str(ROOT / "examples" / "gate-day")).code == 0
    done = gatewatch(tmp_path, "query", 'message:"still attached to the guest"')
    assert "openstack/nova nova-next 912345,3" in done.out


FEEDS = """
  disks: {rooms: ["console:here"], signatures: [disk], events: [known]}
  stable: {rooms: ["console:there"], branches: ["^stable/"]}
"""


def test_which_rooms_hear_of_a_failure_and_why_not(home: Path) -> None:
    config = home / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('  gate: {rooms: ["console:here"]}\n', FEEDS), encoding="utf-8")
    unknown = gatewatch(home, "route", "test", "--project", "openstack/nova", "--job", "unit")
    assert unknown.lines == [
        "console:here does not: feed disks: its events do not have unknown",
        "console:there does not: feed stable: its branches do not have master",
    ]
    known = gatewatch(home, "route", "test", "--branch", "stable/2026.1", "--signature", "disk")
    assert known.lines == ["console:here hears it: feed disks", "console:there hears it: feed stable"]
    other = gatewatch(home, "route", "test", "--pipeline", "check")
    assert other.lines == ["nobody hears: builds.pipelines does not have check"]


def test_what_is_loaded_while_a_bot_runs_is_announced(home: Path) -> None:
    with Bot(home) as bot:
        bot.until(lambda: len(bot.said) == 2)
        add_build(home / "more", "d4" * 16, 900003, "unit", "No space left on device")
        aged(home / "more", "62m")
        done = gatewatch(home, "index", "more")
        assert done.code == 0, done.err
        bot.until(lambda: len(bot.said) == 3)
        assert "900003,2 failed: unit: #disk the disk is full (x2/24h)" in bot.said[2]
        bot.stop()


def test_a_second_writer_is_refused_at_once(loaded: Path) -> None:
    with Writer(loaded / "index"):
        done = gatewatch(loaded, "index", "day")
    assert done.code == 1
    told = f"the index in {loaded}/index is being written by another process: wait until that is done, then try again"
    assert told in done.err


def test_builds_with_faults_are_left_out_and_named(home: Path) -> None:
    (home / "day" / "900002-functional" / "build.yaml").write_text("uuid: x\nresult: FAILURE\n", encoding="utf-8")
    done = gatewatch(home, "index", "day")
    assert done.code == 1
    assert "left out: 1 build\n  day/900002-functional/build.yaml:1:1: missing key 'job'" in done.err


def test_only_an_embedded_index_can_be_loaded(home: Path) -> None:
    config = home / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(
        text.replace("url: embedded, path: index, load: day", "url: http://127.0.0.1:1"), encoding="utf-8"
    )
    done = gatewatch(home, "index", "day")
    assert (done.code, done.err) == (1, "config.yaml: `search` names a cluster; only an embedded index can be loaded\n")


def test_at_a_terminal_long_lines_are_broken_between_words() -> None:
    address = "https://logs.example.org/" + "x" * 60
    text = "known    #disk-full 3, #post-run-broken 2; " + address
    narrow = Console(file=StringIO(), force_terminal=True, width=30)
    lines = asking.folded(text, narrow).splitlines()
    assert lines == ["known    #disk-full 3,", "         #post-run-broken 2;", f"         {address}"]
    assert asking.folded(text, Console(file=StringIO(), width=30)) == text
