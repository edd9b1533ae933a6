"""A query's text is worked on in time that grows with its length alone: anybody may send one, to the event loop."""

from __future__ import annotations

from contextlib import suppress

import pytest

from bot.lucene.lint import lint
from bot.lucene.matching import matches
from bot.lucene.numbers import java_float
from bot.lucene.parse import SyntaxFault, parse
from bot.lucene.rewrite import rewrite
from bot.search.profiles import LOGSENDER
from tests.growth import LINEAR, growth


@pytest.mark.parametrize(
    "form",
    [
        'build_name:"{}"',
        'message:"{}"',
        'filename:"{}"',
        "filename:{}*",
        "message:{}",
        "build_name:a~{}",
        "{}:a",
        "message:a^{}",
    ],
)
@pytest.mark.parametrize("sign", ["a", "1", "_", "*", "?", "/a", "a.", "logs*", "\\a", "<", "é"])
def test_parsing_linting_and_rewriting(form: str, sign: str) -> None:
    def work(length: int) -> None:
        text = form.format((sign * length)[:length])
        with suppress(SyntaxFault):
            tree = parse(text)
            lint(text, tree, LOGSENDER, None)
            rewrite(tree, LOGSENDER, {})

    assert growth(work) < LINEAR


@pytest.mark.parametrize("form", ["{}x", "0x{}x", "1.{}x", "1e{}x", ".{}x"])
def test_reading_a_number(form: str) -> None:
    assert growth(lambda length: java_float(form.format("1" * length))) < LINEAR


def test_wildcards_are_tried_once_at_each_place() -> None:
    """Each * could end anywhere: with eight of them that would be a matter of years."""
    tree = parse("filename:" + "a*" * 8 + "b")
    assert growth(lambda length: matches(tree, {"filename": "a" * length})) < LINEAR
