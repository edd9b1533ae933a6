"""Which rooms the bot is in: by alias or id, joined, invited, refused, removed; what each may say of itself."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.chat.matrix.answers import Refusal, TokenRefused, ask
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import Timings
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.pause import pause
from bot.chat.matrix.roomstate import RoomStates
from bot.errors import PermanentError, TemporaryError
from bot.model import JOINED, room_address

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Place:
    """One configured room. `id` is the room id, "" while nobody told us; `why` says why we are not in it."""

    room: str
    address: str
    id: str = ""
    why: str = "not joined yet"
    tries: int = 0
    due: float = 0.0


class Rooms:
    """The configured rooms, all that we are in, and the loop that joins what is not joined."""

    def __init__(
        self,
        network: str,
        rooms: Sequence[str],
        kept: Kept,
        timings: Timings,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._network = network
        self._places = {room: Place(room, room_address(room)[1]) for room in rooms}
        self._kept = kept
        self._timings = timings
        self._monotonic = monotonic
        self._joined: set[str] = set()
        self.states = RoomStates()
        self._wake = asyncio.Event()
        self._told = asyncio.Event()
        self._settled = asyncio.Event()

    # -- what others ask ------------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Each configured room was tried once: what is still missing has a reason."""
        return self._settled.is_set()

    async def wait_settled(self) -> None:
        await self._settled.wait()

    def status(self) -> dict[str, str]:
        """Per configured room "joined", or why not."""
        return {p.room: JOINED if p.id in self._joined else p.why for p in self._places.values()}

    def name(self, room_id: str) -> str:
        """The full name: as configured, else `NETWORK:!roomid`."""
        for place in self._places.values():
            if place.id == room_id:
                return place.room
        return f"{self._network}:{room_id}"

    def configured(self) -> set[str]:
        """The ids of the configured rooms that we are in."""
        return {place.id for place in self._places.values()} & self._joined

    def id(self, room: str) -> str:
        """The id of a room that we are in. Raises TemporaryError (with the reason) and PermanentError."""
        place = self._places.get(room)
        if place is not None:
            if place.id in self._joined:
                return place.id
            raise TemporaryError(f"{room}: {place.why}")
        address = room_address(room)[1]
        if address in self._joined:
            return address
        if not self.settled:
            raise TemporaryError(f"{room}: not connected yet")
        raise PermanentError(f"{room}: the bot is not in this room, and the config file does not name it")

    # -- what the sync tells --------------------------------------------------------------------------------

    async def remember(self) -> None:
        """Take up the ids that an earlier process found: they serve while an alias cannot be looked up."""
        ids = json.loads(await self._kept.get("rooms") or "{}")
        for place in self._places.values():
            place.id = ids.get(place.address, "")

    def only_in(self, room_ids: Iterable[str]) -> None:
        """These are all the rooms that we are in."""
        self._joined = set(room_ids)
        self._told.set()

    def joined(self, room_ids: Iterable[str]) -> None:
        self._joined.update(room_ids)

    def left(self, room_id: str, why: str) -> None:
        """We are not in that room any more; a configured one is tried again after a pause."""
        if room_id not in self._joined:
            return
        self._joined.discard(room_id)
        self.states.forget(room_id)
        log.warning("matrix left a room room=%s why=%s", self.name(room_id), why)
        for place in self._places.values():
            if place.id == room_id:
                place.why = why
                self._wait(place, why)
        self._wake.set()

    def invited(self) -> None:
        """Somebody invited us: try the configured rooms now, as any invitation may open one of them.

        A room is joined by its configured name, so an invitation that lies about its alias gains nothing.
        """
        for place in self._places.values():
            place.due = 0.0
        self._wake.set()

    # -- joining --------------------------------------------------------------------------------------------

    async def tend(self, client: Client) -> None:
        """Join what is not joined, for ever, as soon as it is known where we are. Raises TokenRefused."""
        await self._told.wait()
        while True:
            self._wake.clear()
            for place in self._places.values():
                if place.id not in self._joined or not self.settled:
                    await self._tend_place(client, place)
            self._settled.set()
            await self._until_due()

    async def _until_due(self) -> None:
        due = [place.due for place in self._places.values() if place.id not in self._joined]
        wait = max(0.0, min(due) - self._monotonic()) if due else None
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _tend_place(self, client: Client, place: Place) -> None:
        if place.due > self._monotonic():
            return
        try:
            await self._enter(client, place)
        except TokenRefused:
            raise
        except Refusal as error:
            self._wait(place, self._sentence(client, place, error))
        except TemporaryError as error:
            self._wait(place, str(error), error.retry_after)

    async def _enter(self, client: Client, place: Place) -> None:
        """Find out the room's id and be in it."""
        within = self._timings.request
        found = place.address
        if found.startswith("#"):
            answer = await ask(client.room_resolve_alias(found), f"look up {found}", within)
            found = answer.room_id
        if found not in self._joined:
            # By alias where one is configured: it names the servers through which a room can be joined.
            answer = await ask(client.join(place.address), f"join {place.address}", within)
            found = answer.room_id
            log.info("matrix joined room=%s id=%s", place.room, found)
        self._joined.add(found)
        place.tries = 0
        if place.id != found:
            place.id = found
            await self._save()

    def _sentence(self, client: Client, place: Place, error: Refusal) -> str:
        if error.code == "M_FORBIDDEN":
            return f"not invited to {place.address}: invite {client.user_id}"
        if error.code == "M_NOT_FOUND":
            return f"there is no room {place.address}: check the config file, or create it"
        return str(error)

    def _wait(self, place: Place, why: str, asked: float | None = None) -> None:
        if place.id in self._joined:  # only its alias could not be looked up
            return
        if why != place.why:
            log.warning("matrix cannot join room=%s why=%s", place.room, why)
        place.why = why
        place.tries += 1
        wait = pause(place.tries, self._timings.join_pause, self._timings.longest_join_pause)
        place.due = self._monotonic() + max(wait, asked or 0.0)

    async def _save(self) -> None:
        ids = {place.address: place.id for place in self._places.values() if place.id}
        try:
            await self._kept.put("rooms", json.dumps(ids))
        except TemporaryError as error:  # asked for again at the next start
            log.warning("matrix cannot keep room ids error=%s", error)
