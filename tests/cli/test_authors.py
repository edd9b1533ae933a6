"""`gatewatch signatures new` and `test`: a new signature from nothing to its first match."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.cli.process import gatewatch

LOG = "2026-11-20 09:44:58.839 | starting\n2026-11-20 09:44:59.839 | E: Could not get lock /var/lib/dpkg\n"


def test_what_is_new_passes_the_check_when_its_query_is_filled_in(home: Path) -> None:
    done = gatewatch(home, "signatures", "new", "2098765")
    assert (done.code, done.err) == (0, "")
    assert done.lines[0] == f"wrote {home}/signatures/2098765.yaml"
    file = home / "signatures" / "2098765.yaml"
    empty = gatewatch(home, "signatures", "check", "signatures")
    assert empty.code == 1 and "2098765.yaml:10:8: query: must not be empty" in empty.err
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("query: >-\n", 'query: >-\n  tags:"console" AND message:"Could not get lock"\n'))
    filled = gatewatch(home, "signatures", "check", "signatures")
    assert (filled.code, filled.lines) == (0, ["2 signatures, no faults, 0 warnings"])
    again = gatewatch(home, "signatures", "new", "#2098765")
    assert (again.code, again.err) == (1, f"{file} is there already; nothing was changed\n")
    (home / "job-output.txt").write_text(LOG, encoding="utf-8")
    tested = gatewatch(home, "signatures", "test", "signatures/2098765.yaml", "job-output.txt")
    assert (tested.code, tested.lines) == (
        0,
        ["job-output.txt:2: E: Could not get lock /var/lib/dpkg", "job-output.txt: 1 of 2 lines matches"],
    )


@pytest.mark.parametrize(
    ("bug", "id", "kept"),
    [
        ("https://bugs.launchpad.net/nova/+bug/2098765", "2098765", '"https://bugs.launchpad.net/nova/+bug/2098765"'),
        ("https://storyboard.openstack.org/#!/story/2001234", "2001234", "/#!/story/2001234"),
        ("https://example.org/issues/77/?page=1", "77", "issues/77/?page=1"),
        ("LP: #12", "12", ""),
        ("apt-lock", "apt-lock", ""),
    ],
)
def test_the_id_comes_from_a_number_an_address_or_words(tmp_path: Path, bug: str, id: str, kept: str) -> None:
    done = gatewatch(tmp_path, "signatures", "new", bug, "--folder", "mine")
    assert (done.code, done.err) == (0, "")
    text = (tmp_path / "mine" / f"{id}.yaml").read_text(encoding="utf-8")
    assert ("\nbug: " in text) == bool(kept) and kept in text
    (tmp_path / "mine" / f"{id}.yaml").write_text(text.replace("query: >-", "query: message:boom"))
    assert gatewatch(tmp_path, "signatures", "check", "mine").code == 0


def test_a_name_that_a_shipped_one_has_takes_its_place(tmp_path: Path) -> None:
    done = gatewatch(tmp_path, "signatures", "new", "disk-full", "--folder", "mine")
    assert done.code == 0 and done.lines[1].startswith("it takes the place of the shipped disk-full")
    other = gatewatch(tmp_path, "signatures", "new", "foo_bar.1", "--folder", "mine")
    assert other.code == 0 and "takes the place" not in other.out


def test_why_a_name_is_none_is_said(tmp_path: Path) -> None:
    done = gatewatch(tmp_path, "signatures", "new", "all", "--folder", "mine")
    assert done.err == "all: not a bug's number or address, and it cannot name a signature: it means every signature\n"


@pytest.mark.parametrize("bug", ["", "../etc/passwd", "https://example.org/about", "all", "a b"])
def test_what_names_no_signature_is_refused(tmp_path: Path, bug: str) -> None:
    done = gatewatch(tmp_path, "signatures", "new", bug, "--folder", "mine")
    assert done.code == 1 and "Traceback" not in done.err
    assert not (tmp_path / "mine").exists()


def test_without_a_folder_of_ones_own_it_says_what_to_do(home: Path) -> None:
    config = home / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("folders: [signatures]", 'folders: ["shipped:signatures"]'), encoding="utf-8")
    done = gatewatch(home, "signatures", "new", "1")
    assert done.code == 1 and "name one with --folder DIR" in done.err


def test_packed_logs_standard_input_and_several_at_once(home: Path) -> None:
    (home / "a.txt.gz").write_bytes(gzip.compress(b"nothing\nNo space left on device\n" * 3))
    (home / "b.txt").write_bytes(b"No space \xff\nDEBUG No space left on device\n")
    done = gatewatch(
        home, "signatures", "test", "signatures/disk.yaml", "a.txt.gz", "b.txt", "-", "--show", "1",
        typed="No space left on device\n",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert done.lines == [
        "a.txt.gz:2: No space left on device",
        "a.txt.gz: 3 of 6 lines match, 2 not shown",
        "b.txt: 0 of 1 line matches",
        "standard input:1: No space left on device",
        "standard input: 1 of 1 line matches",
        "in all: 4 lines",
    ]


def test_no_match_is_exit_code_1_with_what_each_clause_finds(home: Path) -> None:
    (home / "a.txt").write_text("no space\n", encoding="utf-8")
    done = gatewatch(home, "signatures", "test", "signatures/disk.yaml", "a.txt")
    assert (done.code, done.lines) == (1, ["a.txt: 0 of 1 line matches"])
    assert done.err == 'signatures/disk.yaml matches no line\n  message:"No space left on device" alone: 0 lines\n'


def test_what_cannot_be_read_is_said(home: Path) -> None:
    (home / "cut.gz").write_bytes(gzip.compress(b"a line\n" * 1000)[:20])
    for log, words in (("nowhere.txt", "No such file"), ("day", "Is a directory"), ("cut.gz", "cannot be unpacked")):
        done = gatewatch(home, "signatures", "test", "signatures/disk.yaml", log)
        assert done.code == 1 and words in done.err and "Traceback" not in done.err
    (home / "bad.yaml").write_text("query: '('\n", encoding="utf-8")
    done = gatewatch(home, "signatures", "test", "bad.yaml", "day")
    assert done.code == 1 and "bad.yaml:1:" in done.err
