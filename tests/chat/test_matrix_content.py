"""What is sent and what is understood, without a server; and the turns at a room."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.content import LIMIT, cut, message_content, scrub
from bot.chat.matrix.hearing import Ear, addressed, is_verb
from bot.chat.matrix.levels import Levels
from bot.chat.matrix.pause import pause
from bot.chat.matrix.turns import Turns
from bot.talk import Heard, Message, Person, Post, Said

ME = "@gatewatch:example.org"
EAR = Ear("net", "net:#ci:example.org", ME, "!", ["Gate Watch", "gatewatch", ""], False, {}, Levels())
NOW = datetime(2026, 11, 23, tzinfo=UTC)


# -- content --------------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(), max_size=3000), st.text(max_size=300), st.booleans())
def test_any_text_becomes_an_event_that_fits(text: str, html: str, edit: bool) -> None:
    message = Message(text=text * 9, html=html * 40)
    content = message_content(Post("net:!r", "k", message, replaces=Said("$x") if edit else None))
    sent = json.dumps(content, ensure_ascii=False).encode("utf-8")  # a lone surrogate would fail here
    assert len(sent) < 40_000
    shown = content.get("m.new_content", content)
    assert shown["m.mentions"] == {} == content["m.mentions"]
    assert not [character for character in shown["body"] if character < " " and character not in "\t\n"]
    assert ("formatted_body" in content) == ("formatted_body" in shown)


@given(st.text(max_size=50), st.integers(min_value=3, max_value=60))
def test_cut_keeps_the_beginning_and_the_limit(text: str, limit: int) -> None:
    short = cut(scrub(text), limit)
    assert len(json.dumps(short, ensure_ascii=False).encode()) - 2 <= limit
    assert short == scrub(text) or scrub(text).startswith(short.removesuffix("…"))


def test_html_that_would_be_cut_is_left_out() -> None:
    content = message_content(Post("net:!r", "k", Message(text="x", html="<b>" + "é" * LIMIT + "</b>")))
    assert "formatted_body" not in content and "format" not in content


def test_scrub_keeps_line_ends_and_drops_controls() -> None:
    assert scrub("a\r\nb\rc\x03\x00\x1b[1md\x7f\x85\te\ud800") == "a\nb\nc[1md\te"


def test_reply_to_a_reaction_refers_to_what_was_reacted_to() -> None:
    heard = Heard("$reaction", "net", "net:!r", False, Person("ada"), "", NOW, reaction="👀", about="$message")
    content = message_content(Post("net:!r", "k", Message("x"), answers=heard))
    assert content["m.relates_to"] == {"m.in_reply_to": {"event_id": "$message"}}


def test_post_into_a_thread_of_our_own() -> None:
    content = message_content(Post("net:!r", "k", Message("x"), thread="$root"))
    assert content["m.relates_to"]["event_id"] == "$root"
    assert content["m.relates_to"]["m.in_reply_to"] == {"event_id": "$root"}


# -- hearing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"body": "  !why 1 \n"}, "!why 1"),
        ({"body": "GATE WATCH, help"}, "GATE WATCH, help"),
        ({"body": "gatewatch"}, None),
        ({"body": "gatewatch is nice"}, None),
        ({"body": "gatewatch2: help"}, None),
        ({"body": f"{ME}:help"}, f"{ME}:help"),
        ({"body": f"{ME} help"}, f"{ME}: help"),
        ({"body": "ask gatewatch: help"}, None),
        ({"body": "!"}, None),
        ({"body": "!!!"}, None),
        ({"body": ""}, None),
        ({"body": 3}, None),
        ({"body": f"[GW](https://matrix.to/#/{ME}): top"}, "GW: top"),
        ({"body": "[GW](https://matrix.to/#/@ada:x): top"}, None),
        (
            {
                "body": "G&W: top",
                "formatted_body": '<a href="https://matrix.to/#/%40gatewatch%3Aexample.org">G&amp;W</a>',
            },
            "G&W: top",
        ),
        ({"body": "GW top", "formatted_body": '<p><a href="matrix:u/gatewatch:example.org">GW</a> top'}, "GW: top"),
        ({"body": "GW top", "formatted_body": '<a href="https://matrix.to/#/@ada:x">GW</a> top'}, None),
        ({"body": "> <@a> !top\n> more\n\nI see", "m.relates_to": {"m.in_reply_to": {}}}, None),
        ({"body": "> <@a> x\n\n!top", "m.relates_to": {"m.in_reply_to": {}}}, "!top"),
    ],
)
def test_who_is_meant(content: dict[str, Any], text: str | None) -> None:
    found, called = addressed(content, EAR)
    assert (found if called or is_verb(found, EAR.prefix) else None) == text
    assert found.startswith(called)


# -- turns ----------------------------------------------------------------------------------------------------


async def test_turns_keep_order_let_replies_pass_and_survive_who_gives_up() -> None:
    turns, order = Turns(), list[str]()
    go = asyncio.Event()

    async def speak(name: str, first: bool = False) -> None:
        async with turns.turn("room", first=first):
            await go.wait()
            order.append(name)

    tasks = {name: asyncio.create_task(speak(name, name.startswith("reply"))) for name in ("a", "b", "c", "reply", "d")}
    await asyncio.sleep(0)
    tasks["c"].cancel()
    async with turns.turn("another room", first=False):
        go.set()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    assert order == ["a", "reply", "b", "d"]
    async with asyncio.timeout(1), turns.turn("room", first=False):
        pass


async def test_turn_given_to_who_was_just_cancelled_goes_on_to_the_next() -> None:
    turns = Turns()

    async def speak() -> str:
        async with turns.turn("room", first=False):
            return "said"

    async with turns.turn("room", first=False):
        gives_up, waits = asyncio.create_task(speak()), asyncio.create_task(speak())
        await asyncio.sleep(0)
    gives_up.cancel()  # its turn has come, but it has not run since
    assert await asyncio.wait_for(waits, 1) == "said"


def test_pause_doubles_up_to_the_longest_and_differs() -> None:
    first, longest = timedelta(seconds=1), timedelta(minutes=1)
    waits = [pause(fails, first, longest) for fails in (1, 2, 5, 100)]
    for wait, most in zip(waits, (1, 2, 16, 60), strict=True):
        assert most / 2 <= wait <= most


# -- config ---------------------------------------------------------------------------------------------------


def test_config_reads_paths_beside_itself_and_hides_secrets() -> None:
    values = {"type": "matrix", "homeserver": "https://matrix.example.org/", "user": ME, "password_file": "pw"}
    found = MatrixConfig.model_validate(values, context={"base": Path("/etc/gw")})
    assert (found.homeserver, found.password_file) == ("https://matrix.example.org", Path("/etc/gw/pw"))
    values = {"type": "matrix", "homeserver": "https://x", "user": ME, "token": "s3cret", "timings": {"sync": "5s"}}
    values["rooms"] = {"#nova:x": {"threads": True}, "!v12": {}}
    found = MatrixConfig.model_validate(values)
    assert [found.threads_in(f"net:{room}") for room in ("#nova:x", "!v12", "#other:x")] == [True, False, False]
    assert found.timings.sync == timedelta(seconds=5)
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"homeserver": "matrix.example.org"}, "a homeserver is a URL"),
        ({"user": "gatewatch"}, "a Matrix id is written @gatewatch:example.org"),
        ({"room": "x"}, "Extra inputs"),
        ({"rooms": {"nova": {}}}, "nova: a Matrix room is written #ALIAS:SERVER"),
    ],
)
def test_config_faults(changed: dict[str, Any], fault: str) -> None:
    values = {"type": "matrix", "homeserver": "https://x", "user": ME, "password": "a", **changed}
    with pytest.raises(ValidationError, match=fault):
        MatrixConfig.model_validate(values)
