"""Saying one post: in its room's turn, once, and what each answer of the server means."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.chat.matrix.answers import AnyRefusal, Limited, Refusal, ask, look, until_logged_in
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.content import Content, relation_of
from bot.chat.matrix.living import alone, events, still_there
from bot.chat.matrix.pace import Pace
from bot.chat.matrix.pictures import Pictures
from bot.chat.matrix.roomkeys import RoomKeys
from bot.chat.matrix.rooms import Rooms
from bot.chat.matrix.saidbefore import MARK, SaidBefore, doubt_since
from bot.chat.matrix.turns import Turns
from bot.errors import PermanentError, TemporaryError
from bot.talk import Picture, Post, Said

log = logging.getLogger(__name__)

# The message itself cannot be sent; what else a server or a proxy refuses with may pass.
# https://spec.matrix.org/v1.16/client-server-api/#common-error-codes
NEVER = frozenset({"M_TOO_LARGE", "M_BAD_JSON", "M_NOT_JSON", "M_INVALID_PARAM"})


class Sending:
    """The way out, for the life of one client. `pace`: how fast the server lets it go."""

    def __init__(
        self,
        client: Client,
        rooms: Rooms,
        keys: RoomKeys,
        config: MatrixConfig,
        pace: Pace,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._rooms = rooms
        self._keys = keys
        self._threads = config.threads_in
        self._timings = config.timings
        self._pace = pace
        self._clock = clock
        self._pictures = Pictures(client, config.timings.request)
        self._before = SaidBefore(client, config.timings.request)
        self._turns = Turns()
        self._closed = False

    def close(self) -> None:
        """Who still waits for a turn gets a TemporaryError."""
        self._closed = True

    async def say(self, post: Post) -> Said:
        """Raises TemporaryError and PermanentError. The transaction id is the post's key.

        What the room may have already is looked for there first.
        """
        room_id = self._rooms.id(post.room)
        with until_logged_in(post.room):
            anew = not await still_there(self._client, room_id, post, self._timings.request)
        (key, content), *further = events(alone(post) if anew else post, self._threads(post.room))
        said = await self._say(room_id, post, key, content)
        for key, content in further:
            await self._add(post, self._say(room_id, post, key, content))
        if post.message.picture is not None:
            await self._add(post, self._show(room_id, post, post.message.picture))
        return Said(said, anew)

    async def _show(self, room_id: str, post: Post, picture: Picture) -> None:
        """Behind the text, and where that is."""
        with until_logged_in(post.room):
            encrypted = await self._keys.prepare(room_id, post.room)
            content = await self._pictures.content(picture, post.room, encrypted)
        if relation := relation_of(post, self._threads(post.room)):
            content["m.relates_to"] = relation
        await self._say(room_id, post, f"{post.key}.picture", content)

    async def _add(self, post: Post, said: Awaitable[object]) -> None:
        """What goes with a message that is out: it is to be said again as it was, or else left out."""
        try:
            await said
        except TemporaryError as error:
            raise TemporaryError(str(error), doubt=True, retry_after=error.retry_after) from error
        except PermanentError as error:
            log.warning("matrix left out what goes with a message room=%s why=%s", post.room, error)

    async def _say(self, room_id: str, post: Post, key: str, content: Content) -> str:
        """The id of one event, said in its turn."""
        first = post.first or post.answers is not None
        await self._pace.take(post.room, first=first)
        async with self._turns.turn(room_id, first=first):
            if self._closed:
                raise TemporaryError(f"{post.room}: not connected")
            with until_logged_in(post.room):
                return await self._once(room_id, post, key, content)

    async def _once(self, room_id: str, post: Post, key: str, content: Content) -> str:
        since = doubt_since(post, self._clock())
        if since is not None and (there := await self._before.find(room_id, post.room, key, since)):
            return there
        return await self._put(room_id, post, key, {**content, MARK: key})

    async def _put(self, room_id: str, post: Post, key: str, content: Content) -> str:
        await self._keys.prepare(room_id, post.room)
        request = self._client.room_send(room_id, "m.room.message", content, tx_id=key)
        at = self._pace.now()
        try:
            answer = await ask(request, post.room, self._timings.request)
        except Limited as error:
            raise Limited(str(error), retry_after=self._pace.refused(at, error.retry_after)) from error
        except Refusal as error:
            await self._still_in(room_id, post.room, error)
            if error.code == "M_FORBIDDEN":
                why = f"{self._client.user_id} may not speak there ({error.reason})"
                self._rooms.silenced(room_id, why)
                raise TemporaryError(f"{post.room}: {why}") from error
            if error.code in NEVER:
                raise PermanentError(_sentence(post.room, error)) from error
            raise TemporaryError(_sentence(post.room, error)) from error
        self._pace.accepted(at)
        return str(answer.event_id)

    async def _still_in(self, room_id: str, room: str, refusal: Refusal) -> None:
        """Raises TemporaryError if the message was refused because we are not in the room any more.

        The sync tells of it too, but maybe later; joining is tried again meanwhile.
        """
        if refusal.code not in ("M_FORBIDDEN", "M_NOT_FOUND", "M_UNKNOWN"):
            return
        try:
            answer = await look(self._client.joined_rooms(), room, self._timings.request)
        except AnyRefusal as error:
            raise TemporaryError(str(error)) from error
        if room_id not in answer.rooms:
            self._rooms.left(room_id, f"not in the room any more ({refusal.reason})")
            self._rooms.id(room)


def _sentence(room: str, error: Refusal) -> str:
    if error.code == "M_TOO_LARGE":
        return f"{room}: the homeserver finds the message too large"
    return f"{room}: the homeserver refuses the message: {error.code} {error.reason}"
