"""`gatewatch signatures stats` and `dead`: what they print, remove and leave; the numbers are tests/workbench's."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.cli import dead as burying
from bot.cli import stats as counting
from bot.cli.index import load_folder
from bot.clock import utc_now
from bot.errors import UserError
from bot.model import Build, Signature
from bot.workbench.dead import Judged
from bot.workbench.stats import Row, Share
from tests.cli.conftest import add_build, aged
from tests.cli.process import gatewatch
from tests.fakes import Index

DISK = "OSError: [Errno 28] No space left on device"


@pytest.fixture
def counted(home: Path) -> Path:
    """`disk` was found an hour ago, `old` eleven days ago, `never` never; `kept` and a shipped one never, too.

    Nearly all days since then have a line: the last but one has none, see `whole`.
    """
    assert gatewatch(home, "index", "day").code == 0
    for day in range(2, 10):
        add_line(home, day)
    add_build(home / "past", "d4" * 16, 900009, "unit", "an old fault", DISK)
    aged(home / "past", "11d")
    assert gatewatch(home, "index", "past").code == 0
    config = home / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[signatures]", '["shipped:signatures", signatures]'), encoding="utf-8")
    (home / "signatures" / "old.yaml").write_text('query: message:"an old fault"\n', encoding="utf-8")
    (home / "signatures" / "never.yaml").write_text("query: message:zeppelin\ntitle: it flew\n", encoding="utf-8")
    (home / "signatures" / "kept.yaml").write_text("query: message:quux\nsuppress-graph: true\n", encoding="utf-8")
    return home


def add_line(home: Path, day: int) -> None:
    """A build that passed so many days ago."""
    folder = home / f"day{day}"
    place = add_build(folder, f"{day:032x}", 910000 + day, "quiet", "a line")
    build = place / "build.yaml"
    build.write_text(build.read_text(encoding="utf-8").replace("FAILURE", "SUCCESS"), encoding="utf-8")
    aged(folder, f"{24 * day + 12}h")
    load_folder(home / "index", folder)


@pytest.fixture
def whole(counted: Path) -> Path:
    """The same, with a line of each day."""
    add_line(counted, 1)
    return counted


def test_the_table(counted: Path) -> None:
    done = gatewatch(counted, "signatures", "stats")
    assert (done.code, done.err) == (0, "")
    rows = [" ".join(line.split()) for line in done.lines]
    assert any(row.startswith("disk 1 1 0 ") and row.endswith("100% of unit the disk is full") for row in rows)
    assert "30 signatures without a hit in watched pipelines in 10d" in rows
    assert rows[-4:] == ["all jobs 2 1 50%", "functional 1 0 0%", "unit 1 1 100%", ""]


def test_json_and_csv_have_nothing_but_the_data(counted: Path) -> None:
    done = gatewatch(counted, "signatures", "stats", "--format", "json", "--since", "12d")
    found = json.loads(done.out)
    assert (done.code, found["complete"], found["pipelines"], found["unknown"]) == (0, True, ["gate"], [])
    assert found["rate"] == {"builds": 2, "of": 3, "percent": 66.7}
    assert found["jobs"]["functional"] == {"builds": 0, "of": 1, "percent": 0.0}
    rows = {row["id"]: row for row in found["signatures"]}
    assert rows["disk"]["failed"]["builds"] == 2 and rows["disk"]["last_24h"] == 1
    assert rows["old"]["jobs"] == {"unit": {"builds": 1, "of": 2, "percent": 50.0}}
    assert (rows["never"]["last"], rows["never"]["title"], rows["never"]["unknown"]) == (None, "it flew", None)
    done = gatewatch(counted, "signatures", "stats", "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(done.out)))
    assert [(line["kind"], line["job"], line["builds"], line["of"]) for line in lines[:3]] == [
        ("rate", "", "1", "2"), ("rate", "functional", "0", "1"), ("rate", "unit", "1", "1"),
    ]  # fmt: skip
    assert [line["percent"] for line in lines if line["signature"] == "disk"] == ["50", "100"]


def test_what_did_not_answer_is_marked_in_each_format_and_no_success(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    index = Index()
    index.down = "2 of 5 shards failed"
    monkeypatch.setattr(counting, "open_search", lambda _: index)
    shown = {}
    for form in ("table", "json", "csv"):
        with pytest.raises(
            UserError, match="this is not all: not all failed builds were listed: 2 of 5 shards failed;"
        ):
            counting.stats(home / "config.yaml", "10d", form)
        shown[form] = capsys.readouterr().out
    assert "at least 0" in shown["table"] and "unknown: 2 of 5 shards failed" in shown["table"]
    found = json.loads(shown["json"])
    assert (
        not found["complete"]
        and found["unknown"]
        and found["signatures"][0]["unknown"].startswith("2 of 5 shards failed")
    )
    assert all("2 of 5 shards failed" in line["unknown"] for line in csv.DictReader(io.StringIO(shown["csv"])))


def test_where_failed_builds_are_missing_no_number_looks_like_all(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    index = Index()
    there = Build("a", "unit", "FAILURE", pipeline="gate")
    index.add(there, "No space left on device", at=utc_now() - timedelta(hours=1))
    index.partly = "1 of 5 shards failed"
    monkeypatch.setattr(counting, "open_search", lambda _: index)
    shown = {}
    for form in ("table", "json", "csv"):
        with pytest.raises(UserError, match="this is not all: not all failed builds were listed"):
            counting.stats(home / "config.yaml", "10d", form)
        shown[form] = capsys.readouterr().out
    rows = [" ".join(line.split()) for line in shown["table"].splitlines()]
    assert any(row.startswith("disk at least 1 at least 1 at least 0 ") for row in rows), rows
    assert "all jobs at least 1 at least 1 not known" in rows
    found = json.loads(shown["json"])
    assert (found["listed"], found["rate"]) == (False, {"builds": 1, "of": 1, "percent": None})
    assert found["signatures"][0]["failed"]["percent"] is found["jobs"]["unit"]["percent"] is None
    assert [line["percent"] for line in csv.DictReader(io.StringIO(shown["csv"]))] == [""] * 4


def test_nothing_is_removed_while_the_index_does_not_answer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index()
    index.down = "2 of 5 shards failed"
    monkeypatch.setattr(burying, "open_search", lambda _: index)
    with pytest.raises(UserError, match="not known: 2 of 5 shards failed"):
        burying.dead(home / "config.yaml", 10, True, False)
    assert (home / "signatures" / "disk.yaml").exists()


def test_dead_ones_are_named_and_nothing_is_touched(whole: Path) -> None:
    done = gatewatch(whole, "signatures", "dead")
    assert (done.code, done.err) == (0, "")
    assert {"never  it flew", "old", "kept", "30 of 32 signatures without a hit in 10 days"} < set(done.lines)
    assert not any(line.startswith("disk  the disk") for line in done.lines)
    told = gatewatch(whole, "signatures", "dead", "--delete", "--dry-run")
    assert told.lines[:2] == [f"would remove {whole}/signatures/{id}.yaml" for id in ("never", "old")]
    came = [line for line in told.lines if "came with Gatewatch" in line]
    assert len(came) == 1 and came[0].startswith("kept ansible-galaxy, apt-lock, ") and " more: came with" in came[0]
    assert sorted(file.stem for file in (whole / "signatures").iterdir()) == ["disk", "kept", "never", "old"]


def test_nothing_is_removed_while_the_index_lacks_a_day(counted: Path) -> None:
    done = gatewatch(counted, "signatures", "dead", "--delete")
    assert done.code == 1 and "nothing is removed: of 1 of these days the index has no line" in done.err
    assert (counted / "signatures" / "never.yaml").exists()


def test_a_file_that_was_changed_meanwhile_stays(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = whole / "signatures" / "never.yaml"
    judge = burying.find

    async def edited(*given: Any) -> Judged:
        file.write_text("query: message:device\n", encoding="utf-8")
        return await judge(*given)

    monkeypatch.setattr(burying, "find", edited)
    monkeypatch.chdir(whole)
    burying.dead(whole / "config.yaml", 10, True, False)
    assert file.exists() and not (whole / "signatures" / "old.yaml").exists()


def test_delete_removes_what_may_go(whole: Path) -> None:
    done = gatewatch(whole, "signatures", "dead", "--delete")
    assert (done.code, done.err) == (0, "")
    assert f"removed {whole}/signatures/never.yaml" in done.lines
    assert "kept kept: suppress-graph is true" in done.lines
    assert any(line.startswith("kept ansible-galaxy, apt-lock, ") for line in done.lines)
    assert sorted(file.stem for file in (whole / "signatures").iterdir()) == ["disk", "kept"]


def test_an_index_that_does_not_reach_back_has_no_dead_ones(counted: Path) -> None:
    done = gatewatch(counted, "signatures", "dead", "--days", "20", "--delete")
    assert done.code == 1 and "it reaches back 11 days: --days 11 can be told" in done.err
    assert (counted / "signatures" / "never.yaml").exists()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_of_a_narrow_terminal_lacks_no_column(width: int) -> None:
    job, id = "openstack-tox-py311", "a-signature-with-a-name-of-forty-characters"
    row = Row(id, Share(31, 77), 53, 29, utc_now(), {job: Share(31, 31)})
    shown = Console(file=io.StringIO(), width=width)
    table = counting._table([row], {id: Signature(id=id, query="x", digest="")}, "10d", wide=False)
    with shown.capture() as captured:
        shown.print(table)
    text = captured.get()
    assert {"failed", "24h", "passed", "31", "29", "53"} <= set(text.split())
    assert "…" not in text
