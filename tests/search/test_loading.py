"""Loading folders of logs, and the writer that does it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import signatures
from bot.errors import UserError
from bot.lucene.rewrite import rewrite
from bot.lucene.tree import Node, Phrase, Wildcard
from bot.model import FAILED_RESULTS, Complete, Line, Listed, Where, Window
from bot.resources import shipped
from bot.search import Question
from bot.search.embedded import EmbeddedSearch
from bot.search.embedded.linetimes import of_line
from bot.search.embedded.loading import Loaded, is_loaded, later, load
from bot.search.embedded.writing import Writer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=24), NOW)
ANYTHING = Wildcard("*", "*")
UUID = "38bf2cdc947643c9bb04f11f40a0f211"
BUILD = f"""
uuid: "{UUID}"
job: tempest-full-py3
result: FAILURE
project: openstack/nova
pipeline: gate
change: 912345
patchset: 3
voting: false
log_url: https://logs.example.org/38b/
"""


def write(folder: Path, **files: str) -> Path:
    """Files by their names, `/` written as `__` and `.` as `_dot_`."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(
        tmp_path / "day",
        one__build_dot_yaml=BUILD,
        **{"one__job-output_dot_txt": "2026-11-20 09:44:58.839 | controller | it failed\n"},
    )


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


async def lines(index: Path, uuid: str = UUID, tree: Node = ANYTHING) -> list[Line]:
    answer = await EmbeddedSearch(index).lines(uuid, tree, 100, WINDOW)
    assert isinstance(answer, Complete), answer
    return answer.found


async def messages(index: Path, uuid: str = UUID) -> list[str]:
    return [line.message for line in await lines(index, uuid)]


# -- lines ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "at", "message"),
    [
        ("2026-11-20 09:44:58.839036 | controller | a | b", "2026-11-20T09:44:58.839036Z", "controller | a | b"),
        ("2026-11-20 09:44:58.839 |", "2026-11-20T09:44:58.839Z", ""),
        ("2026-11-20 09:44:58,839 INFO x", "2026-11-20T09:44:58.839Z", None),
        ("2026-11-20T09:44:58Z x", "2026-11-20T09:44:58Z", None),
        ("2026-11-20T09:44:58.123456789+02:00 x", "2026-11-20T07:44:58.123456Z", None),
        ("2026-11-20 09:44:58 x | y", "2026-11-20T09:44:58Z", None),
        ("Nov 20 09:44:58 host kernel: x", "2026-11-20T09:44:58Z", None),
        ("Nov  3 09:44:58.839119 host x[1]: y", "2026-11-03T09:44:58.839119Z", None),
        ("Dec 31 23:59:59 host x", "2026-12-31T23:59:59Z", None),
        ("2026-13-20 09:44:58 | x", None, None),
        ("Feb 31 09:44:58 host x", None, None),
        ("Foo 20 09:44:58 host x", None, None),
        ("| id | name |", None, None),
        ("", None, None),
    ],
)
def test_reads_the_time_at_a_lines_start(line: str, at: str | None, message: str | None) -> None:
    expected = None if at is None else datetime.fromisoformat(at)
    assert of_line(line, NOW) == (expected, line if message is None else message)


def test_a_syslog_line_gets_the_nearest_year() -> None:
    assert of_line("Dec 31 23:59:59 host x", datetime(2027, 1, 1, tzinfo=UTC))[0] == datetime(
        2026, 12, 31, 23, 59, 59, tzinfo=UTC
    )
    assert of_line("Feb 29 00:00:00 host x", datetime(2027, 2, 1, tzinfo=UTC))[0] == datetime(2028, 2, 29, tzinfo=UTC)
    assert of_line("Nov 20 09:44:58 host x", None)[0] is None


# -- documents --------------------------------------------------------------------------------------------------------


async def test_a_line_is_a_document_as_logsender_makes_it(folder: Path, index: Path) -> None:
    write(
        folder,
        **{
            "one__job-output_dot_txt": (
                "before any time\n"
                "2026-11-20 09:44:58.839 | controller | it failed\n"
                "with a second line\n"
                "\n"
                "2026-11-20 09:45:00.000 | controller | DEBUG a detail\n"
                "2026-11-20 09:45:01.000 | \n"
            ),
            "one__logs__syslog_dot_txt": "Nov 20 09:46:00 np1 kernel: oom\n",
        },
    )
    assert load(index, folder, NOW) == Loaded(builds=1, lines=4)
    console = "https://logs.example.org/38b/job-output.txt"
    at = datetime(2026, 11, 20, 9, 44, 58, 839000, tzinfo=UTC)
    assert await lines(index) == [
        Line(at, "before any time", "job-output.txt", console),
        Line(at, "controller | it failed", "job-output.txt", console),
        Line(at, "with a second line", "job-output.txt", console),
        Line(
            datetime(2026, 11, 20, 9, 46, tzinfo=UTC),
            "Nov 20 09:46:00 np1 kernel: oom",
            "syslog.txt",
            "https://logs.example.org/38b/logs/syslog.txt",
        ),
    ]
    assert len(await lines(index, tree=Phrase("tags", "console.html"))) == 3
    assert len(await lines(index, tree=Phrase("tags", "syslog.txt"))) == 1
    assert len(await lines(index, tree=Phrase("voting", "0"))) == 4


async def test_what_is_no_utf8_is_loaded_all_the_same(folder: Path, index: Path) -> None:
    (folder / "one" / "job-output.txt").write_bytes(b"2026-11-20 09:44:58.839 | caf\xe9 \x00\x1b[31m\r\n")
    load(index, folder, NOW)
    assert await messages(index) == ["caf\ufffd \x00\x1b[31m"]


async def test_progress_is_told(folder: Path, index: Path) -> None:
    text = "".join(f"2026-11-20 09:44:58.839 | line {number}\n" for number in range(2500))
    write(folder, **{"one__job-output_dot_txt": text})
    told: list[tuple[int, int]] = []
    load(index, folder, NOW, lambda done, total: told.append((done, total)))
    assert told == [(1000, 2500), (2000, 2500), (2500, 2500)]


# -- faults -----------------------------------------------------------------------------------------------------------


async def test_a_faulty_build_is_reported_and_the_others_are_loaded(folder: Path, index: Path) -> None:
    write(
        folder,
        two__build_dot_yaml='uuid: "2"\njobb: x\nresult: FAILURE\nchange: many\n',
        three__job_dot_txt="no metadata\n",
        zwei__build_dot_yaml=BUILD,
    )
    loaded = load(index, folder, NOW)
    assert (loaded.builds, loaded.lines) == (1, 1)
    assert [problem.replace(str(folder), "DIR") for problem in loaded.problems] == [
        "DIR/three: no build.yaml in it; write one with at least uuid, job and result",
        "DIR/two/build.yaml:1:1: missing key 'job'",
        "DIR/two/build.yaml:2:1: jobb: unknown key; did you mean 'job'?",
        "DIR/two/build.yaml:4:9: change: expected a whole number, got 'many'",
        "DIR/zwei/build.yaml: DIR/one has the same uuid; each build needs its own",
    ]


def test_a_folder_without_builds_is_refused(tmp_path: Path, index: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        load(index, tmp_path / "nowhere", NOW)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no builds in it"):
        load(index, tmp_path / "empty", NOW)


def test_a_faulty_day_is_refused_with_each_fault(folder: Path, index: Path) -> None:
    write(folder, day_dot_yaml="newest_line_ago: soon\nlater: {one/job-outptu.txt: 60s}\n")
    with pytest.raises(UserError) as refused:
        load(index, folder, NOW)
    assert [problem.replace(str(folder), "DIR") for problem in refused.value.problems] == [
        "DIR/day.yaml:1:18: newest_line_ago: a duration is written 90s, 20m, 24h or 14d",
        "DIR/day.yaml:2:9: later.one/job-outptu.txt: no such file; did you mean 'one/job-output.txt'?",
    ]


# -- loading again ----------------------------------------------------------------------------------------------------


async def test_a_file_loaded_again_replaces_itself_alone(folder: Path, index: Path) -> None:
    """Two files with one base name are two files."""
    name = "one__compute1__logs__syslog_dot_txt"
    write(folder, **{name: "Nov 20 09:46:00 a\n", name.replace("compute1", "controller"): "Nov 20 09:47:00 b\n"})
    load(index, folder, NOW)
    write(folder, **{name: "Nov 20 09:48:00 c\n"})
    load(index, folder, NOW, part=["one/compute1/logs/syslog.txt"])
    expected = ["controller | it failed", "Nov 20 09:47:00 b", "Nov 20 09:48:00 c"]
    assert await messages(index) == expected
    load(index, folder, NOW)
    assert await messages(index) == expected


async def test_times_are_moved_and_the_later_part_by_the_same(folder: Path, index: Path) -> None:
    write(
        folder,
        day_dot_yaml="newest_line_ago: 62m\nlater: {one/syslog.txt: 60s}\n",
        one__syslog_dot_txt="Nov 20 09:44:00 oom\n",
    )
    assert later(folder) == [(timedelta(seconds=60), ("one/syslog.txt",))]
    with pytest.raises(UserError, match="first"):
        load(index, folder, NOW, part=["one/syslog.txt"])
    assert not is_loaded(index, folder)

    load(index, folder, NOW)
    assert is_loaded(index, folder)
    newest = NOW - timedelta(minutes=62)
    assert [line.at for line in await lines(index)] == [newest]

    load(index, folder, NOW + timedelta(seconds=60), part=later(folder)[0][1])
    assert [line.at for line in await lines(index)] == [newest - timedelta(seconds=58.839), newest]
    answer = await EmbeddedSearch(index).builds(WINDOW, Where())
    assert answer == Complete([Listed(UUID, 2, newest)])


# -- one writer, and a reader beside it -------------------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from bot.search.embedded.writing import Writer
with Writer(Path(sys.argv[1])) as writer:
    for number in range(3):
        writer.add({"@timestamp": "2026-11-20T09:00:00", "message": "from beside", "build_uuid": "beside"})
    print("holds", flush=True)
    sys.stdin.readline()
print("done", flush=True)
"""


@pytest.fixture
def other(index: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes the index until it is told to commit."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(index)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        yield process
        process.kill()


def finish(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


async def test_a_second_writer_is_refused_at_once(folder: Path, index: Path, other: subprocess.Popen[str]) -> None:
    with pytest.raises(UserError, match="is being written by another process: wait until that is done"):
        load(index, folder, NOW)
    finish(other)
    assert load(index, folder, NOW).lines == 1
    assert len(await messages(index, "beside")) == 3


async def test_a_killed_writer_leaves_lock_and_index_as_they_were(
    folder: Path, index: Path, other: subprocess.Popen[str]
) -> None:
    other.kill()
    other.wait()
    assert load(index, folder, NOW).lines == 1
    assert await messages(index, "beside") == []


async def test_a_reader_sees_what_another_process_commits(index: Path, other: subprocess.Popen[str]) -> None:
    search = EmbeddedSearch(index)
    assert await search.lines("beside", ANYTHING, 9, WINDOW) == Complete([])
    finish(other)
    answer = await search.lines("beside", ANYTHING, 9, WINDOW)
    assert isinstance(answer, Complete)
    assert [line.message for line in answer.found] == ["from beside"] * 3


async def test_a_fault_while_writing_changes_nothing(folder: Path, index: Path) -> None:
    load(index, folder, NOW)
    with pytest.raises(KeyError), Writer(index) as writer:
        writer.remove(UUID, "job-output.txt")
        writer.add({"message": "without a time"})
    assert await messages(index) == ["controller | it failed"]
    assert load(index, folder, NOW).lines == 1


def test_an_index_that_cannot_be_written_is_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UserError, match="cannot be written"):
        load(tmp_path / "file" / "index", folder, NOW)


# -- the example ------------------------------------------------------------------------------------------------------


async def test_the_example_is_a_small_gate_day(index: Path) -> None:
    day = shipped("examples/gate-day")
    loaded = load(index, day, NOW)
    assert loaded.problems == ()
    assert (loaded.builds, loaded.lines) == (18, 1668)
    search = EmbeddedSearch(index)
    listed = await search.builds(WINDOW, Where())
    assert isinstance(listed, Complete)
    ages = [NOW - build.newest for build in listed.found]
    assert min(ages) == timedelta(minutes=62)  # over 1 h: settled at the first look
    assert max(ages) < timedelta(hours=2)  # under say_within: no old news
    failed = await search.builds(WINDOW, Where(pipelines=("gate",), results=tuple(FAILED_RESULTS)))
    assert isinstance(failed, Complete)
    assert len(failed.found) == 12  # one of them non-voting

    alike = Question("unknown", Phrase("message", "has no connector host"))
    full = Question("disk-full", Phrase("message", "No space left on device"))
    before = await search.hits([alike, full], None, WINDOW)
    [(delay, part)] = later(day)
    assert delay == timedelta(seconds=60)
    load(index, day, NOW, part=part)
    after = await search.hits([alike, full], None, WINDOW)
    counts = [[len(answer.found) for answer in answers.values()] for answers in (before, after)]
    assert counts == [[3, 0], [3, 1]]


# change, job -> the signature that knows it
KNOWN = {
    ("912345", "nova-next"): "libvirt-detach",
    ("912361", "openstack-tox-py312"): "pypi-unreachable",
    ("912370", "cinder-grenade-multinode"): "post-run-broken",
    ("912377", "openstack-tox-py311"): "git-fetch",
    ("912399", "nova-live-migration"): "oom-killer",
    ("912408", "openstack-tox-functional-py312"): "disk-full",
    ("912412", "neutron-ovn-tempest-slow"): "job-timeout",
    ("912431", "cinder-tempest-lvm-multibackend"): "node-unreachable",
}


async def test_the_shipped_signatures_know_the_examples_causes(index: Path) -> None:
    day = shipped("examples/gate-day")
    load(index, day, NOW)
    [(_, part)] = later(day)
    load(index, day, NOW, part=part)
    search = EmbeddedSearch(index)
    fields = await search.fields()
    listed = await search.builds(WINDOW, Where())
    assert isinstance(fields, Complete) and isinstance(listed, Complete)
    builds = await search.described([build.uuid for build in listed.found], WINDOW)
    assert isinstance(builds, Complete)
    jobs = {build.uuid: (build.change, build.job) for build in builds.found}
    trees = signatures.load([shipped("signatures")]).trees
    questions = [Question(id_, rewrite(tree, search.profile, fields.found)) for id_, tree in trees.items()]
    answers = await search.hits(questions, None, WINDOW)
    hits = [hit for answer in answers.values() for hit in answer.found]
    assert {jobs[hit.build]: hit.signature for hit in hits} == KNOWN
    assert len(hits) == len(KNOWN)


def test_what_is_remembered_of_a_load_is_replaced_whole(tmp_path: Path, folder: Path) -> None:
    load(tmp_path / "index", folder, NOW)
    with (tmp_path / "index" / "shifts.json").open(encoding="utf-8") as reading:
        load(tmp_path / "index", folder.rename(tmp_path / "another"), NOW)
        assert list(json.load(reading)) == [str(folder)]
    assert is_loaded(tmp_path / "index", folder) and is_loaded(tmp_path / "index", tmp_path / "another")
    assert [one.name for one in (tmp_path / "index").glob("shifts*")] == ["shifts.json"]
