"""A verb alone in a reply to an announcement, in its thread, or as a reaction: about that announcement's change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.commands import Ask, Limiter, answer
from bot.errors import TemporaryError
from bot.records import Kind
from bot.store import Store
from bot.talk import Person, Said
from tests.commands.conftest import NOW, failure

ROOM = "opendev:#nova:example.org"
REACTIONS = {"❓": "why", "?": "why"}
Asked = Callable[..., Awaitable[str | None]]


@pytest.fixture
async def asked(
    store: Store, plain_ask: Ask, remember: Callable[..., Awaitable[None]]
) -> Callable[..., Awaitable[str | None]]:
    """What is answered in a room where `$change` tells of change 912001, `$ref` of a build without a change, and
    `$digest` of several.
    """
    await remember(failure(1, 1, "2098765", unit="set1"), failure(2, 1, "2071234", unit="ref", change="", patchset=""))

    def say(tx: Any) -> None:
        for kind, about, id in (
            (Kind.CHANGE, "set1", "$change"),
            (Kind.CHANGE, "ref", "$ref"),
            (Kind.DIGEST, "digest-1", "$digest"),
            (Kind.SAY, "words", "$words"),
        ):
            row = tx.enqueue(kind, about, ROOM, 0, NOW, NOW)
            tx.said(row.id, Said(id), NOW)

    await store.write(say)

    async def ask(text: str = "", limiter: Limiter | None = None, **changes: Any) -> str | None:
        heard = replace(plain_ask.heard, network="opendev", room=ROOM, text=text)
        heard = replace(heard, **changes)
        made = replace(plain_ask, heard=heard, kind="matrix", reactions=REACTIONS)
        message = await answer(made, ["gatewatch"], limiter or Limiter(9, 9))
        return None if message is None else message.text

    return ask


@pytest.mark.parametrize("text", ["why", "Why?", "!why", "!why?", "gatewatch: why", " why "])
async def test_a_verb_alone_in_a_reply(asked: Asked, text: str) -> None:
    found = await asked(text, about="$change")
    assert found is not None and found.startswith("912001,3 nova gate")
    assert await asked(text, thread="$change") == found
    assert await asked(text, about="$elsewhere", thread="$change") == found


async def test_several_signs_of_one_person_on_one_announcement_have_one_answer(asked: Asked) -> None:
    limiter = Limiter(9, 9)
    answers = [await asked(limiter=limiter, reaction=one, about="$change") for one in ("?", "❓", "❓\ufe0f")]
    assert answers[0] is not None and answers[1:] == [None, None]
    assert await asked(limiter=limiter, reaction="?", about="$ref") is not None
    bob = Person("Bob", "@bob:x")
    assert await asked(limiter=limiter, reaction="?", about="$change", person=bob) == answers[0]
    assert await asked("why", limiter=limiter, about="$change") == answers[0]  # who types it again wants it again


@pytest.mark.parametrize("reaction", ["❓", "❓\ufe0f", "?"])
async def test_a_question_mark_as_a_reaction(asked: Asked, reaction: str) -> None:
    found = await asked(reaction=reaction, about="$change")
    assert found is not None and found.startswith("912001,3 nova gate")


async def test_without_a_change_it_is_about_the_build(asked: Asked) -> None:
    found = await asked("why", about="$ref")
    assert found is not None and "#2071234" in found


async def test_of_several_changes_one_has_to_be_named(asked: Asked) -> None:
    assert (await asked("why", about="$digest") or "").startswith("!why takes a change")


@pytest.mark.parametrize(
    "heard",
    [
        {"text": "why", "about": "$elsewhere"},
        {"text": "why", "about": "$words"},
        {"text": "why", "about": "$change", "room": "opendev:#other:example.org"},
        {"text": "why", "about": "$change", "network": "other"},
        {"text": "why", "thread": "$elsewhere"},
        {"text": "why"},
        {"text": "why not", "about": "$change"},
        {"text": "lol", "about": "$change"},
        {"text": "gate", "about": "$change"},
        {"text": "status", "about": "$change"},
        {"reaction": "👍", "about": "$change"},
        {"reaction": "", "about": "$change"},
        {"reaction": "❓", "about": "$elsewhere"},
        {"reaction": "❓"},
        {"reaction": "❓", "about": "$change", "removed": True},
        {"text": "why", "about": "$change", "removed": True},
    ],
)
async def test_what_is_no_question_is_not_answered(asked: Asked, heard: dict[str, Any]) -> None:
    assert await asked(**heard) is None


async def test_words_behind_the_verb_count(asked: Asked) -> None:
    found = await asked("!why 912345", about="$change")
    assert found is not None and "912001" not in found


async def test_a_store_that_fails_costs_the_announcement_only(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(self: Store, work: object) -> object:
        raise TemporaryError("the disk is full")

    monkeypatch.setattr(Store, "read", fails)
    assert await asked("why", about="$change") is None
    assert (await asked("!help", about="$change") or "").startswith("!gate")


def test_nothing_else_is_of_a_change() -> None:
    from bot.commands import TABLE

    assert [name for name, verb in TABLE.items() if verb.of_change] == ["why"]
