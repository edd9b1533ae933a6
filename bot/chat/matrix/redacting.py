"""Taking back what the bot said: a message, and what would still show its words: its edits, and notes in its thread."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from bot.chat.keep import Keep
from bot.chat.matrix.answers import Limited, Refusal, ask, look
from bot.chat.matrix.beside import beside
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.mapping import mapping
from bot.chat.matrix.ownevents import own_events
from bot.errors import PermanentError

log = logging.getLogger(__name__)

LINK = re.compile(r"#/(?:room/)?([^/?\s]+)/([^/?\s]+)")
URI = re.compile(r"matrix:(roomid|r)/([^/?\s]+)/e/([^/?\s]+)")
PAUSE = 1.0  # seconds, where a server that takes no more does not say how long
ALL_PAGES = 10_000


def message_of(link: str) -> tuple[str, str] | None:
    """Room (id or alias) and event id of a link to a message, None where it is none.

    https://spec.matrix.org/v1.15/appendices/#uris; Element's own links end as those of matrix.to do.
    """
    if uri := URI.fullmatch(link.partition("?")[0]):
        return ("!" if uri[1] == "roomid" else "#") + unquote(uri[2]), f"${unquote(uri[3])}"
    found = LINK.search(link)
    if found is None:
        return None
    room, event_id = unquote(found[1]), unquote(found[2])
    return (room, event_id) if room[0] in "!#" and event_id[0] == "$" else None


async def take_back(network: str, config: MatrixConfig, keep: Keep, message: tuple[str, str], reason: str) -> int:
    """Redact the message, its edits and what the bot said in its thread; how many events that were.

    Raises PermanentError where the message is not the bot's or not to be seen, and TemporaryError: again does no harm.
    """
    async with beside(network, config, keep) as client:
        return await _Redacting(client, config.timings.request).redact(*message, reason)


class _Redacting:
    def __init__(self, client: Client, within: timedelta) -> None:
        self._client = client
        self._within = within

    async def redact(self, room: str, event_id: str, reason: str) -> int:
        room_id, done = await self._room_id(room), set[str]()
        # Again until nothing is left: a bot that runs may say something of it meanwhile.
        while left := [one for one in await self._left(room_id, event_id) if one not in done]:
            for one in left:
                await self._redact_one(room_id, one, reason)
            done.update(left)
        return len(done)

    async def _room_id(self, room: str) -> str:
        if room.startswith("!"):
            return room
        return str((await look(self._client.room_resolve_alias(room), f"look up {room}", self._within)).room_id)

    async def _left(self, room_id: str, event_id: str) -> list[str]:
        """The message first: what is redacted is not edited any more.

        Read back, as a server does not tell the edits of a message that somebody redacted.
        """
        message = await self._message(room_id, event_id)
        if message.sender != self._client.user_id:
            raise PermanentError(f"{message.sender} said that: the bot takes back only what it said itself")
        what, since = f"read back in {room_id}", message.server_timestamp
        events = own_events(self._client, room_id, what, since, self._within, ALL_PAGES)
        after = [str(event.event_id) async for event in events if _belongs_to(event, event_id)]
        return after if _content(message) == {} else [event_id, *after]

    async def _message(self, room_id: str, event_id: str) -> Any:
        try:
            return (await look(self._client.room_get_event(room_id, event_id), "look it up", self._within)).event
        except Refusal as error:
            where = f"there is no message {event_id} in {room_id}, or the bot is not in it"
            raise PermanentError(f"{where}: {error}") from error

    async def _redact_one(self, room_id: str, event_id: str, reason: str) -> None:
        while True:
            request = self._client.room_redact(room_id, event_id, reason or None)
            try:
                await ask(request, f"redact {event_id}", self._within)
            except Limited as error:
                pause = error.retry_after or PAUSE
                log.warning("the homeserver takes no more for %.0f s; waiting", pause)
                await asyncio.sleep(pause)
            else:
                return


def _content(event: Any) -> Mapping[str, Any]:
    return mapping(event.source.get("content"))


def _belongs_to(event: Any, event_id: str) -> bool:
    relation = mapping(_content(event).get("m.relates_to"))
    return relation.get("rel_type") in ("m.replace", "m.thread") and relation.get("event_id") == event_id
