"""`gatewatch signatures check` with a config's folders, against its index, and again at each save."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.cli.process import ROOT, Bot, gatewatch
from tests.servers import free_port

SOUND = "signatures: {folders: [signatures]}"


@pytest.fixture
def indexed(home: Path) -> Path:
    assert gatewatch(home, "index", "day").code == 0
    return home


def add(home: Path, id: str, query: str) -> None:
    (home / "signatures" / f"{id}.yaml").write_text(f"query: >-\n  {query}\n", encoding="utf-8")


def test_a_config_names_the_folders_and_the_layout(home: Path) -> None:
    add(home, "old", 'message:"a" AND module:"nova.compute"')
    done = gatewatch(home, "signatures", "check", "-c", "config.yaml")
    warning = "the index has no field module, so this clause finds nothing"
    assert (done.code, done.lines) == (
        0,
        [
            f"warning: {home}/signatures/old.yaml:2:26: query: {warning}",
            "2 signatures, no faults, 1 warning",
        ],
    )
    text = (home / "config.yaml").read_text(encoding="utf-8")
    cluster = "search: {url: https://search.example.org, index: logstash-*, profile: logstash}"
    (home / "config.yaml").write_text(text.replace(text.splitlines()[0], cluster), encoding="utf-8")
    assert gatewatch(home, "signatures", "check", "-c", "config.yaml").lines == ["2 signatures, no faults, 0 warnings"]
    (home / "mine").mkdir()
    done = gatewatch(home, "signatures", "check", "mine", "-c", "config.yaml")
    assert (done.code, done.out) == (1, "")
    assert done.err == "mine: there is no signature; a signature's file ends in .yaml\n"


def test_the_live_index_says_what_no_file_shows(indexed: Path) -> None:
    add(indexed, "gone", 'message:"never seen"')
    add(indexed, "queue", 'message:"frobnicator" AND build_queue:"gate"')
    add(indexed, "twin", 'message:"space left on device"')
    done = gatewatch(indexed, "signatures", "check", "--live")
    folder = f"{indexed}/signatures"
    assert (done.code, done.err) == (0, "")
    assert done.lines == [
        f'warning: {folder}/gone.yaml:2:11: query: no line of the last 24h has this: message:"never seen"',
        f"warning: {folder}/queue.yaml:2:41: query: build_queue is gate in every line of the last 24h that has it",
        f"warning: {folder}/twin.yaml:2:3: query: hits the same 1 build as disk",
        "4 signatures, no faults, 3 warnings",
    ]
    done = gatewatch(indexed, "signatures", "check", "--live", "--since", "30m")
    assert done.code == 1
    assert done.err.splitlines() == [
        "not all could be checked",
        "  disk, gone, queue, twin could not be checked: no build has a line in the last 30m",
    ]


def test_of_shipped_signatures_the_live_index_says_something_when_asked_to(indexed: Path) -> None:
    add(indexed, "gone", 'tags:"console" AND message:"never seen"')
    text = (indexed / "config.yaml").read_text(encoding="utf-8")
    (indexed / "config.yaml").write_text(text.replace("[signatures]", '["shipped:signatures", signatures]'))
    count = len(list((ROOT / "signatures").glob("*.yaml")))
    done = gatewatch(indexed, "signatures", "check", "--live")
    assert (done.code, done.err) == (0, "")
    assert done.lines[0] == f"nothing is said of {count} signatures that came with Gatewatch; --shipped does"
    folder = f"warning: {indexed}/signatures"
    assert done.lines[1].startswith(f"{folder}/disk.yaml:2:8: query: hits the same 1 build as ")
    assert done.lines[2].startswith(f"{folder}/gone.yaml:2:30: query: no line of the last 24h has this")
    assert done.lines[3] == f"{count + 2} signatures, no faults, 2 warnings"
    done = gatewatch(indexed, "signatures", "check", "--live", "--shipped")
    assert any(line.startswith(f"warning: {ROOT}/signatures/") for line in done.lines), done.out


def test_an_index_that_is_down_is_no_warning(home: Path) -> None:
    text = (home / "config.yaml").read_text(encoding="utf-8")
    down = f"search: {{url: 'http://127.0.0.1:{free_port()}', index: logs}}"
    (home / "config.yaml").write_text(text.replace(text.splitlines()[0], down), encoding="utf-8")
    done = gatewatch(home, "signatures", "check", "--live")
    assert (done.code, done.lines) == (1, ["1 signature, no faults, 0 warnings"])
    assert done.err.startswith("not all could be checked\n  disk could not be checked: ")
    assert "Traceback" not in done.err


def test_the_example_day_is_checked_against(tmp_path: Path) -> None:
    shutil.copy(ROOT / "config.example.yaml", tmp_path / "config.yaml")
    assert gatewatch(tmp_path, "index", str(ROOT / "examples" / "gate-day")).code == 0
    done = gatewatch(tmp_path, "signatures", "check", "--live")
    assert done.code == 0
    assert any("disk-full.yaml:4:11: query: no line of the last 24h has this: " in line for line in done.lines)


def test_live_and_watch_do_not_go_together(home: Path) -> None:
    done = gatewatch(home, "signatures", "check", "--live", "--watch")
    assert done.code == 2
    assert "leave --live out" in done.err


# -- at each save ---------------------------------------------------------------------------------------------


def watching(home: Path) -> Bot:
    return Bot(home, "signatures", verb=("signatures", "check", "--watch"))


def until(bot: Bot, *lines: str) -> None:
    """The next lines that it prints are these, after what was awaited before."""
    seen = len(getattr(bot, "seen", []))
    bot.until(lambda: len(bot.printed.splitlines()) >= seen + len(lines))
    printed = bot.printed.splitlines()
    assert printed[seen:] == list(lines)
    bot.seen = printed  # type: ignore[attr-defined]


WATCHING = ("1 signature, no faults, 0 warnings", "watching signatures; Ctrl-C ends it")
FAULT = "signatures/new.yaml:1:11: query: not a Lucene query: this ( is never closed"


def test_each_save_is_checked_and_only_what_is_new_is_said(home: Path) -> None:
    folder = home / "signatures"
    with watching(home) as bot:
        until(bot, *WATCHING)
        (folder / "new.yaml").write_text("query: 'a (b'\n", encoding="utf-8")
        until(bot, FAULT, "new.yaml: 1 signature, 1 fault, 0 warnings")
        (folder / "new.yaml").write_text("title: x\nquery: 'a (b'\n", encoding="utf-8")
        until(bot, "new.yaml: 1 signature, 1 fault, 0 warnings")
        (folder / ".new.yaml.swp").write_text("an editor's own", encoding="utf-8")
        by_rename = folder / "new.yaml~"
        by_rename.write_text('query: message:"a"\n', encoding="utf-8")
        by_rename.rename(folder / "new.yaml")
        mended = FAULT.replace(":1:11:", ":2:11:")
        until(bot, f"mended: {mended}", "new.yaml: 2 signatures, no faults, 0 warnings")
        (folder / "disk.yaml").unlink()
        until(bot, "disk.yaml: 1 signature, no faults, 0 warnings")
        code, _ = bot.leave(lambda process: process.send_signal(signal.SIGINT))
    assert (code, bot.log) == (0, "")


def test_a_folder_that_goes_away_ends_it_with_a_sentence(home: Path) -> None:
    with watching(home) as bot:
        until(bot, *WATCHING)
        code, _ = bot.leave(lambda _: os.rename(home / "signatures", home / "elsewhere"))
    assert (code, bot.log) == (1, "signatures is not a folder, or is gone\n")
    assert gatewatch(home, "signatures", "check", "signatures", "--watch").code == 1
