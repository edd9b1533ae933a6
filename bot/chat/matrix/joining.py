"""The loop that brings the bot into its rooms, after those that moved, and out of those that nobody configured."""

from __future__ import annotations

import asyncio
import logging

from bot.chat.matrix.answers import Limited, Refusal, TokenRefused, ask
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.invites import Invites
from bot.chat.matrix.rooms import Place, Rooms
from bot.chat.matrix.upgrades import Upgrades
from bot.errors import TemporaryError

log = logging.getLogger(__name__)


class Joining:
    """For the life of one client."""

    def __init__(self, client: Client, rooms: Rooms, invites: Invites, config: MatrixConfig) -> None:
        self._client = client
        self._rooms = rooms
        self._invites = invites
        self._config = config
        self._upgrades = Upgrades(client, rooms, config.timings)
        self._held = 0.0  # the server answers no more of this before

    async def run(self) -> None:
        """Join what is not joined, for ever, as soon as it is known where we are. Raises TokenRefused."""
        while True:
            self._rooms.wake.clear()
            for place in self._rooms.places:
                await self._rooms.in_touch.wait()
                if self._held <= self._rooms.monotonic():
                    await self._tend(place)
            self._rooms.settle()
            await self._leave_unknown()
            await self._until_due()

    async def _until_due(self) -> None:
        due = [place.due for place in self._rooms.places if self._restless(place)]
        wait = max(0.0, max(min(due), self._held) - self._rooms.monotonic()) if due else None
        try:
            async with asyncio.timeout(wait):
                await self._rooms.wake.wait()
        except TimeoutError:
            return

    def _restless(self, place: Place) -> bool:
        """Is there still something to do for it, now or later?"""
        closed = self._rooms.states.of(place.id).tombstone is not None
        return closed or not self._rooms.is_joined(place.id) or not self._rooms.settled

    async def _tend(self, place: Place) -> None:
        if place.due > self._rooms.monotonic() or not self._restless(place):
            return
        try:
            if not self._rooms.is_joined(place.id) or not self._rooms.settled:
                await self._enter(place)
            await self._upgrades.follow(place)
        except TokenRefused:
            raise
        except Refusal as error:
            longest = self._config.timings.longest_join_pause.total_seconds()
            self._put_off(place, self._sentence(place, error), longest if _is_ban(error) else None)
        except Limited as error:
            # Of all rooms together: Synapse lets an account join ten, and then one in 10 s (rc_joins).
            pause = error.retry_after or self._config.timings.join_pause.total_seconds()
            self._held = self._rooms.monotonic() + pause
        except TemporaryError as error:
            self._put_off(place, str(error), error.retry_after)

    def _put_off(self, place: Place, why: str, asked: float | None = None) -> None:
        if self._rooms.is_joined(place.id):  # only its alias could not be looked up, or it moved
            self._rooms.put_off(place, asked)
        else:
            self._rooms.wait(place, why, asked)

    async def _enter(self, place: Place) -> None:
        """Find out the room's id and be in it."""
        first = await self._resolved(place)
        found = self._rooms.newest(first)
        if not self._rooms.is_joined(place.id):
            await self._rooms.know(place, found)  # also if we cannot join: an invitation may be to it
        if not self._rooms.is_joined(found):
            # By alias where one leads there: it names the servers through which a room can be joined.
            where = place.address if found == first else found
            answer = await ask(self._client.join(where), f"join {where}", self._config.timings.request)
            found = answer.room_id
            log.info("matrix joined room=%s id=%s", place.room, found)
        self._rooms.joined([found])
        place.tries = 0
        await self._rooms.know(place, found)

    async def _resolved(self, place: Place) -> str:
        if not place.address.startswith("#"):
            return place.address
        looked_up = self._client.room_resolve_alias(place.address)
        try:
            answer = await ask(looked_up, f"look up {place.address}", self._config.timings.request)
        except TokenRefused:
            raise
        except Refusal:
            place.nowhere = True
            raise
        place.nowhere = False
        return str(answer.room_id)

    def _sentence(self, place: Place, error: Refusal) -> str:
        if _is_ban(error):
            return f"banned from {place.address}: ask its moderators to lift that"
        if error.code == "M_FORBIDDEN":
            return f"not invited to {place.address}: invite {self._client.user_id}"
        if error.code == "M_NOT_FOUND":
            return f"there is no room {place.address}: check the config file, or create it"
        return str(error)

    async def _leave_unknown(self) -> None:
        """Nobody configured them, and nobody who may invites the bot there: a room that was forgotten is a leak."""
        if not self._config.leave_unknown or not self._rooms.all_known:
            return
        for room_id in self._rooms.unknown() - self._invites.accepted:
            await self._rooms.in_touch.wait()
            try:
                await ask(self._client.room_leave(room_id), f"leave {room_id}", self._config.timings.request)
            except TokenRefused:
                raise
            except (Refusal, TemporaryError) as error:  # with the next round
                log.warning("matrix cannot leave an unknown room room=%s error=%s", room_id, error)
                continue
            self._rooms.left(room_id, "nobody configured it")


def _is_ban(error: Refusal) -> bool:
    return error.code in ("M_FORBIDDEN", "M_BAD_STATE") and "banned" in error.reason  # Synapse says the second
