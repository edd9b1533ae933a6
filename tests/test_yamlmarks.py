"""YAML with marks: what is read, what is refused, and where a fault is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.yamlmarks import Place, marked, read


def test_data_and_places() -> None:
    found = marked("a:\n  b: [1, x]\n", "f.yaml")
    assert found.data == {"a": {"b": [1, "x"]}}
    assert found.places[("a", "b")] == Place(2, 3)
    assert found.places[("a", "b", 1)] == Place(2, 10)
    assert found.faults == []


def test_keys_are_text_as_written() -> None:
    assert marked("on: yes\n2024: x\n~: y\n", "f.yaml").data == {"on": True, "2024": "x", "~": "y"}


def test_variables_are_replaced_in_values_only() -> None:
    found = marked('"${A}": "${A}-${B}"\nn: 5\n', "f.yaml", {"A": "1", "B": "2"})
    assert found.data == {"${A}": "1-2", "n": 5}


def test_without_an_environment_a_variable_is_text() -> None:
    assert marked("query: 'timeout ${LEFT}'\n", "f.yaml").data == {"query": "timeout ${LEFT}"}


def test_a_value_from_the_environment_is_not_replaced_again() -> None:
    assert marked("a: ${A}\n", "f.yaml", {"A": "${B}", "B": "no"}).data == {"a": "${B}"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "f.yaml:2:1: a: the same key again; the first is in line 1"),
        ("a: ${NO}\n", "f.yaml:1:4: a: the environment variable NO is not set"),
        ("a: 2024-99-99\n", "f.yaml:1:4: a: looks like a date or a number and is none; a text needs quotes"),
        ("[a]: b\n", "f.yaml:1:1: a key must be a plain word"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "f.yaml:2:5: c: merge keys (<<) are not read"),
        ("a: !hunter2\n", "f.yaml:1:4: not YAML: a text that starts with ! needs quotes"),
        ("a: !hunter2!x y\n", "f.yaml:1:4: not YAML: a text that starts with ! needs quotes"),
        ("a: *hunter2\n", "f.yaml:1:4: not YAML: an alias without its anchor; a text that starts with * needs quotes"),
        ("a: @x\n", "f.yaml:1:4: not YAML: a text that starts with this character needs quotes"),
        ("a: b: c\n", "f.yaml:1:5: not YAML: a colon that does not belong here; a text with ': ' in it needs quotes"),
        ("a: 1\n---\nb: 1\n", "f.yaml:2:1: not YAML: a second document ('---'); a file has one"),
        ("a: \x00\n", "f.yaml:1:1: the character U+0000 may not stand in YAML"),
        ("a: &a [*a]\n", "f.yaml:1:1: nested too deep"),
        ("[" * 5000, "f.yaml:1:1: nested too deep"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    assert [str(fault) for fault in marked(text, "f.yaml", {}).faults] == [said]


def test_aliases_of_aliases_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    found = marked("\n".join(lines), "f.yaml")
    assert found.broken
    assert "too many values" in str(found.faults[0])


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"a: 1\nb: \xff\n")
    assert [str(fault) for fault in read(file).faults] == [f"{file}:2:1: not UTF-8"]


@pytest.mark.parametrize(
    ("text", "word", "place"),
    [
        ("query: >-\n  one two\n  three\n", "three", Place(3, 3)),
        ("query: >\n    one\n\n    two three\n", "three", Place(4, 9)),
        ("query: |\n  one\n  two\n", "two", Place(3, 3)),
        ("query: one two\n", "two", Place(1, 12)),
        ("query: 'one\n  two three'\nnext: two\n", "three", Place(2, 7)),
        ('query: "one two"\n', "two", Place(1, 13)),
        ("query:\n  one\n  two\n", "two", Place(3, 3)),
    ],
)
def test_where_a_word_of_a_folded_text_stands(text: str, word: str, place: Place) -> None:
    found = marked(text, "f.yaml")
    assert isinstance(found.data, dict)
    assert found.inside(("query",), found.data["query"].index(word)) == place


@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@#\n\t ,?0\x00é", max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    found = marked(text, "f.yaml", {})
    assert found.faults or found.data is None or found.places
