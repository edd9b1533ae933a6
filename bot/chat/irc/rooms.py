"""The channels that the bot wants to be in: joined one by one, and again after a refusal, a kick or a forced part."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.chat.irc.backoff import Backoff
from bot.chat.irc.config import Timings, channel_fault
from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.pace import Pace
from bot.chat.irc.refusals import JOIN, NEEDS_ACCOUNT

log = logging.getLogger(__name__)

JOINED = "joined"
NEVER = float("inf")


@dataclass
class Room:
    """One channel: `state` is "joined" or why not; `due` is when to send (or to give up waiting for) a JOIN."""

    channel: str
    key: str
    again: Backoff
    state: str = "not joined yet"
    due: float = 0.0
    asked: bool = False
    answered: bool = False
    refusal: str = ""
    since: float = field(default=NEVER)


def longest(low: float, high: float) -> float:
    """No jitter: nobody else joins at the same moment."""
    return high


class Rooms:
    """All channels of one connection. `clock` counts seconds, as the event loop's does."""

    def __init__(
        self,
        network: str,
        channels: Sequence[str],
        keys: Mapping[str, str],
        connection: Connection,
        pace: Pace,
        timings: Timings,
        clock: Callable[[], float],
    ) -> None:
        self._network = network
        self._connection = connection
        self._pace = pace
        self._timings = timings
        self._clock = clock
        self._wake = asyncio.Event()
        self.all_answered = asyncio.Event()
        self._rooms = [self._new(channel, keys) for channel in channels]

    def _new(self, channel: str, keys: Mapping[str, str]) -> Room:
        room = Room(channel, keys.get(channel.lower(), ""), Backoff(self._timings.join_again, 0.0, longest))
        if fault := channel_fault(channel):
            room.state, room.due, room.answered = fault, NEVER, True
        return room

    def find(self, channel: str) -> Room | None:
        """The room of that name, compared as the server does."""
        same = self._connection.isupport.same
        return next((room for room in self._rooms if same(room.channel, channel)), None)

    def joined(self, channel: str) -> bool:
        """Whether the bot is in it now."""
        room = self.find(channel)
        return room is not None and room.state == JOINED

    def states(self) -> dict[str, str]:
        """Per channel "joined", or why not."""
        return {room.channel: room.state for room in self._rooms}

    async def keep_joined(self) -> None:
        """Send a JOIN whenever one is due, for ever."""
        while True:
            self._look()
            room = min(self._rooms, key=lambda room: room.due, default=None)
            if room is not None and room.due <= self._clock():
                await self._ask(room)
            else:
                await self._sleep(NEVER if room is None else room.due - self._clock())

    async def _ask(self, room: Room) -> None:
        if room.asked:
            self._refuse(room, "the server did not answer the JOIN")
            return
        await self._pace.take(1, Pace.JOIN)
        room.asked = True
        room.due = self._clock() + self._timings.join
        self._connection.send("JOIN", room.channel, *filter(None, [room.key]))

    async def _sleep(self, seconds: float) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(None if seconds == NEVER else seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _look(self) -> None:
        if all(room.answered for room in self._rooms):
            self.all_answered.set()

    def on_joined(self, channel: str) -> None:
        """The bot's own JOIN came back. A channel that nobody asked for (a forward) is left again."""
        room = self.find(channel)
        if room is None:
            self._connection.send("PART", channel, text="not asked for")
            return
        room.state, room.refusal, room.asked, room.answered = JOINED, "", False, True
        room.since, room.due = self._clock(), NEVER
        self._wake.set()

    def on_refused(self, event: Event) -> bool:
        """A numeric that may be the answer to a JOIN; False if it is not."""
        room = self.find(event.arguments[0]) if event.arguments else None
        if event.kind not in JOIN or room is None or room.state == JOINED:
            return False
        self._refuse(room, f"{JOIN[event.kind]} ({event.kind}: {event.text})")
        room.refusal = event.kind
        return True

    def on_lost(self, channel: str, why: str) -> None:
        """The bot is in it no longer: kicked, parted by force, or never was."""
        room = self.find(channel)
        if room is None or room.state != JOINED:
            return
        if self._clock() - room.since >= self._timings.stable:
            room.again.reset()
        self._refuse(room, why)

    def on_identified(self) -> None:
        """Services know the bot now: what was for registered nicks only is tried at once."""
        for room in self._rooms:
            if room.refusal in NEEDS_ACCOUNT:
                room.due, room.refusal = 0.0, ""
        self._wake.set()

    def on_invited(self, channel: str) -> None:
        """Somebody asks the bot in: tried at once if it is wanted there."""
        room = self.find(channel)
        if room is not None and room.state != JOINED and not room.asked:
            room.due = 0.0
            self._wake.set()

    def _refuse(self, room: Room, why: str) -> None:
        if room.state != why:
            log.warning("irc room not joined network=%s room=%s why=%r", self._network, room.channel, why)
        room.state, room.asked, room.answered = why, False, True
        room.due = self._clock() + room.again.wait()
        self._wake.set()
