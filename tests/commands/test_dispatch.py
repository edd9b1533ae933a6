"""The dispatcher: hints, guard, limits, and nothing that a log or a chat line may do to a reply."""

from __future__ import annotations

import ast
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

import bot.commands
from bot.commands import TABLE, Ask, Limiter, answer
from bot.records import Failure
from bot.talk import Message, NetworkStatus
from tests.commands.conftest import NOW, Asks, failure

Said = Callable[..., Awaitable[Message]]
Remember = Callable[..., Awaitable[None]]

HOSTILE = "\x02\x1b[31m<b onclick='x'>&\r\nQUIT :bye\x00\u202e" + "x" * 10_000


async def test_an_unknown_verb_gets_one_hint(asks: Asks) -> None:
    assert await asks("!tpo") == "no such command; did you mean !top? !help lists all"
    assert await asks("gatewatch: frobnicate") == "no such command; !help lists all"


async def test_what_is_no_command_is_not_answered(plain_ask: Ask) -> None:
    for text in ("hello", "!!!", ""):
        heard = replace(plain_ask.heard, text=text)
        assert await answer(replace(plain_ask, heard=heard), ["gatewatch"], Limiter(1, 1)) is None
    taken_back = replace(plain_ask.heard, text="!top", removed=True)
    assert await answer(replace(plain_ask, heard=taken_back), ["gatewatch"], Limiter(1, 1)) is None


async def test_help_lists_every_verb_and_tells_of_each(asks: Asks) -> None:
    listed = await asks("!help")
    for name, verb in TABLE.items():
        assert name == "help" or f"!{name}" in listed
        assert verb.help in await asks(f"!help {name}")
    assert await asks("!help !why") == await asks("!help why")
    assert await asks("!help tpo") == "no such command; did you mean !top? !help lists all"
    assert (await asks("+help", prefix="+")).startswith("+gate +top")


async def test_each_example_is_understood(asks: Asks, remember: Remember) -> None:
    await remember(failure(1, 1, "2098765"))
    for verb in TABLE.values():
        assert "no such" not in await asks(f"!{verb.example}")


async def test_a_defect_is_one_line_for_the_asker_and_a_traceback_in_the_log(
    asks: Asks, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> list[NetworkStatus]:
        raise ZeroDivisionError("the cause")

    with caplog.at_level(logging.ERROR):
        text = await asks("!status", statuses=broken)
    id = text.removeprefix("internal error, logged as ")
    assert len(id) == 8
    assert f"command failed id={id} verb=status network=oftc room='oftc:#openstack-nova'" in caplog.text
    assert "ZeroDivisionError: the cause" in caplog.text


def test_there_is_one_broad_guard() -> None:
    broad = [
        path.name
        for path in Path(bot.commands.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
    ]
    assert broad == ["__init__.py"]


async def test_too_many_commands_are_told_once(plain_ask: Ask) -> None:
    limiter = Limiter(1, 30)
    ask = replace(plain_ask, heard=replace(plain_ask.heard, text="!help"))
    replies = [await answer(ask, ["gatewatch"], limiter) for _ in range(4)]
    assert [reply.text if reply else None for reply in replies][1:] == [
        "too many commands, alice: I do not answer you for 5m",
        None,
        None,
    ]


async def test_nothing_hostile_reaches_a_room(said: Said, remember: Remember) -> None:
    def bad(number: int, *causes: str) -> Failure:
        made = failure(number, 1, *causes, job=HOSTILE, project=HOSTILE, result=HOSTILE, reason=HOSTILE)
        return replace(made, build=replace(made.build, change="912345", branch=HOSTILE), unit="one")

    await remember(bad(1), bad(2), bad(3, "2098765"), bad(4, HOSTILE[:300]))
    statuses = [NetworkStatus("oftc", "connected", True, NOW, HOSTILE, {HOSTILE: HOSTILE})]
    for line in ("!gate", "!top", "!top 7d", "!new", "!why 912345", "!bug 2098765", "!status"):
        message = await said(line, statuses=lambda: statuses)  # `said` checks bytes and control characters
        assert "<b" not in message.html.replace("<br>", ""), line
        assert "&lt;b" in message.html or line in ("!gate", "!new", "!top", "!top 7d", "!bug 2098765"), line
        assert "QUIT" not in [row[:4] for row in message.text.splitlines()]
        assert not any(char in message.html for char in "\x00\x02\x1b\r\u202e")
        assert len(message.html) < 8_000


@pytest.mark.parametrize(
    "line", [f"!{verb} {HOSTILE}" for verb in TABLE] + [f"!x{HOSTILE[:200]}", f"gatewatch: {HOSTILE}"]
)
async def test_a_hostile_question_is_answered_in_one_line(said: Said, line: str) -> None:
    message = await said(line)
    assert "<b" not in message.html.replace("<br>", "")


def test_the_page_about_commands_has_each_verb_with_its_usage() -> None:
    page = (Path(bot.commands.__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    headings = [row.removeprefix("## ") for row in page.splitlines() if row.startswith("## `")]
    assert headings == [f"`!{verb.name} {verb.usage}".rstrip() + "`" for verb in TABLE.values()]
