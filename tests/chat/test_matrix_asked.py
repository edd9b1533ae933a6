"""The whole bot is asked about what it announced on Matrix: in a reply, in the thread, and by a reaction."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.search.embedded.writing import add
from tests.chat.human_matrix import until
from tests.in_process import running
from tests.servers.synapse import Synapse
from tests.test_outages import MATRIX_TIMINGS, PASSWORD, config, documents, matrix_rooms

pytestmark = pytest.mark.xdist_group("synapse")


def answers(events: list[dict[str, Any]], id: str) -> list[str]:
    """What was said in reply to an event."""
    relations = [(event["content"].get("m.relates_to", {}), event["content"]["body"]) for event in events]
    return [body for relation, body in relations if relation.get("m.in_reply_to", {}).get("event_id") == id]


async def test_about_an_announcement(synapse: Synapse, tmp_path: Path) -> None:
    await asyncio.to_thread(synapse.ensure)
    rooms = await asyncio.to_thread(matrix_rooms, synapse)
    add(tmp_path / "index", documents(1))
    person, room_id = rooms.person, rooms.ids["gate"]
    account = {"type": "matrix", "homeserver": synapse.url, "user": rooms.user, "password": PASSWORD}
    networks = {"matrix": {**account, "timings": MATRIX_TIMINGS}}
    settings = config(tmp_path, "console:ops", [f"matrix:{room_id}"], networks=networks)

    async def answered(id: str, text: str, count: int = 1) -> None:
        """So many answers refer to the event, and all of them have this text."""

        async def there() -> bool:
            found = answers(await person.do(person.messages, room_id, rooms.user), id)
            return len(found) == count and all(text in body for body in found)

        await until(there)

    async with running(tmp_path, settings) as bot:
        await until(lambda: rooms.bodies("gate"))
        announcement = (await person.do(person.messages, room_id, rooms.user))[0]["event_id"]
        why = "1,1 nova gate FAILURE: tempest-full -> #2000001"
        reply = {"m.relates_to": {"m.in_reply_to": {"event_id": announcement}}}
        await answered(await person.do(person.send, room_id, "why", **reply), why)
        thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": announcement}}
        await answered(await person.do(person.send, room_id, "Why?", **thread), why)
        for text in ("why not", "thanks"):
            await person.do(person.send, room_id, text, **reply)
        await person.do(person.send, room_id, "why")
        mark = {"m.relates_to": {"rel_type": "m.annotation", "event_id": announcement, "key": "❓"}}
        reaction = await person.do(person.put, room_id, "m.reaction", mark)
        await answered(announcement, why)
        there = await until(lambda: bot.store.read(lambda tx: tx.reacted("matrix", reaction)))
        assert (there.account, there.about) == (person.id, announcement)
        gone = await person.do(person.redact, room_id, reaction)
        await until(lambda: bot.store.read(lambda tx: tx.was_heard("matrix", gone)))
        assert await bot.store.read(lambda tx: tx.reacted("matrix", reaction)) is None
        await answered(
            await person.do(person.send, room_id, "!whoami"), f"{person.id} | creator of this room | not from"
        )
    assert len(await rooms.bodies("gate")) == 5  # the announcement and four answers
