"""Signatures: ours and elastic-recheck's, what is refused, what is warned of, and their sample lines."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

import pytest

from bot import yamlmarks
from bot.lucene.matching import matches
from bot.lucene.tree import Phrase
from bot.model import Signature
from bot.resources import shipped
from bot.search.profiles import PROFILES
from bot.signatures import Loaded, check, load, load_file
from tests.servers import corpus


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def loaded(folder: Path, **files: str) -> Loaded:
    """The files of a folder, named by keyword (`_` for `-`)."""
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.yaml").write_text(dedent(text), encoding="utf-8")
    return load([folder])


def said(folder: Path, faults: list) -> list[str]:  # type: ignore[type-arg]
    return [str(fault).removeprefix(f"{folder}/") for fault in faults]


def test_all_of_elastic_recheck_load() -> None:
    found = load([corpus() / "signatures"])
    assert found.faults == []
    assert len(found.signatures) == len(found.trees) == 659
    files = {file.stem for file in (corpus() / "signatures").glob("*.yaml")}
    assert set(found.signatures) == files


def test_what_is_questionable_in_elastic_rechecks() -> None:
    found = {str(one).rpartition("/")[2] for one in load([corpus() / "signatures"]).warnings}
    assert any(one.startswith("1469865.yaml:3:12: query: in quotes * and ?") for one in found)
    assert any(one.startswith("1655567.yaml:4:11: query: this has neither letter nor digit") for one in found)
    assert any(one.startswith("1804062.yaml:4:14: query: build_node is zuul-executor") for one in found)


def test_all_keys_of_elastic_recheck_and_ours(folder: Path) -> None:
    found = loaded(
        folder,
        nova_api_delay="""\
            query: message:"gave up"
            suppress-graph: true
            suppress-notification: true
            allow-nonvoting: true
            test_ids: [tempest.api.test_a]
            resolved_at: 2014-01-19
            title: the API is slow
            bug: 1234567
            advice: wait
            """,
    )
    digest = found.signatures["nova-api-delay"].digest
    assert found.signatures == {
        "nova-api-delay": Signature(
            id="nova-api-delay",
            query='message:"gave up"',
            digest=digest,
            title="the API is slow",
            bug="1234567",
            advice="wait",
            notify=False,
            graph=False,
            nonvoting=True,
            resolved_at="2014-01-19",
            test_ids=("tempest.api.test_a",),
        )
    }
    assert found.trees == {"nova-api-delay": Phrase("message", "gave up")}


def test_the_digest_is_of_what_it_finds(folder: Path) -> None:
    found = loaded(folder, a="query: x", b="{query: x, title: b}", c="query: y", d="{query: x, allow-nonvoting: true}")
    digests = {id: one.digest for id, one in found.signatures.items()}
    assert digests["a"] == digests["b"]
    assert len({digests["a"], digests["c"], digests["d"]}) == 3


def test_a_bad_file_stops_no_other(folder: Path) -> None:
    (folder / "bytes.yaml").write_bytes(b"\xff")
    (folder / "folder.yaml").mkdir()
    (folder / "old.yml").write_text("query: x")
    (folder / "two words.yaml").write_text("query: x")
    found = loaded(
        folder,
        all="query: x",
        empty="",
        good='query: message:"x"',
        key="{query: x, supress-graph: true}",
        list="[query]",
        parenthesis="""\
            query: >-
              message:"one" AND
              (message:"two" OR
              message:"three"))
            """,
        sample="""\
            query: x
            matches:
              - E: Could not get lock
            """,
        word="{query: x, advice: rechek, bug: [1]}",
        yaml="query: 'x",
    )
    assert list(found.signatures) == ["good"]
    assert said(folder, found.faults) == [
        "all.yaml:1:1: 'all' cannot name a signature: it means every signature",
        "bytes.yaml:1:1: not UTF-8",
        "empty.yaml:1:1: missing key 'query'",
        "folder.yaml:1:1: not a regular file",
        "key.yaml:1:12: supress-graph: unknown key; did you mean 'suppress-graph'?",
        "list.yaml:1:1: expected a mapping (key: value), got a list",
        "parenthesis.yaml:4:19: query: not a Lucene query: this ) closes nothing",
        "sample.yaml:3:5: matches[0]: expected a text, got a mapping; a text with ': ' in it needs quotes",
        "two words.yaml:1:1: 'two words' cannot name a signature: "
        "use letters, digits, ., _ and -, the first a letter or digit",
        "word.yaml:1:20: advice: unknown word 'rechek'; did you mean 'recheck'?",
        "word.yaml:1:28: bug: expected a text, got a list",
        "yaml.yaml:1:10: not YAML: found unexpected end of stream",
    ]
    assert said(folder, found.warnings) == ["old.yml:1:1: not read: the name must end in .yaml"]


def test_a_query_that_is_too_much_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the file as of the query in it: 1 MB of YAML alone would take five seconds, and is not read."""
    opened: list[str] = []
    read = yamlmarks.read

    def noted(path: Path) -> yamlmarks.Marked:
        opened.append(path.stem)
        return read(path)

    monkeypatch.setattr(yamlmarks, "read", noted)
    found = loaded(
        folder,
        clauses="query: '" + "a OR " * 5000 + "a'",
        control='query: "message:a\\x07b"',
        deep="query: '" + "(" * 5000 + "'",
        huge="query: '" + "a OR " * 200_000 + "a'",
        nested="query: " + "[" * 10_000,
        wild="query: '" + "*a " * 1000 + "'",
    )
    assert opened == ["clauses", "control", "deep", "nested", "wild"]
    assert (found.trees, found.warnings) == ({}, [])
    assert [fault.split(": ", 1)[0] for fault in said(folder, found.faults)] == [
        "clauses.yaml:1:10009",
        "control.yaml:1:9",
        "deep.yaml:1:109",
        "huge.yaml:1:1",
        "nested.yaml:1:1",
        "wild.yaml:1:69",
    ]
    assert said(folder, found.faults)[3].endswith(
        "the file has 1,000,010 bytes, and 50,000 are the most; one file is for one known cause"
    )


def test_a_pipe_and_a_device_are_not_read(folder: Path) -> None:
    device, pipe = folder / "device.yaml", folder / "pipe.yaml"
    device.symlink_to(os.devnull)
    assert said(folder, load_file(device).faults) == ["device.yaml:1:1: not a regular file"]
    os.mkfifo(pipe)
    found = loaded(folder, good="query: x")
    assert list(found.signatures) == ["good"]
    assert said(folder, found.faults) == [f"{one.name}:1:1: not a regular file" for one in (device, pipe)]


def test_a_file_in_place_of_its_folder_is_told_so(folder: Path) -> None:
    loaded(folder, good="query: x")
    found = load([folder / "good.yaml"])
    assert said(folder, found.faults) == ["good.yaml:1:1: a file; name its folder"]


def test_a_folder_that_is_not_there_stops_no_other(folder: Path) -> None:
    (folder / "a.yaml").write_text("query: x")
    found = load([folder / "none", folder])
    assert list(found.signatures) == ["a"]
    assert said(folder, found.faults) == ["none:1:1: cannot be read: No such file or directory"]


def test_a_later_folder_replaces_by_name(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "a.yaml").write_text(f"query: {name}")
    assert load([folder / "one", folder / "two"]).signatures["a"].query == "two"


def test_a_remark_has_the_line_of_a_folded_query(folder: Path) -> None:
    found = loaded(
        folder,
        a="""\
            title: a
            query: >-
              message:"one"
              AND mesage:"two"
            """,
    )
    assert said(folder, found.warnings) == [
        "a.yaml:4:14: query: the index has no field mesage, so this clause finds nothing; did you mean message?"
    ]


def test_a_sample_whose_word_stands_inside_another_is_told_so(folder: Path) -> None:
    found = loaded(
        folder,
        a="""\
        query: message:"ServerFault" AND tags:"console" AND NOT message:"lib"
        matches: ["tempest.lib.ServerFault: no"]
        """,
    )
    whole = "tempest.lib.ServerFault"
    assert said(folder, check(found)) == [
        f"a.yaml:2:11: matches[0]: the query does not match this line: ServerFault stands inside {whole}, which is one "
        f"word: write {whole} or, without quotes, *ServerFault"
    ]


def test_samples_that_disagree_with_the_query(folder: Path) -> None:
    found = loaded(
        folder,
        lock="""\
            query: tags:"console" AND message:"get lock" AND NOT message:"Waiting"
            matches:
              - "E: Could not get lock"
              - "Waiting: Could not get lock"
            does_not_match:
              - "got a lock"
              - "could not GET LOCK"
            """,
    )
    assert said(folder, check(found)) == [
        "lock.yaml:4:5: matches[1]: the query does not match this line",
        "lock.yaml:7:5: does_not_match[1]: the query matches this line",
    ]


def test_shipped_signatures_are_whole() -> None:
    found = load([shipped("signatures")])
    assert [*found.faults, *check(found)] == []
    for profile in PROFILES.values():
        assert load([shipped("signatures")], profile).warnings == []
    assert len(found.signatures) >= 20
    for id, one in found.signatures.items():
        assert one.title and one.advice, f"{id} has no title or no advice"
        source = found.sources[id]
        assert len(source.matches) >= 2 and source.does_not_match, (
            f"{id} needs two lines that match and one that does not"
        )


def test_one_cause_of_ours_does_not_hit_the_lines_of_another() -> None:
    found = load([shipped("signatures")])
    hits = {
        (id, other, line)
        for id, tree in found.trees.items()
        for other, source in found.sources.items()
        for line in source.matches
        if id != other and matches(tree, {"message": line})
    }
    assert hits == set()
