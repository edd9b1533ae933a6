"""What was heard is answered once; a network that gives it again after a crash gets nothing, or the same key."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from bot import replies
from bot.errors import PermanentError, TemporaryError
from bot.replies import Replies
from bot.store import Store
from bot.talk import Heard, Message, Person
from tests.fakes import START, Gate, Network

WHY = Heard("$event", "opendev", "opendev:#nova:example.org", False, Person("alice"), "!why 900001", START)
NICK = Heard("line-1", "oftc", "oftc:#nova", False, Person("bob"), "!why 900001", START)


class Desk:
    """Answers what starts with the prefix."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def answer(self, heard: Heard, now: datetime) -> Message | None:
        self.asked.append(heard.id)
        return Message(f"about {heard.text}") if heard.text.startswith("!") else None


@pytest.fixture
def desk() -> Desk:
    return Desk()


def made(gate: Gate, desk: Desk, store: Store | None = None) -> Replies:
    return Replies(desk.answer, store or gate.store, gate.chats, {"oftc": False, "opendev": True}, lambda: gate.now)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "WAIT", 0.001)


async def test_it_is_answered_where_it_was_heard(gate: Gate, desk: Desk) -> None:
    await made(gate, desk).hear(WHY)
    (post,) = gate.matrix.posts
    assert (post.room, post.message.text, post.answers) == (WHY.room, "about !why 900001", WHY)
    assert gate.irc.posts == []


async def test_the_same_event_is_answered_once_over_a_restart_too(gate: Gate, desk: Desk) -> None:
    await made(gate, desk).hear(WHY)
    await made(gate, desk).hear(WHY)
    await made(gate, desk).hear(replace(WHY, id="$other"))
    assert desk.asked == ["$event", "$other"]
    assert len(gate.matrix.told) == 2


async def test_after_a_crash_before_it_was_remembered_the_key_is_the_same(gate: Gate, desk: Desk) -> None:
    for _ in range(2):
        await made(gate, desk, Forgetful(gate.store)).hear(WHY)
    first, again = gate.matrix.posts
    assert first.key == again.key
    await made(gate, desk).hear(replace(WHY, id="$other"))
    assert gate.matrix.posts[2].key != first.key


async def test_ids_of_two_networks_are_not_mixed_up(gate: Gate, desk: Desk) -> None:
    await made(gate, desk).hear(WHY)
    await made(gate, desk).hear(replace(NICK, id=WHY.id))
    assert len(gate.irc.told) == len(gate.matrix.told) == 1
    assert gate.irc.posts[0].key != gate.matrix.posts[0].key


async def test_what_asks_nothing_is_not_answered(gate: Gate, desk: Desk) -> None:
    await made(gate, desk).hear(replace(NICK, text="good morning"))
    assert gate.irc.posts == []


# -- reactions ------------------------------------------------------------------------------------------------

REACTION = replace(WHY, id="$reaction", text="", reaction="❓", about="$announcement")
GONE = replace(WHY, id="$redaction", text="", about="$reaction", removed=True, person=Person("Mod", "@mod:x"))


class Undoer:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Heard] = []

    async def answer(self, heard: Heard, now: datetime) -> Message | None:
        self.asked.append(heard)
        return None if heard.removed else Message("because")


async def test_a_removed_reaction_comes_as_what_it_was_once_and_unanswered(gate: Gate) -> None:
    desk = Undoer()
    for heard in (GONE, REACTION, replace(GONE, id="$1"), replace(GONE, id="$1"), replace(GONE, id="$2")):
        await Replies(desk.answer, gate.store, gate.chats, {"opendev": True}, lambda: gate.now).hear(heard)
    # Before it was heard there was nothing to remove, and afterwards it is removed already.
    assert desk.asked == [REACTION, replace(GONE, id="$1", reaction="❓", about="$announcement")]
    assert gate.matrix.told == ["because"]
    assert await gate.store.read(lambda tx: tx.was_heard("opendev", "$1"))


async def test_what_is_removed_and_was_no_reaction_costs_a_look(gate: Gate) -> None:
    desk = Undoer()
    replies = Replies(desk.answer, gate.store, gate.chats, {"opendev": True}, lambda: gate.now)
    await replies.hear(WHY)
    await replies.hear(replace(GONE, about=WHY.id))
    assert desk.asked == [WHY]
    assert not await gate.store.read(lambda tx: tx.was_heard("opendev", GONE.id))


async def test_a_removal_that_cannot_be_looked_up_is_let_be(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    desk = Undoer()
    await Replies(desk.answer, Broken(gate.store), gate.chats, {"opendev": True}, lambda: gate.now).hear(GONE)
    assert desk.asked == []
    assert "store not read why='disk full'" in caplog.text


@pytest.mark.parametrize("doubt", [False, True])
async def test_matrix_is_tried_until_a_server_would_be_back_with_the_same_key(
    gate: Gate, desk: Desk, doubt: bool, caplog: pytest.LogCaptureFixture
) -> None:
    gate.matrix.ready = doubt
    gate.matrix.faults = [TemporaryError("timed out", doubt=doubt)] * (replies.TRIES_AWAY - 1)
    await made(gate, desk).hear(WHY)
    assert gate.matrix.told == ["about !why 900001"]
    assert len({post.key for post in gate.matrix.posts}) == 1
    gate.matrix.faults = [TemporaryError("timed out", doubt=doubt)] * replies.TRIES_AWAY
    await made(gate, desk).hear(replace(WHY, id="$other"))
    assert len(gate.matrix.posts) == 2 * replies.TRIES_AWAY
    assert len(gate.matrix.told) == 1
    assert "reply not said" in caplog.text


async def test_what_is_wrong_with_one_room_is_not_waited_for(gate: Gate, desk: Desk) -> None:
    gate.matrix.faults = [TemporaryError("may not speak there")] * replies.TRIES_AWAY
    await made(gate, desk).hear(WHY)
    assert len(gate.matrix.posts) == replies.TRIES and gate.matrix.told == []


async def test_a_server_that_asks_for_time_gets_it(gate: Gate, desk: Desk) -> None:
    gate.matrix.faults = [TemporaryError("too many requests", retry_after=0.001)] * (replies.TRIES_AWAY - 1)
    await made(gate, desk).hear(WHY)
    assert len(gate.matrix.told) == 1


async def test_nobody_is_answered_after_a_minute_of_tries(
    gate: Gate, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "LONGEST_IN_ALL", 0.05)
    gate.matrix.faults = [TemporaryError("timed out", doubt=True, retry_after=0.03)] * replies.TRIES_AWAY
    await made(gate, desk).hear(WHY)
    assert len(gate.matrix.posts) == 2


async def test_irc_is_not_tried_again_in_doubt(gate: Gate, desk: Desk) -> None:
    gate.irc.faults = [TemporaryError("connection reset", doubt=True)]
    await made(gate, desk).hear(NICK)
    assert len(gate.irc.posts) == 1
    gate.irc.faults = [TemporaryError("not connected")]
    await made(gate, desk).hear(replace(NICK, id="line-2"))
    assert len(gate.irc.posts) == 3
    assert len(gate.irc.told) == 1


async def test_what_is_refused_is_logged_and_let_be(gate: Gate, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    gate.irc.faults = [PermanentError("banned from #nova")]
    await made(gate, desk).hear(NICK)
    assert len(gate.irc.posts) == 1
    assert "reply not said room=oftc:#nova why='banned from #nova'" in caplog.text


async def test_a_store_that_fails_costs_the_memory_and_not_the_answer(
    gate: Gate, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await made(gate, desk, Broken(gate.store)).hear(NICK)
    assert gate.irc.told == ["about !why 900001"]
    assert "heard not remembered why='disk full'" in caplog.text


class Forgetful(Store):
    """A store whose bot dies before it writes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, work):  # type: ignore[no-untyped-def]
        return await self._store.read(work)

    async def write(self, work):  # type: ignore[no-untyped-def]
        return None


class Broken(Store):
    """A store that neither reads nor writes."""

    def __init__(self, store: Store) -> None:
        pass

    async def read(self, work):  # type: ignore[no-untyped-def]
        raise TemporaryError("disk full")

    async def write(self, work):  # type: ignore[no-untyped-def]
        raise TemporaryError("disk full")


def test_the_fake_networks_are_the_two_kinds(gate: Gate) -> None:
    assert isinstance(gate.irc, Network) and not gate.irc.edits and gate.matrix.edits
