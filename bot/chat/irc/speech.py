"""Saying lines so that the bot knows whether the server has them.

Where the server echoes what it passes on (IRCv3 echo-message), the echo says so, and costs nothing. Elsewhere a PING
with a token follows the line: servers deal with a client's lines in order, so the PONG comes after the line was passed
on or refused. So it does where a server offers labeled-response alone, which is rare: a third way would gain nothing.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.chat.irc.config import Timings
from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.lines import announcement, reply, room_for, worst_prefix
from bot.chat.irc.manner import Manner
from bot.chat.irc.ownhost import OwnHost
from bot.chat.irc.pace import Pace
from bot.chat.irc.refusals import NO_FORMATTING, NOT_THERE, SPEECH, SPEECH_LATER
from bot.chat.irc.together import either
from bot.errors import PermanentError, TemporaryError

MOST_REPLY_LINES = 4
SWALLOWED = "the server took the line and passed it on to nobody (a filter of the network or the channel?)"


@dataclass(eq=False)
class Flight:
    """Lines on their way to one target: `over` is set when the server has them, or `error` says why not.

    `unheard`: when the lines were written that have not come back, where the server echoes (`echoes`). `dressed`: the
    line has formatting, `undress`: for which alone it was refused.
    """

    target: str
    room: str
    token: str
    echoes: bool = False
    written: bool = False
    unheard: deque[float] = field(default_factory=deque)
    whole: bool = False  # nothing more will be written
    dressed: bool = False
    undress: bool = False
    error: Exception | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, error: Exception | None = None) -> None:
        if not self.over.is_set():
            self.error = error
            self.over.set()

    def heard(self) -> float:
        """The oldest line has come back: when it was written."""
        written = self.unheard.popleft()
        self.look()
        return written

    def look(self) -> None:
        if self.echoes and self.whole and not self.unheard:
            self.end()


class Speech:
    """What the bot says on one connection: one announcement at a time, and replies, ahead of them, in their own lane.

    Room for a text is counted to the byte from the bot's own `nick!user@host` (`host`, known once its JOIN has come
    back), and from the longest that it may be before that.
    """

    def __init__(
        self,
        connection: Connection,
        pace: Pace,
        check: Callable[[str, str], None],
        host: OwnHost,
        echoes: Callable[[], bool],
        manner: Manner,
        timings: Timings,
    ) -> None:
        """`check(target, room)` raises TemporaryError where nothing can be said; `echoes`: is echo-message on?"""
        self._connection = connection
        self._pace = pace
        self._check = check
        self._host = host
        self._echoes = echoes
        self._manner = manner
        self._confirm, self._echo = timings.confirm, timings.echo
        self._time = asyncio.get_running_loop().time
        self._announcing = asyncio.Lock()
        self._replying = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._flights: list[Flight] = []

    async def announce(self, target: str, room: str, text: str, strong: Sequence[str] = ()) -> None:
        """Exactly one line, what is `strong` in it marked where the room takes that.

        Returns when the server has it; raises TemporaryError and PermanentError.
        """
        self._check(target, room)
        async with self._announcing:
            await self._pace.take(self._costs(), Pace.ANNOUNCEMENT)
            if await self._passes(target, room, text, strong):
                return
            self._manner.drop_formatting(target)
            await self._pace.take(self._costs(), Pace.REPLY)  # at once: it had its turn
            await self._passes(target, room, text, ())

    async def _passes(self, target: str, room: str, text: str, strong: Sequence[str]) -> bool:
        """Say one line; False where it was refused for its formatting alone."""
        command = self._manner.command(target)
        most = self._bytes_for(command, target)
        line = announcement(text, most)
        shown = self._manner.dress(target, line, strong, most)
        with self._flight(target, room) as flight:
            flight.dressed = shown != line
            self._write(flight, command, shown)
            await self._confirmed(flight)
        return not flight.undress

    async def reply(self, target: str, room: str, text: str) -> None:
        """At most four lines, without formatting; otherwise as `announce`."""
        self._check(target, room)
        async with self._replying:
            with self._flight(target, room) as flight:
                for line in reply(text, self._bytes_for("PRIVMSG", target), MOST_REPLY_LINES):
                    await self._pace.take(1, Pace.REPLY)
                    if flight.over.is_set():
                        break
                    self._write(flight, "PRIVMSG", line)
                if not flight.echoes:
                    await self._pace.take(1, Pace.REPLY)
                await self._confirmed(flight)

    def _costs(self) -> int:
        """Tokens of an announcement: the line, and the PING behind it."""
        return 1 if self._echoes() else 2

    @contextmanager
    def _flight(self, target: str, room: str) -> Iterator[Flight]:
        flight = Flight(target, room, f"gatewatch-{next(self._numbers)}", self._echoes())
        self._flights.append(flight)
        try:
            yield flight
        finally:
            self._flights.remove(flight)

    def _write(self, flight: Flight, command: str, line: str) -> None:
        if not flight.written:
            self._check(flight.target, flight.room)
        self._connection.send(command, flight.target, text=line)
        flight.written = True
        flight.unheard.append(self._time())

    async def _confirmed(self, flight: Flight) -> None:
        flight.whole = True
        flight.look()
        if not flight.echoes or not await either(flight.over, within=self._echo):
            if flight.echoes:
                await self._pace.take(1, Pace.REPLY)
            self._connection.send("PING", text=flight.token)
            if not await either(flight.over, within=self._confirm):
                # Everything behind this line would wait as long: better a new connection.
                self._connection.ended(f"the server left a PING unanswered for {self._confirm:g} s")
                flight.end(_in_doubt(flight, f"the server did not confirm it within {self._confirm:g} s"))
        if flight.error is not None:
            raise flight.error

    def _bytes_for(self, command: str, target: str) -> int:
        nick = str(self._connection.get_nickname())
        prefix = f"{nick}!{self._host.userhost}" if self._host.userhost else worst_prefix(nick)
        return room_for(prefix, command, target, self._connection.isupport.linelen)

    # -- what the server says -----------------------------------------------------------------------------------

    def on_pong(self, event: Event) -> None:
        """The server has dealt with all that was written before the PING with this token."""
        for flight in self._flights:
            if flight.token in (event.text, event.target):
                swallowed = flight.echoes and flight.unheard and self._echoes()
                flight.end(PermanentError(f"{flight.room}: {SWALLOWED}") if swallowed else None)

    def on_echo(self, event: Event) -> None:
        """A line of the bot's own has come back: the oldest one to that target."""
        same = self._connection.isupport.same
        waits = (flight for flight in self._flights if flight.echoes and flight.unheard)
        flight = next((flight for flight in waits if same(flight.target, event.target)), None)
        if flight is not None:
            self._connection.lag = self._time() - flight.heard()

    def on_refused(self, event: Event) -> bool:
        """A numeric that may say that a line was not passed on; False if it is not about one in flight."""
        flight = self._refused(event)
        if flight is None or flight.over.is_set():
            return False
        why = f"({event.kind}: {event.text})"
        if event.kind == "404" and flight.dressed and NO_FORMATTING.search(event.text):
            flight.undress = True
            flight.end()
        elif event.kind in SPEECH_LATER:
            flight.end(TemporaryError(f"{flight.room}: {SPEECH_LATER[event.kind]} {why}"))
        elif event.kind in NOT_THERE:
            flight.end(TemporaryError(f"{flight.room}: the bot is not in the channel {why}"))
        elif event.kind in SPEECH:
            flight.end(PermanentError(f"{flight.room}: {SPEECH[event.kind]} {why}"))
        else:
            return False
        return True

    def _refused(self, event: Event) -> Flight | None:
        """The flight that a refusal is about: the one with formatting where that is the reason, else the oldest."""
        same = self._connection.isupport.same
        about = event.arguments[0] if event.arguments else ""
        meant = [flight for flight in self._flights if flight.written and same(flight.target, about)]
        if NO_FORMATTING.search(event.text):
            meant.sort(key=lambda flight: not flight.dressed)
        return meant[0] if meant else None

    def on_broken(self, why: str) -> None:
        """The connection is gone: what was written may have arrived."""
        for flight in self._flights:
            flight.end(_in_doubt(flight, why))


def _in_doubt(flight: Flight, why: str) -> TemporaryError:
    if not flight.written:
        return TemporaryError(f"{flight.room}: not said: {why}")
    return TemporaryError(f"{flight.room}: said, but not confirmed: {why}", doubt=True)
