"""Which rooms the bot is in, and what is wrong with those that it should be in."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bot.chat.matrix.config import Timings
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.levels import NOBODY
from bot.chat.matrix.place import Place, place_of
from bot.chat.matrix.roomstate import ENCRYPTED, RoomStates
from bot.chat.matrix.silence import Silence
from bot.errors import PermanentError, TemporaryError
from bot.talk import JOINED, room_address

log = logging.getLogger(__name__)


class Rooms:
    """The configured rooms, and all that we are in.

    `me`: the bot's Matrix id. `encrypts`: without that nothing is said in encrypted ones.
    """

    def __init__(
        self,
        network: str,
        rooms: Sequence[str],
        kept: Kept,
        timings: Timings,
        me: str = "",
        monotonic: Callable[[], float] = time.monotonic,
        *,
        encrypts: bool = False,
    ) -> None:
        self._network = network
        self._places = {room: place_of(room, timings, monotonic) for room in rooms}
        self._kept = kept
        self._me = me
        self._encrypts = encrypts
        self.monotonic = monotonic
        self._joined: set[str] = set()
        self.states = RoomStates()
        self._silence = Silence(timings.longest_join_pause, monotonic)
        self.successors: dict[str, str] = {}
        self.wake = asyncio.Event()
        self.in_touch = asyncio.Event()  # set while the server answers the stream; else the stream alone asks
        self._settled = asyncio.Event()

    # -- what others ask ------------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Each configured room that we were not in was tried once: what is still missing has a reason."""
        return self._settled.is_set()

    async def wait_settled(self) -> None:
        await self._settled.wait()

    @property
    def places(self) -> list[Place]:
        return list(self._places.values())

    def status(self) -> dict[str, str]:
        """Per configured room "joined", or what is wrong with it."""
        return {place.room: self._fault(place) or self._mute(place.id) or JOINED for place in self.places}

    def name(self, room_id: str) -> str:
        """The full name: as configured, else `NETWORK:!roomid`."""
        for place in self.places:
            if place.id == room_id:
                return place.room
        return f"{self._network}:{room_id}"

    def configured(self) -> set[str]:
        """The ids of the configured rooms that we are in."""
        return {place.id for place in self.places} & self._joined

    def wanted(self, room_id: str) -> bool:
        """Is it a configured room, or said to be in the place of one?"""
        return any(self._leads_to(place, room_id) for place in self.places)

    @property
    def all_known(self) -> bool:
        """Is of each configured room known which one it is, or that there is none?"""
        return self.settled and all(place.id or place.nowhere for place in self.places)

    def unknown(self) -> set[str]:
        """Rooms that we are in and that nobody configured."""
        return {room_id for room_id in self._joined if not self.wanted(room_id)}

    def is_joined(self, room_id: str) -> bool:
        return room_id in self._joined

    def chain(self, room_id: str) -> list[str]:
        """The room, and those that took its place one after the other."""
        found = [room_id]
        while (after := self.successors.get(found[-1], "")) and after not in found:
            found.append(after)
        return found

    def newest(self, room_id: str) -> str:
        """The room that is in this one's place today."""
        return self.chain(room_id)[-1]

    def id(self, room: str) -> str:
        """The id of a room in which we may speak. Raises TemporaryError (with the reason) and PermanentError."""
        place = self._places.get(room)
        address = room_address(room)[1] if place is None else place.id
        if place is not None and (fault := self._fault(place)):
            raise TemporaryError(f"{room}: {fault}")
        if address in self._joined:
            if shut := self._shut(address):
                raise TemporaryError(f"{room}: {shut}")
            return address
        if not self.settled:
            raise TemporaryError(f"{room}: not connected yet")
        raise PermanentError(f"{room}: the bot is not in this room, and the config file does not name it")

    def _fault(self, place: Place) -> str:
        return place.closed if place.id in self._joined else place.why

    def _mute(self, room_id: str) -> str:
        """Why nothing can be said there: by the room's levels, or as the server said."""
        state = self.states.of(room_id)
        have, need = state.levels.of(self._me), state.levels.needed(state.message)
        if have >= need:
            return self._shut(room_id)
        most = "nobody can" if need == NOBODY else f"its power level is {have}, {need} is needed"
        return f"{self._me} may not speak there: {most}"

    def _shut(self, room_id: str) -> str:
        """Why it is not even tried to say anything there."""
        locked = self.states.of(room_id).encrypted and not self._encrypts
        return ENCRYPTED if locked else self._silence.why(room_id)

    # -- what the sync and the sending tell ------------------------------------------------------------------

    async def remember(self) -> None:
        """Take up the ids that an earlier process found: they serve while an alias cannot be looked up."""
        ids = json.loads(await self._kept.get("rooms") or "{}")
        for place in self.places:
            place.id = ids.get(place.address, place.id)
        self.successors = json.loads(await self._kept.get("successors") or "{}")

    async def know(self, place: Place, room_id: str) -> None:
        """The place is that room."""
        if place.id != room_id:
            place.id, place.closed = room_id, ""
            await self.keep()

    async def keep(self) -> None:
        """Keep the ids; where the store cannot now, they are found again at the next start."""
        ids = {place.address: place.id for place in self.places if place.id}
        try:
            await self._kept.put("rooms", json.dumps(ids))
            await self._kept.put("successors", json.dumps(self.successors))
        except TemporaryError as error:
            log.warning("matrix cannot keep room ids error=%s", error)

    def settle(self) -> None:
        self._settled.set()

    def only_in(self, room_ids: Iterable[str]) -> None:
        """These are all the rooms that we are in."""
        self._joined = set(room_ids)

    def joined(self, room_ids: Iterable[str]) -> None:
        more = set(room_ids) - self._joined
        self._joined |= more
        if more:
            self.wake.set()

    def see(self, room_id: str, events: Sequence[Mapping[str, Any]]) -> None:
        """State of a room that we are in, as the server gives it and oldest first."""
        self.states.see(room_id, events)
        kinds = {event.get("type") for event in events if event.get("state_key") == ""}
        if "m.room.power_levels" in kinds:
            self._silence.end(room_id)
        if kinds & {"m.room.create", "m.room.tombstone", "m.room.power_levels"} and self.wanted(room_id):
            self._soon(room_id)

    def silenced(self, room_id: str, why: str) -> None:
        """The server let us not speak there: not tried again before the levels change, or after a long while."""
        log.warning("matrix may not speak room=%s why=%s", self.name(room_id), why)
        self._silence.begin(room_id, why)

    def left(self, room_id: str, why: str, banned: bool = False) -> None:
        """We are not in that room any more; a configured one is tried again. Where we were not: a ban may be over."""
        if room_id not in self._joined:
            return None if banned else self._soon(room_id)
        self._joined.discard(room_id)
        self.states.forget(room_id)
        self._silence.end(room_id)
        level = logging.WARNING if self.newest(room_id) == room_id else logging.INFO  # it moved, and we with it
        log.log(level, "matrix left a room room=%s why=%s", self.name(room_id), why)
        for place in self.places:
            if place.id == room_id:
                place.removed(why, banned)
        self.wake.set()
        return None

    def invited(self, room_id: str) -> None:
        """Somebody invited us there: try at once what it may be, of what we do not know where it is not too often.

        A room is joined by its configured name, so an invitation that lies about its alias gains nothing.
        """
        for place in self.places:
            if self._leads_to(place, room_id):
                place.hurry()
            elif not place.id:
                place.hurry_a_little()
        self.wake.set()

    def _soon(self, room_id: str) -> None:
        for place in self.places:
            if self._leads_to(place, room_id):
                place.hurry()
                self.wake.set()

    def _leads_to(self, place: Place, room_id: str) -> bool:
        """Is the place that room, or said to have moved there?"""
        stone = self.states.of(place.id).tombstone
        return room_id in (place.id, self.newest(place.id), "" if stone is None else stone.successor)
