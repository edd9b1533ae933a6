"""`gatewatch once`, and its dry run."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.cli.conftest import YOUNG, add_build, aged, write_config
from tests.cli.process import Bot, Done, gatewatch

DISK = "[here] [nova] gate 900001,2 failed: unit: #disk the disk is full (x1/24h)"
FROB = '[here] [nova] gate 900002,2 failed: functional: unknown "ERROR: the frobnicator fell over"'


def said(done: Done) -> list[str]:
    lines = [line.partition("<gatewatch> ")[2] for line in done.lines]
    return [line.partition(" | ")[0] for line in lines if line]


def files(home: Path) -> dict[str, str]:
    """Every file with its content's digest."""
    there = [path for path in home.rglob("*") if path.is_file()]
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in there}


def test_what_is_said_once_is_not_said_again(home: Path) -> None:
    first = gatewatch(home, "once")
    assert first.code == 0, first.err
    assert said(first) == [DISK, FROB]
    assert first.lines[-1] == "2 failed builds, 2 of them new; 2 messages said, 0 wait"
    second = gatewatch(home, "once")
    assert (second.code, second.err) == (0, "")
    assert second.lines == ["2 failed builds, 0 of them new; 0 messages said, 0 wait"]


def test_builds_that_the_first_load_leaves_out_are_named(home: Path) -> None:
    (home / "day" / "900002-functional" / "build.yaml").write_text("uuid: x\nresult: FAILURE\n", encoding="utf-8")
    done = gatewatch(home, "once")
    assert (done.code, said(done)) == (0, [DISK])
    assert f"left out: 1 build\n  {home}/day/900002-functional/build.yaml:1:1: missing key 'job'" in done.err


def test_it_waits_neither_for_logs_nor_for_siblings(home: Path) -> None:
    add_build(home / "day", YOUNG, 900003, "young", "something new broke")
    aged(home / "day", "2m")
    done = gatewatch(home, "once")
    assert sorted(one.partition(" failed: ")[0] for one in said(done)) == [
        "[here] [nova] gate 900001,2",
        "[here] [nova] gate 900002,2",
        "[here] [nova] gate 900003,2",
    ]


def test_it_does_not_read_what_is_typed(home: Path) -> None:
    done = gatewatch(home, "once", typed="!help\n")
    assert done.code == 0
    assert "!why" not in done.out


def test_a_dry_run_writes_nothing_and_makes_no_store(home: Path) -> None:
    assert gatewatch(home, "index", "day").code == 0
    before = files(home)
    done = gatewatch(home, "once", "--dry-run")
    assert done.code == 0, done.err
    assert [line.partition(" | ")[0] for line in done.lines] == [
        f"would say in console:here: {DISK.removeprefix('[here] ')}",
        f"would say in console:here: {FROB.removeprefix('[here] ')}",
        "2 failed builds, 2 of them new; nothing was written or said",
    ]
    assert files(home) == before


def test_a_dry_run_before_the_logs_are_loaded_says_who_loads_them(home: Path) -> None:
    done = gatewatch(home, "once", "--dry-run")
    told = f"there is no index yet: `gatewatch run` or `once` loads {home}/day at the first start\n"
    assert (done.code, done.err) == (1, told)


def test_a_dry_run_knows_what_was_said_and_leaves_the_store_as_it_is(home: Path) -> None:
    assert gatewatch(home, "once").code == 0
    before = files(home)
    done = gatewatch(home, "once", "--dry-run")
    assert (done.code, done.lines) == (0, ["2 failed builds, 0 of them new; nothing was written or said"])
    assert files(home) == before


def test_a_dry_run_names_what_waits_and_what_is_not_said(home: Path) -> None:
    (home / "signatures" / "silent.yaml").write_text(
        'query: message:"the frobnicator fell over"\nsuppress-notification: true\n', encoding="utf-8"
    )
    aged(home / "day", "2m")
    add_build(home / "day", YOUNG, 900003, "young", "something new broke")
    assert gatewatch(home, "index", "day").code == 0
    *lines, summary = gatewatch(home, "once", "--dry-run").lines
    assert summary == "3 failed builds, 3 of them new; nothing was written or said"
    waits = "waits in console:here: openstack/nova 900001,2 unit (known): held until "
    assert [line for line in lines if line.startswith(waits) and line.endswith(" UTC")]
    assert (
        "not said in console:here: openstack/nova 900002,2 functional (explained): feed gate: the build is explained"
        in lines
    )
    assert "waits in console:here: openstack/nova 900003,2 young (pending): feed gate: the build is pending" in lines
    assert len(lines) == 3


def test_beside_a_running_bot_only_a_dry_run_is_possible(home: Path) -> None:
    with Bot(home) as bot:
        bot.until(lambda: len(bot.said) == 2)
        done = gatewatch(home, "once")
        assert done.code == 1
        assert f"has the store {home}/gatewatch.db: stop it first" in done.err
        dry = gatewatch(home, "once", "--dry-run")
        assert (dry.code, dry.lines) == (0, ["2 failed builds, 0 of them new; nothing was written or said"])
        bot.stop()


def test_what_could_not_be_said_in_time_is_named(home: Path) -> None:
    write_config(home, networks="lab: {type: irc, host: 127.0.0.1, port: 1, tls: false, nick: gw}", room="lab:#x")
    done = gatewatch(home, "once", "--wait", "1")
    assert done.code == 1
    assert done.lines == ["2 failed builds, 2 of them new; 0 messages said, 2 wait"]
    told = done.err.partition("not said within 1 s; the next look tries again:")[2].split("\n  ")[1:]
    assert len(told) == 1 and told[0].startswith("lab:#x: 2 messages: lab: cannot connect to 127.0.0.1:1"), done.err


def test_no_index_is_an_incomplete_look(home: Path) -> None:
    text = (home / "config.yaml").read_text(encoding="utf-8")
    (home / "config.yaml").write_text(text.replace(", load: day", ""), encoding="utf-8")
    done = gatewatch(home, "once", "--dry-run")
    assert done.code == 1
    assert f"the look was not complete: there is no index in {home}/index" in done.err
