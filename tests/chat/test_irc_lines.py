"""Cutting and scrubbing of IRC lines; what holds for any text is tried with any text."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.chat.irc.lines import announcement, formatted, plain, reply, size, space_for, worst_prefix

LINK = "https://zuul.opendev.org/t/openstack/build/0123456789abcdef0123456789abcdef"

rooms = st.integers(min_value=40, max_value=450)
links = st.from_regex(r"https?://[a-z]{1,9}\.org/[a-z0-9/]{0,400}", fullmatch=True)
words = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), links, st.just("\n"))
texts = st.lists(words, max_size=40).map(" ".join)


@given(texts, rooms)
@example("ü" * 300, 41)
def test_an_announcement_is_one_line_that_fits(text: str, space: int) -> None:
    line = announcement(text, space)
    assert size(line) <= space
    assert not [letter for letter in line if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")]


@given(texts, rooms)
@example(f"{LINK} {'a ' * 400}", 200)
@example(f"({LINK}) {LINK}x", 80)
def test_no_link_is_ever_halved(text: str, space: int) -> None:
    whole = links_in(" ".join(map(plain, text.split("\n"))))
    for line in (announcement(text, space), *reply(text, space, 4)):
        assert links_in(line) <= whole


def links_in(text: str) -> set[str]:
    """Without what may follow a link in a sentence, the sign for "more" among it."""
    return {link.rstrip(".,;:!?'])…") for link in re.findall(r"https?://[^\s<>\"]*", text)}


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=30), max_size=60), links, rooms)
def test_the_last_link_is_kept_at_the_end(before: list[str], link: str, space: int) -> None:
    text = " ".join([*before, link])
    line = announcement(text, space)
    if size(text) <= space:
        assert line == text
    elif size(link) + 4 <= space:
        assert line.endswith(f"… {link}")
        assert text.startswith(line.removesuffix(f"… {link}"))


@given(texts, rooms)
def test_a_reply_is_at_most_four_lines_that_fit(text: str, space: int) -> None:
    lines = reply(text, space, 4)
    assert len(lines) <= 4
    assert all(0 < size(line) <= space and "\n" not in line for line in lines)


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=30), max_size=15))
def test_a_reply_that_fits_loses_nothing(many: list[str]) -> None:
    lines = reply(" ".join(many), 400, 10)
    assert " ".join(lines) == " ".join(many)


@given(texts, rooms)
@example("x" * 300, 40)
@example("漢" * 100 + " " + "👍" * 50, 41)
def test_the_pieces_of_a_reply_give_it_back(text: str, space: int) -> None:
    """Whatever it has, but for the white space at which it is cut, if no link is longer than a line."""
    lines = reply(text, space, 10_000)
    whole = "".join(map(plain, re.split(r"\r\n|\r|\n|\u2028|\u2029", text)))
    if all(size(link) + 4 <= space for link in re.findall(r"https?://\S+", whole)):
        assert "".join("".join(lines).split()) == "".join(whole.split())


def test_a_link_longer_than_a_line_is_named_by_its_host() -> None:
    long = f"https://logs.example.org/{'a' * 200}"
    assert announcement(f"seen in {long} twice", 80) == "seen in logs.example.org/… twice"
    assert reply(f"seen in {long} and {LINK}", 100, 4) == ["seen in logs.example.org/… and", LINK]
    assert announcement(f"seen in {long} twice", 400) == f"seen in {long} twice"


@given(texts, rooms, st.lists(st.sampled_from(["a", "org", "#2098765", "[nova] gate"]), max_size=3))
@example("#2098765 seen, #2098765 at https://a.org/#2098765", 200, ["#2098765"])
@example("https://a.org/1 and much more than there is room for", 40, [])
def test_formatting_changes_nothing_else(text: str, space: int, strong: list[str]) -> None:
    line = announcement(text, space)
    for formatting in ("none", "bold", "colour"):
        dressed = formatted(line, strong, formatting, space)  # type: ignore[arg-type]
        assert size(dressed) <= space
        assert plain(dressed) == line
        assert dressed.count("\x02") == dressed.count("\x0f")
        assert links_in(dressed) == links_in(line)


def test_what_is_strong_is_bold_or_coloured_too() -> None:
    line = "[nova] gate 1,2 failed: #7 https://bugs.example.org/#7"
    assert formatted(line, ["#7", "[nova]"], "bold", 100) == (
        "\x02[nova]\x0f gate 1,2 failed: \x02#7\x0f https://bugs.example.org/#7"
    )
    assert formatted(line, ["[nova]"], "colour", 100).startswith("\x0310\x02[nova]\x0f gate")
    assert formatted(line, ["[nova]"], "bold", size(line)) == line


def test_line_breaks_part_a_reply_and_join_an_announcement() -> None:
    assert reply("one\r\n\r\ntwo\nthree\rfour", 100, 4) == ["one", "two", "three", "four"]
    assert announcement("one\r\n\r\ntwo\n", 100) == "one | two"


def test_what_is_over_is_cut_from_the_last_line_with_its_link() -> None:
    assert reply(f"1\n2\n3\n4\n5 {'word ' * 30}\n{LINK}", 100, 4) == ["1", "2", "3", f"4 | 5 word word word… {LINK}"]


@pytest.mark.parametrize("around", ["({})", "({}).", "<{}>", "{}", "{}.", "[{}]"])
def test_a_link_at_the_end_keeps_no_brackets(around: str) -> None:
    assert announcement(f"seen {'often ' * 20}{around.format(LINK)}", 120).endswith(f"often… {LINK}")


def test_a_bracket_that_the_link_opened_is_the_links() -> None:
    link = "https://search.example.org/#?q=(a:(b))"
    assert announcement(f"seen {'often ' * 20}({link})", 100).endswith(f"often… {link}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x02bold\x0f \x0304,01red\x03 \x04ff0000hex\x04", "bold red hex"),
        ("\x1b[1;31mansi\x1b[0m", "ansi"),
        ("nul\0bell\x07tab\tdel\x7f", "nul bell tab del"),
        ("\x01VERSION\x01", "VERSION"),
        ("c1\x85\x9b31m", "c1  31m"),
        ("left\u202eright", "leftright"),
        ("half \ud83d", "half \ufffd"),
        ("ümlaut 漢字 👍", "ümlaut 漢字 👍"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_the_worst_case_is_what_the_facts_counted() -> None:
    """facts/irc.md 2: nick 30, user 11, host 64 and channel 50 leave 341 bytes."""
    assert space_for(worst_prefix("n" * 30), "PRIVMSG", "#" + "c" * 49) == 341
    assert space_for("gatewatch!~g@host", "NOTICE", "#ü", 1024) == 1022 - len(":gatewatch!~g@host NOTICE #ü :".encode())
