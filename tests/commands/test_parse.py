"""What a line asks, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.commands.parse import Asked, parse

NAMES = ("gatewatch", "@gatewatch:example.org", "Gate Watch", "")


@pytest.mark.parametrize(
    ("text", "private", "asked"),
    [
        ("!top", False, Asked("top")),
        ("!TOP 24h  nova ", False, Asked("top", ("24h", "nova"))),
        ("  !top", False, Asked("top")),
        ("gatewatch: why 912345,3", False, Asked("why", ("912345,3",))),
        ("Gatewatch, why 912345", False, Asked("why", ("912345",))),
        ("gatewatch: !why 912345", False, Asked("why", ("912345",))),
        ("@gatewatch: why 1", False, Asked("why", ("1",))),
        ("@gatewatch:example.org: why 1", False, Asked("why", ("1",))),
        ("gate watch: new", False, Asked("new")),
        ("gatewatch:", False, Asked("help")),
        ("gatewatch: !", False, Asked("help")),
        ("top 24h", True, Asked("top", ("24h",))),
        ("!top", True, Asked("top")),
        ("\n\n!top\nand more", False, Asked("top")),
        ("!to\x02p \x0304nova", False, Asked("to", ("p", "04nova"))),
        ("top 24h", False, None),
        ("gatewatch is nice", False, None),
        ("gatewatchers: top", False, None),
        ("I asked gatewatch: top", False, None),
        (": top", False, None),
        ("!!!", False, None),
        ("! top", False, None),
        ("!= 3", False, None),
        ("!", True, None),
        ("", True, None),
        (" \x00 ", True, None),
        ("#top", False, None),
    ],
)
def test_parse(text: str, private: bool, asked: Asked | None) -> None:
    found = parse(text, NAMES, "!", private)
    assert (found and replace(found, rest="")) == asked


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("!check", ""),
        ('!check message:"a  b"\tAND  x ', 'message:"a  b"\tAND  x '),
        ('  gatewatch:  check\tmessage:"a"', 'message:"a"'),
        ('gatewatch:check message:"a  b"', 'message:"a  b"'),
        ('Gate Watch: check message:"a"', 'message:"a"'),
        ('@gatewatch:example.org: !check message:"a"', 'message:"a"'),
        ("\n!check a\n  OR b\n", "a\n  OR b\n"),
        ("!check a\x03b\u200b", "a\x03b\u200b"),
        ("!check " + "x" * 2000, "x" * 2000),
    ],
)
def test_what_stands_behind_a_verb_is_kept_as_it_was_typed(text: str, rest: str) -> None:
    found = parse(text, NAMES, "!", False)
    assert found is not None and (found.verb, found.rest) == ("check", rest)


def test_the_prefix_is_configured() -> None:
    assert parse("+top", NAMES, "+", False) == Asked("top")
    assert parse("!top", NAMES, "+", False) is None


def test_a_flood_of_words_is_cut() -> None:
    asked = parse("!why " + "x" * 10_000, NAMES, "!", False)
    assert asked is not None and len(asked.words[0]) < 500
