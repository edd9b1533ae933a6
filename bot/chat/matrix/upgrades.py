"""Rooms that were upgraded: the one that took a room's place is joined, if it can be trusted to be that.

https://spec.matrix.org/v1.16/client-server-api/#room-upgrades
"""

from __future__ import annotations

import logging

from bot.chat.matrix.answers import Refusal, ask
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import Timings
from bot.chat.matrix.place import Place
from bot.chat.matrix.rooms import Rooms
from bot.chat.matrix.roomstate import Tombstone
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

ON_ITS_WAY = "the bot is on its way"


class Upgrades:
    """Follows tombstones, for the life of one client."""

    def __init__(self, client: Client, rooms: Rooms, timings: Timings) -> None:
        self._client = client
        self._rooms = rooms
        self._within = timings.request
        self._false: set[tuple[str, str]] = set()  # (old, new): the new one is not what it is said to be

    async def follow(self, place: Place) -> None:
        """Move where the room of the place moved; while that does not go, `place.closed` says why.

        Raises TemporaryError, TokenRefused.
        """
        stone = self._rooms.states.of(place.id).tombstone
        if stone is None:
            place.closed = ""
            return
        old, new = place.id, stone.successor
        try:
            why = await self._obstacle(old, stone)
        except TemporaryError as error:
            place.closed = f"the room moved to {new}, and the bot cannot follow now: {error}"
            raise
        if why:
            if why != place.closed:
                level = logging.INFO if why.endswith(ON_ITS_WAY) else logging.WARNING
                log.log(level, "matrix cannot follow a room room=%s why=%s", place.room, why)
            place.closed = why
            place.put_off()
            return
        log.info("matrix follows a room room=%s old=%s new=%s", place.room, old, new)
        self._rooms.successors[old] = new
        place.id, place.closed, place.tries = new, "", 0
        await self._rooms.keep()
        self._rooms.wake.set()  # it may have moved on since

    async def _obstacle(self, old: str, stone: Tombstone) -> str:
        """Why we cannot go on in the successor, "" if we can, and are there."""
        new, levels = stone.successor, self._rooms.states.of(old).levels
        if not new:
            return f"the room was closed by {stone.sender}, and nothing took its place"
        if levels.of(stone.sender) < levels.needed("m.room.tombstone", state=True):
            return f"the room was closed by {stone.sender}, who has no power to do that: not followed to {new}"
        false = f"{new} does not show that it is in the place of this room: not followed"
        if (old, new) in self._false or old in self._rooms.chain(new):
            await self._leave(new)  # where that did not go before
            return false
        if not self._rooms.is_joined(new) and (why := await self._join(stone)):
            return why
        if not self._rooms.states.knows(new):
            return f"the room moved to {new}: {ON_ITS_WAY}"  # the next answer of the sync tells of it
        if not self._holds(old, stone):
            self._false.add((old, new))
            await self._leave(new)
            return false
        return ""

    async def _leave(self, false: str) -> None:
        """Out of a room that is not what it was said to be, unless we are there as it is configured itself."""
        if not self._rooms.is_joined(false) or false in self._rooms.configured():
            return
        try:
            await ask(self._client.room_leave(false), f"leave {false}", self._within)
        except Refusal as error:  # with the next round
            log.warning("matrix cannot leave a false room room=%s error=%s", false, error)
            return
        self._rooms.left(false, "it is not in the place of a configured room")

    async def _join(self, stone: Tombstone) -> str:
        """Through the server of who closed the room: a room's id may not name one."""
        new, server = stone.successor, stone.sender.partition(":")[2]
        try:
            await ask(self._client.join_through(new, server), f"join {new}", self._within)
        except Refusal as error:
            if error.code == "M_FORBIDDEN":
                return f"the room moved to {new}, and the bot is not invited there: invite {self._client.user_id}"
            return f"the room moved to {new}, which cannot be joined: {error.reason}"
        self._rooms.joined([new])
        return ""

    def _holds(self, old: str, stone: Tombstone) -> bool:
        """Does the new room say that it follows the old one, and may who closed that invite people here?"""
        levels = self._rooms.states.of(stone.successor).levels
        return levels.creation.predecessor == old and levels.of(stone.sender) >= levels.needed_to("invite")
