"""What is meant for the bot, and what it is about: event by event, and on a real Synapse."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nio import Event

from bot.chat.matrix.config import Acting
from bot.chat.matrix.globs import matches_any
from bot.chat.matrix.hearing import Ear, hear
from bot.chat.matrix.levels import Creation, Levels
from bot.talk import Heard
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import post
from tests.chat.matrix_scene import Scene

ME, ADA = "@gatewatch:example.org", "@ada:example.org"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEVELS = Levels(Creation(frozenset({ADA}), "11"), {"users": {ADA: 50}})
EAR = Ear("net", "net:#ci:example.org", ME, "!", ["Gate Watch", "gatewatch", ""], False, {ADA: "Ada"}, LEVELS)


def heard(
    kind: str, content: Any, ear: Ear = EAR, sender: str = ADA, age: timedelta = HOUR / 2, **top: Any
) -> Heard | None:
    at = int((NOW - age).timestamp() * 1000)
    event = {"type": kind, "event_id": "$e", "sender": sender, "origin_server_ts": at, "content": content, **top}
    return hear(Event.parse_event(event), ear, NOW, HOUR)


def said(body: str, relation: Any = None, **more: Any) -> Heard | None:
    content = {"msgtype": more.pop("msgtype", "m.text"), "body": body}
    return heard("m.room.message", content if relation is None else {**content, "m.relates_to": relation}, **more)


REPLY = {"m.in_reply_to": {"event_id": "$said"}}
THREAD = {"rel_type": "m.thread", "event_id": "$said", "is_falling_back": True, "m.in_reply_to": {"event_id": "$x"}}
IN_THREAD = {**THREAD, "is_falling_back": False}
REACTION = {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$said", "key": "❓"}}


@pytest.mark.parametrize(
    ("relation", "about", "thread"), [(REPLY, "$said", ""), (THREAD, "", "$said"), (IN_THREAD, "$x", "$said")]
)
@pytest.mark.parametrize("word", ["why", "Why?", " why\n"])
def test_a_word_alone_in_a_reply_or_thread(relation: Any, about: str, thread: str, word: str) -> None:
    found = said(word, relation)
    assert found is not None
    assert (found.text, found.about, found.thread, found.called) == (word.strip(), about, thread, "")


@pytest.mark.parametrize("quote", ["> <@ada:example.org> it failed\n\n", "> one\n>two\n\n", "> one\n"])
def test_what_a_reply_quotes_is_not_said_by_it(quote: str) -> None:
    found = said(f"{quote}why", REPLY)
    assert found is not None
    assert (found.text, found.about) == ("why", "$said")


def test_a_quote_without_an_end_takes_no_time() -> None:
    began = time.process_time()
    assert said(">" * 60_000, REPLY) is None  # as long as an event may be
    assert time.process_time() - began < 0.2


@pytest.mark.parametrize("text", ["why me", "because", "https://x", "", "why\nnot", "no-good", "у", "w" * 30])
def test_other_words_are_not_for_the_bot(text: str) -> None:
    relation = None if text == "because" else REPLY
    assert said(text, relation) is None


@pytest.mark.parametrize("room", ["!abc:example.org", "!" + "r" * 43, "!abc:example.org is the room"])
def test_a_room_id_is_no_command(room: str) -> None:
    assert said(room) is None


def test_a_reaction_and_its_end() -> None:
    found = heard("m.reaction", REACTION)
    assert found is not None
    assert (found.reaction, found.about, found.removed, found.person.level) == ("❓", "$said", False, 50)
    for event in ({"redacts": "$e0"}, {"content": {"redacts": "$e0"}}):
        gone = heard("m.room.redaction", event.pop("content", {}), **event)
        assert gone is not None
        assert (gone.about, gone.removed, gone.text, gone.reaction) == ("$e0", True, "", "")


@pytest.mark.parametrize("listed", ["@ada:example.org", "@ada:*", "@a?a:example.org", "*:example.org", "*"])
def test_who_is_on_the_list_is_never_heard(listed: str) -> None:
    ear = replace(EAR, ignored=["@zuul:example.org", listed])
    assert said("!why", ear=ear) is None
    assert heard("m.reaction", REACTION, ear=ear) is None
    assert heard("m.room.redaction", {"redacts": "$e0"}, ear=ear) is None


@pytest.mark.parametrize("listed", ["@ad:*", "@ADA:example.org", "@[a]da:example.org", "", "@ada", "ada*"])
def test_who_is_not_on_the_list_is_heard(listed: str) -> None:
    assert said("!why", ear=replace(EAR, ignored=[listed])) is not None


@pytest.mark.parametrize(
    ("people", "level", "may_act"),
    [
        ((), 50, True),
        ((), 51, False),
        ((), None, False),
        (("@ada:*",), None, True),
        (("@ada:*",), 100, True),
        (("@eve:*", "@ad:example.org"), 100, False),
        (("@eve:*",), 0, True),
    ],
)
def test_who_may_act_is_on_the_list_or_has_the_level(people: tuple[str, ...], level: int | None, may_act: bool) -> None:
    found = said("!why", ear=replace(EAR, acting=Acting(people=people, level=level)))
    assert found is not None and found.person.may_act is may_act


def test_a_bracket_is_a_bracket() -> None:
    assert matches_any("@[bot]:x", ["@[bot]:*"])
    assert not matches_any("@b:x", ["@[bot]:*"])


@pytest.mark.parametrize("kind", ["m.room.message", "m.reaction", "m.room.redaction"])
def test_old_and_own_events_and_those_of_no_sense(kind: str) -> None:
    content = {"msgtype": "m.text", "body": "!why", **REACTION, "redacts": "$x"} if kind != "m.reaction" else REACTION
    if kind == "m.room.message":
        content.pop("m.relates_to")
    assert heard(kind, content) is not None
    assert heard(kind, content, age=HOUR) is not None
    assert heard(kind, content, age=HOUR + timedelta(seconds=1)) is None
    assert heard(kind, content, sender=ME) is None
    assert heard(kind, {}) is None
    assert heard(kind, []) is None


# -- with people ----------------------------------------------------------------------------------------------


@pytest.mark.xdist_group("synapse")
async def test_replies_reactions_and_their_end_refer_to_what_was_said(scene: Scene) -> None:
    human, room_id = scene.human, scene.room_id
    bot_too = await human.do(scene.synapse.register, f"{scene.alias}-zuul", "pw")
    async with scene.bot(ignore=[f"@{scene.alias}-z*:*"]).running() as bot:
        await bot.ready()
        said = await bot.chat.say(post(scene.room, "tempest failed", "k"))
        await human.do(_as_bot, scene, bot_too)
        await scene.say("why", **{"m.relates_to": {"m.in_reply_to": {"event_id": said.id}}})
        await scene.say("why", **{"m.relates_to": {"rel_type": "m.thread", "event_id": said.id}})
        reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": said.id, "key": "❓"}}
        reacted = await human.do(human.put, room_id, "m.reaction", reaction)
        await until(lambda: len(bot.heard) == 3)
        await human.do(human.redact, room_id, reacted)
        await until(lambda: len(bot.heard) == 4)
        reply, thread, mark, gone = bot.heard
    assert (reply.text, reply.about) == ("why", said.id)
    assert (thread.text, thread.thread) == ("why", said.id)
    assert (mark.reaction, mark.about, mark.id) == ("❓", said.id, reacted)
    assert (gone.removed, gone.about) == (True, reacted)


def _as_bot(scene: Scene, user: str) -> None:
    from tests.chat.human_matrix import Human

    other = Human(scene.synapse.url, user[1:].partition(":")[0], "pw")
    other.join(scene.room_id)
    other.send(scene.room_id, "!why 912345")


@pytest.mark.xdist_group("synapse")
async def test_reactions_made_and_taken_back_while_the_bot_was_away_are_heard(scene: Scene) -> None:
    human, room_id = scene.human, scene.room_id

    async def react(said: str, key: str) -> str:
        relation = {"m.relates_to": {"rel_type": "m.annotation", "event_id": said, "key": key}}
        return await human.do(human.put, room_id, "m.reaction", relation)

    async with scene.bot().running() as bot:
        await bot.ready()
        said = await bot.chat.say(post(scene.room, "tempest failed", "k"))
        earlier = await react(said.id, "👀")
        await until(lambda: [heard.id for heard in bot.heard] == [earlier])
    short, stays = await react(said.id, "👎"), await react(said.id, "❓")
    for gone in (earlier, short):
        await human.do(human.redact, room_id, gone)
    async with scene.bot().running() as bot:
        await scene.say("!last")
        await until(lambda: "!last" in bot.texts())
        heard = [(one.id if one.reaction else one.about, one.reaction, one.removed) for one in bot.heard]
    # Of one that came and went meanwhile only the end is left: it was never heard.
    assert heard[:-1] == [(stays, "❓", False), (earlier, "", True), (short, "", True)]
    assert bot.heard[0].about == said.id
