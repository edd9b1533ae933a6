"""Where each event goes in: what is meant for the bot comes out as Heard."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from nio import MatrixRoom

from bot.chat import Hear
from bot.chat.matrix.answers import AnyRefusal, ask
from bot.chat.matrix.byhand import asked_to_verify, by_hand
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import Acting, MatrixConfig
from bot.chat.matrix.hearing import Ear, hear, is_listened_to
from bot.chat.matrix.rooms import Rooms
from bot.chat.matrix.seldom import Seldom
from bot.chat.matrix.unreadable import Unreadable
from bot.errors import PermanentError, TemporaryError
from bot.talk import Heard, Message, Person, Post, Said

log = logging.getLogger(__name__)


class Inbox:
    """Gives what is meant for the bot to `heard`."""

    def __init__(
        self,
        network: str,
        client: Client,
        rooms: Rooms,
        heard: Hear,
        config: MatrixConfig,
        prefix: str,
        clock: Callable[[], datetime],
        say: Callable[[Post], Awaitable[Said]],
    ) -> None:
        self._network = network
        self._client = client
        self._rooms = rooms
        self._heard = heard
        self._config = config
        self._prefix = prefix
        self._clock = clock
        self._say = say
        self._unreadable = Unreadable(client, config.timings)
        self._verified = Seldom(config.timings.hint_again, time.monotonic)

    async def take(self, room_id: str, event: Any) -> None:
        """The one broad guard of this network: an error while an event is handled costs that event only."""
        try:
            ear, oldest = await self._ear(room_id, event.sender), self._config.timings.oldest
            found = await self._unreadable.opened(room_id, event)
            heard = hear(found, ear, self._clock(), oldest)
            if heard is not None:
                await self._heard(heard)
            elif is_listened_to(found, ear, self._clock(), oldest):
                await self._hint(ear.room, room_id, found)
        except Exception:
            log.exception(
                "matrix event failed network=%s room=%s event=%s", self._network, room_id, event.source.get("event_id")
            )

    async def _hint(self, room: str, room_id: str, event: Any) -> None:
        """Tell who wrote what the bot cannot do with it; the key of the hint makes it one, also after a crash."""
        hint = self._unreadable.hint(room_id, event)
        if asked_to_verify(event, self._client.user_id) and self._verified.due((room_id, event.sender)):
            hint = by_hand(self._client)
        if not hint:
            return
        asked = Heard(event.event_id, self._network, room, False, Person(event.sender), "", self._clock())
        try:
            await self._say(Post(room, f"hint/{event.event_id}", Message(hint), answers=asked))
        except (TemporaryError, PermanentError) as error:
            log.warning("matrix hint is not said room=%s error=%s", room, error)

    async def _ear(self, room_id: str, sender: str) -> Ear:
        room = self._client.rooms[room_id]
        me = self._client.user_id
        people = {id: room.users[id].name for id in (me, sender) if id in room.users}
        return Ear(
            network=self._network,
            room=self._rooms.name(room_id),
            me=me,
            prefix=self._prefix,
            names=[people.get(me, ""), me[1:].partition(":")[0]],
            private=await self._is_private(room_id),
            people=people,
            ignored=self._config.ignore,
            levels=self._rooms.states.of(room_id).levels,
            acting=self._acting(room_id),
        )

    async def _is_private(self, room_id: str) -> bool:
        """Is nobody there but one person and we? Without counts nio knows only the members that it was told of."""
        if room_id in self._rooms.configured():
            return False
        room = self._client.rooms[room_id]
        if not (_is_counted(room) or room.members_synced):
            request = self._client.joined_members(room_id)
            try:
                await ask(request, f"members of {room_id}", self._config.timings.request)
            except (AnyRefusal, TemporaryError) as error:  # a refused token is the sync's to answer
                log.warning("matrix takes a room for one of many people room=%s error=%s", room_id, error)
                return False
        return bool(room.member_count <= 2)

    def _acting(self, room_id: str) -> Acting:
        """Only in configured rooms a level says something: anybody may open a room and have all power in it."""
        acting = self._config.acting
        return acting if room_id in self._rooms.configured() else acting.model_copy(update={"level": None})


def _is_counted(room: MatrixRoom) -> bool:
    """Did the server say how many are there, and how many are invited?"""
    summary = room.summary
    return summary is not None and None not in (summary.joined_member_count, summary.invited_member_count)
