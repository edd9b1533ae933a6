"""The channels that a connection is to be in: joined one by one, and again after a refusal, a kick or a forced part."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from bot.chat.irc.backoff import Backoff, longest
from bot.chat.irc.config import Timings, channel_fault
from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.ejections import Ejections
from bot.chat.irc.pace import Pace
from bot.chat.irc.refusals import JOIN, NEEDS_ACCOUNT, Again, refuses_join
from bot.chat.irc.room import NEVER, Room
from bot.chat.irc.together import either
from bot.talk import JOINED, NOT_YET

log = logging.getLogger(__name__)


class Rooms:
    """All channels of one connection, none at first. `clock` counts seconds, as the event loop's does.

    `full(channel, joined, why)` is called when the server lets the connection into no more than those `joined`.
    """

    def __init__(
        self,
        network: str,
        keys: Mapping[str, str],
        ejections: Ejections,
        connection: Connection,
        pace: Pace,
        timings: Timings,
        clock: Callable[[], float],
        full: Callable[[str, Sequence[str], str], None],
    ) -> None:
        self._network = network
        self._keys = keys
        self._ejections = ejections
        self._connection = connection
        self._pace = pace
        self._timings = timings
        self._clock = clock
        self._full = full
        self._leaves = Pace.JOIN
        self._wake = asyncio.Event()
        self.all_answered = asyncio.Event()
        self._rooms: list[Room] = []
        self._no_more: set[str] = set()  # channels, folded, that were wanted when the server was asked for them

    # -- which ----------------------------------------------------------------------------------------------

    def be_in(self, channels: Sequence[str]) -> None:
        """Stay in, or join, these, and leave all others."""
        for room in self._rooms:
            if room.channel not in channels:
                room.answered.set()
                if room.state == JOINED:
                    self._leave(room.channel, "its place is needed")
                elif room.asked:
                    self._no_more.add(self._connection.isupport.fold(room.channel))
        had = {room.channel: room for room in self._rooms}
        self._rooms = [had.get(channel) or self._new(channel) for channel in channels]
        self._wake.set()

    def _new(self, channel: str) -> Room:
        waits = {Again.SOON: self._timings.join_soon, Again.LATER: self._timings.join_again}
        again = {kind: Backoff(steps, 0.0, longest) for kind, steps in waits.items()}
        room = Room(channel, self._keys.get(channel.lower(), ""), again)
        if why := channel_fault(channel) or self._too_long(channel) or self._ejections.given_up(channel):
            room.state, room.due = why, NEVER
            room.answered.set()
        return room

    def _too_long(self, channel: str) -> str:
        most = self._connection.isupport.channellen
        return f"the network's names have {most} bytes at most" if most and len(channel.encode()) > most else ""

    def find(self, channel: str) -> Room | None:
        """The room of that name, compared as the server does."""
        same = self._connection.isupport.same
        return next((room for room in self._rooms if same(room.channel, channel)), None)

    def joined(self, channel: str) -> bool:
        """Whether the bot is in it now."""
        room = self.find(channel)
        return room is not None and room.state == JOINED

    def states(self) -> dict[str, str]:
        """Per channel "joined", or what is wrong."""
        return {room.channel: f"joined, but {room.muted}" if room.muted else room.state for room in self._rooms}

    async def answered(self, channel: str) -> None:
        """Return when the server has answered a JOIN of it, or nobody will any more."""
        room = self.find(channel)
        if room is not None:
            await room.answered.wait()

    def close(self) -> None:
        """The connection is over: no answer comes."""
        for room in self._rooms:
            room.answered.set()

    # -- joining --------------------------------------------------------------------------------------------

    def take_turns(self) -> None:
        """From now on joins do not go ahead of announcements."""
        self._leaves = Pace.ANNOUNCEMENT

    async def keep_joined(self) -> None:
        """Send a JOIN whenever one is due, for ever."""
        while True:
            if all(room.answered.is_set() for room in self._rooms):
                self.all_answered.set()
            room = min(self._rooms, key=lambda room: room.due, default=None)
            if room is not None and room.due <= self._clock():
                await self._ask(room)
            else:
                await self._sleep(NEVER if room is None else room.due - self._clock())

    async def _ask(self, room: Room) -> None:
        if room.asked:
            self._refuse(room, "the server did not answer the JOIN", Again.SOON)
            return
        await self._pace.take(1, self._leaves)
        if room not in self._rooms or room.due > self._clock():  # meanwhile the server may have put the bot into it
            return
        room.asked = True
        room.due = self._clock() + self._timings.join
        self._connection.send("JOIN", room.channel, *filter(None, [room.key]))

    async def _sleep(self, seconds: float) -> None:
        self._wake.clear()
        await either(self._wake, within=None if seconds == NEVER else seconds)

    # -- what the server says -------------------------------------------------------------------------------

    def on_joined(self, channel: str) -> None:
        """The bot's own JOIN came back. A channel that nobody asked for (a forward) is left again."""
        room = self.find(channel)
        if room is None:
            self._on_cut(channel)
            self._leave(channel, "not asked for")
            return
        if room.state not in (JOINED, NOT_YET):
            log.info("irc room joined after all network=%s room=%s", self._network, room.channel)
        room.state, room.refusal, room.muted, room.asked = JOINED, "", "", False
        room.since, room.due = self._clock(), NEVER
        room.answered.set()
        self._wake.set()

    def _leave(self, channel: str, why: str) -> None:
        self._pace.charge()
        self._connection.send("PART", channel, text=why)

    def _on_cut(self, channel: str) -> None:
        """Some servers cut a long name, and join what is left of it."""
        fold = self._connection.isupport.fold
        if fold(channel) in self._no_more:
            return
        for room in self._rooms:
            if room.asked and fold(room.channel).startswith(fold(channel)):
                self._refuse(room, f"the network cuts its name to {channel}: name that one", Again.NEVER)

    def on_refused(self, event: Event) -> bool:
        """A numeric that may be the answer to a JOIN; False if it is not."""
        room = self.find(event.arguments[0]) if event.arguments else None
        if room is None or room.state == JOINED:
            return False
        refusal = refuses_join(event.kind, with_key=bool(room.key)) if room.asked else JOIN.get(event.kind)
        if refusal is None:
            return False
        elsewhere = refusal.again is Again.ELSEWHERE
        self._refuse(room, f"{refusal.why} ({event.kind}: {event.text})", Again.LATER if elsewhere else refusal.again)
        room.refusal = event.kind
        if elsewhere:
            self._full(room.channel, [one.channel for one in self._rooms if one.state == JOINED], room.state)
        return True

    def on_lost(self, channel: str, why: str) -> None:
        """The server says that the bot is not in it after all."""
        room = self.find(channel)
        if room is not None and room.state == JOINED:
            self._refuse(room, why, Again.SOON)

    def on_thrown_out(self, channel: str, why: str) -> None:
        """Kicked, or parted by force: the bot comes back after a while, but not too often."""
        room = self.find(channel)
        if room is None or room.state != JOINED:
            return
        if self._ejections.add(room.channel, why, self._clock()):
            self._refuse(room, why, Again.LATER, self._timings.kicked)
        else:
            self._refuse(room, self._ejections.given_up(room.channel), Again.NEVER)

    def on_muted(self, channel: str, why: str) -> None:
        """The bot is in it, and cannot speak there."""
        room = self.find(channel)
        if room is not None and room.state == JOINED:
            room.muted, room.silent_until = why, self._clock() + self._timings.join_again[-1]

    def why_silent(self, channel: str) -> str:
        """Why nothing is to be announced there now, "" if it may be: a line that is refused is lost."""
        room = self.find(channel)
        return room.muted if room is not None and self._clock() < room.silent_until else ""

    def on_heard_again(self, channel: str) -> None:
        """Somebody changed the channel's modes, or the bot spoke: whatever kept it from speaking may be gone."""
        room = self.find(channel)
        if room is not None:
            room.muted = ""

    def on_identified(self) -> None:
        """Services know the bot now: what was for registered nicks only is tried at once."""
        for room in self._rooms:
            room.muted = ""
            if room.refusal in NEEDS_ACCOUNT:
                room.due, room.refusal = 0.0, ""
        self._wake.set()

    def on_invited(self, channel: str) -> None:
        """Somebody asks the bot in: tried at once if it is wanted there."""
        room = self.find(channel)
        if room is not None and room.state != JOINED and not room.asked:
            self._ejections.forgive(room.channel)
            room.due = 0.0
            self._wake.set()

    def _refuse(self, room: Room, why: str, again: Again, after: float | None = None) -> None:
        """`after`: seconds to the next try, where it is not one of those that get longer."""
        if room.state != why:
            level = logging.ERROR if again is Again.NEVER else logging.WARNING
            log.log(level, "irc room not joined network=%s room=%s why=%r", self._network, room.channel, why)
        if room.state == JOINED and self._clock() - room.since >= self._timings.stable:
            for wait in room.waits.values():
                wait.reset()
        room.state, room.asked, room.muted = why, False, ""
        room.answered.set()
        if again is Again.NEVER:
            room.due = NEVER
        else:
            room.due = self._clock() + (room.waits[again].wait() if after is None else after)
        self._wake.set()
