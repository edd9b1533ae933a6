"""The loop that brings the bot into its rooms, after those that moved, and out of those that nobody configured."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bot.chat.matrix.answers import Limited, Refusal, ask
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.invites import Invites
from bot.chat.matrix.place import Place
from bot.chat.matrix.rooms import Rooms
from bot.chat.matrix.upgrades import Upgrades
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

AT_ONCE = 5


class Joining:
    """For the life of one client."""

    def __init__(self, client: Client, rooms: Rooms, invites: Invites, config: MatrixConfig) -> None:
        self._client = client
        self._rooms = rooms
        self._invites = invites
        self._config = config
        self._upgrades = Upgrades(client, rooms, config.timings)
        self._held = 0.0  # the server answers no more of this before
        self._leave_due = 0.0  # unknown rooms that could not be left are not tried before

    async def run(self) -> None:
        """Join what is not joined, for ever, as soon as it is known where we are. Raises TokenRefused."""
        while True:
            self._rooms.wake.clear()
            await self._tend_all(self._astray)
            self._rooms.settle()
            await self._tend_all(self._restless)
            await self._leave_unknown()
            await self._until_due()

    async def _tend_all(self, due: Callable[[Place], bool]) -> None:
        # A few at a time, as one whose server is dead takes as long as it may; not where the server counts joins.
        lanes = asyncio.Semaphore(1 if self._held else AT_ONCE)
        tended = (self._tend_one(place, lanes) for place in self._rooms.places if due(place))
        for error in await asyncio.gather(*tended, return_exceptions=True):
            if error is not None:
                raise error

    async def _tend_one(self, place: Place, lanes: asyncio.Semaphore) -> None:
        async with lanes:
            await self._rooms.in_touch.wait()
            if max(place.due, self._held) <= self._rooms.monotonic():
                await self._tend(place)

    async def _until_due(self) -> None:
        due = [place.due for place in self._rooms.places if self._restless(place)]
        if self._leave_due > self._rooms.monotonic():
            due.append(self._leave_due)
        wait = max(0.0, max(min(due), self._held) - self._rooms.monotonic()) if due else None
        try:
            async with asyncio.timeout(wait):
                await self._rooms.wake.wait()
        except TimeoutError:
            return

    def _astray(self, place: Place) -> bool:
        """Are we not there, or has it moved?"""
        return not self._rooms.is_joined(place.id) or self._rooms.states.of(place.id).tombstone is not None

    def _restless(self, place: Place) -> bool:
        """Is there still something to do for it, now or later?"""
        return self._astray(place) or not place.looked_up

    async def _tend(self, place: Place) -> None:
        try:
            if not self._rooms.is_joined(place.id):
                await self._enter(place)
            await self._upgrades.follow(place)
            if self._rooms.settled and not place.looked_up:
                await self._enter(place)
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
            place.put_off(asked)
        else:
            place.wait(why, asked)

    async def _enter(self, place: Place) -> None:
        """Find out the room's id and be in it."""
        first, where = await self._resolved(place)
        found = self._rooms.newest(first)
        if not self._rooms.is_joined(place.id) or where.startswith("#"):  # an alias that was looked up
            await self._rooms.know(place, found)  # also if we cannot join: an invitation may be to it
        if not self._rooms.is_joined(found):
            where = where if found == first else found
            answer = await ask(self._client.join(where), f"join {where}", self._config.timings.request)
            found = answer.room_id
            log.info("matrix joined room=%s id=%s", place.room, found)
        self._rooms.joined([found])
        if place.looked_up:
            place.tries = 0
        await self._rooms.know(place, found)

    async def _resolved(self, place: Place) -> tuple[str, str]:
        """The room's id, and by what to join it: an alias names the servers through which that can be done."""
        if not place.address.startswith("#"):
            place.looked_up = True
            return place.address, place.address
        looked_up = self._client.room_resolve_alias(place.address)
        try:
            answer = await ask(looked_up, f"look up {place.address}", self._config.timings.request)
        except Refusal as error:
            place.nowhere, place.looked_up = error.code in ("M_NOT_FOUND", "M_INVALID_PARAM"), True
            raise
        except TemporaryError as error:
            if not place.id or isinstance(error, Limited):
                raise
            place.put_off(error.retry_after)  # it is looked up later
            return place.id, place.id
        place.nowhere, place.looked_up = False, True
        return str(answer.room_id), place.address

    def _sentence(self, place: Place, error: Refusal) -> str:
        if _is_ban(error):
            return f"banned from {place.address}: ask its moderators to lift that"
        if error.code == "M_FORBIDDEN":
            before = f"{place.removal}; " if place.removal else ""
            return f"{before}not invited to {place.address}: invite {self._client.user_id}"
        if error.code == "M_NOT_FOUND":
            return f"there is no room {place.address}: check the config file, or create it"
        if "no servers" in error.reason:  # Synapse's words, for an id that it has not heard of
            return f"no server is known that has {place.address}: check the id, use an alias, or invite the bot"
        return str(error)

    async def _leave_unknown(self) -> None:
        """Nobody configured them, and nobody who may invites the bot there: a room that was forgotten is a leak."""
        if not self._config.leave_unknown or not self._rooms.all_known or self._leave_due > self._rooms.monotonic():
            return
        for room_id in self._rooms.unknown() - self._invites.accepted:
            await self._rooms.in_touch.wait()
            try:
                await ask(self._client.room_leave(room_id), f"leave {room_id}", self._config.timings.request)
            except Limited as error:  # of all rooms together
                pause = error.retry_after or self._config.timings.join_pause.total_seconds()
                self._leave_due = self._rooms.monotonic() + pause
                return
            except (Refusal, TemporaryError) as error:
                log.warning("matrix cannot leave an unknown room room=%s error=%s", room_id, error)
                self._leave_due = self._rooms.monotonic() + self._config.timings.longest_join_pause.total_seconds()
                continue
            moved = self._rooms.newest(room_id) != room_id
            self._rooms.left(room_id, "the bot went after it" if moved else "nobody configured it")


def _is_ban(error: Refusal) -> bool:
    return error.code in ("M_FORBIDDEN", "M_BAD_STATE") and "banned" in error.reason  # Synapse says the second
