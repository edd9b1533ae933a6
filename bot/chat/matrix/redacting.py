"""Taking back what the bot said: a message, and its edits, which would still show the words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from nio.api import MATRIX_API_PATH_V1

from bot.chat.keep import Keep
from bot.chat.matrix.answers import Limited, ask, look
from bot.chat.matrix.beside import beside
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.mapping import mapping
from bot.errors import PermanentError

LINK = re.compile(r"#/(?:room/)?([^/?\s]+)/([^/?\s]+)")
PAUSE = 1.0  # seconds, where a server that takes no more does not say how long


def message_of(link: str) -> tuple[str, str] | None:
    """Room (id or alias) and event id of a link to a message, None where it is none.

    https://spec.matrix.org/v1.15/appendices/#matrixto-navigation; Element's own links end in the same way.
    """
    found = LINK.search(link)
    if found is None:
        return None
    room, event_id = unquote(found[1]), unquote(found[2])
    return (room, event_id) if room[0] in "!#" and event_id[0] == "$" else None


async def take_back(network: str, config: MatrixConfig, keep: Keep, message: tuple[str, str], reason: str) -> int:
    """Redact the message with its edits; how many events that were, 0 if it was done before.

    Raises PermanentError where the message is not the bot's or not to be seen, and TemporaryError: again does no harm.
    """
    async with beside(network, config, keep) as client:
        return await _Redacting(client, config.timings.request).redact(*message, reason)


class _Redacting:
    def __init__(self, client: Client, within: timedelta) -> None:
        self._client = client
        self._within = within

    async def redact(self, room: str, event_id: str, reason: str) -> int:
        room_id = await self._room_id(room)
        event = await self._get(f"look up {event_id}", "rooms", room_id, "event", event_id)
        if event.get("sender") != self._client.user_id:
            raise PermanentError(f"{event.get('sender')} said that: the bot takes back only what it said itself")
        # The message last: until then, a second try finds the edits that the first one left.
        events = [edit async for edit in self._edits(room_id, event_id)]
        if "redacted_because" not in mapping(event.get("unsigned")):
            events.append(event_id)
        for one in events:
            await self._redact_one(room_id, one, reason)
        return len(events)

    async def _room_id(self, room: str) -> str:
        if room.startswith("!"):
            return room
        return str((await look(self._client.room_resolve_alias(room), f"look up {room}", self._within)).room_id)

    async def _edits(self, room_id: str, event_id: str) -> AsyncIterator[str]:
        """https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv1roomsroomidrelationseventidreltype"""
        path = ["rooms", room_id, "relations", event_id, "m.replace"]
        query: dict[str, str] = {}
        while True:
            page = await self._get("look for edits", *path, base=MATRIX_API_PATH_V1, query=query)
            for event in page.get("chunk", []):
                if event["sender"] == self._client.user_id:
                    yield str(event["event_id"])
            if not page.get("next_batch"):
                return
            query = {"from": str(page["next_batch"])}

    async def _get(self, what: str, *path: str, **more: Any) -> dict[str, Any]:
        content: dict[str, Any] = (await look(self._client.json("GET", path, **more), what, self._within)).content
        return content

    async def _redact_one(self, room_id: str, event_id: str, reason: str) -> None:
        while True:
            request = self._client.room_redact(room_id, event_id, reason or None)
            try:
                await ask(request, f"redact {event_id}", self._within)
            except Limited as error:
                await asyncio.sleep(error.retry_after or PAUSE)
            else:
                return
