"""Saying lines so that the bot knows whether the server has them: each is followed by a PING that asks."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.lines import announcement, reply, room_for, worst_prefix
from bot.chat.irc.pace import Pace
from bot.chat.irc.refusals import NOT_THERE, SPEECH, SPEECH_LATER
from bot.errors import PermanentError, TemporaryError

MOST_REPLY_LINES = 4


@dataclass(eq=False)
class Flight:
    """Lines on their way to one target: `over` is set when the server has them, or `error` says why not."""

    target: str
    room: str
    token: str
    written: bool = False
    error: Exception | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, error: Exception | None = None) -> None:
        if not self.over.is_set():
            self.error = error
            self.over.set()


class Speech:
    """What the bot says on one connection: one announcement at a time, and replies, ahead of them, in their own lane.

    Room for a text is counted to the byte from the bot's own `nick!user@host` (`userhost`, known once its JOIN
    has come back), and from the longest that it may be before that.
    """

    def __init__(
        self, connection: Connection, pace: Pace, check: Callable[[str, str], None], notice: bool, confirm: float
    ) -> None:
        """`check(target, room)` raises TemporaryError where nothing can be said; `confirm`: seconds for the PONG."""
        self._connection = connection
        self._pace = pace
        self._check = check
        self._command = "NOTICE" if notice else "PRIVMSG"
        self._confirm = confirm
        self._announcing = asyncio.Lock()
        self._replying = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._flights: list[Flight] = []
        self.userhost = ""

    async def announce(self, target: str, room: str, text: str) -> None:
        """Exactly one line. Returns when the server has it; raises TemporaryError and PermanentError."""
        self._check(target, room)
        async with self._announcing:
            await self._pace.take(2, Pace.ANNOUNCEMENT)
            with self._flight(target, room) as flight:
                self._write(flight, self._command, announcement(text, self._bytes_for(self._command, target)))
                await self._confirmed(flight)

    async def reply(self, target: str, room: str, text: str) -> None:
        """At most four lines; otherwise as `announce`."""
        self._check(target, room)
        async with self._replying:
            with self._flight(target, room) as flight:
                for line in reply(text, self._bytes_for("PRIVMSG", target), MOST_REPLY_LINES):
                    await self._pace.take(1, Pace.REPLY)
                    if flight.over.is_set():
                        break
                    self._write(flight, "PRIVMSG", line)
                await self._pace.take(1, Pace.REPLY)
                await self._confirmed(flight)

    @contextmanager
    def _flight(self, target: str, room: str) -> Iterator[Flight]:
        flight = Flight(target, room, f"gatewatch-{next(self._numbers)}")
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

    async def _confirmed(self, flight: Flight) -> None:
        self._connection.send("PING", text=flight.token)
        try:
            async with asyncio.timeout(self._confirm):
                await flight.over.wait()
        except TimeoutError:
            # Everything behind this line would wait as long: better a new connection.
            self._connection.ended(f"the server left a PING unanswered for {self._confirm:g} s")
            flight.end(_in_doubt(flight, f"the server did not confirm it within {self._confirm:g} s"))
        if flight.error is not None:
            raise flight.error

    def _bytes_for(self, command: str, target: str) -> int:
        nick = str(self._connection.get_nickname())
        prefix = f"{nick}!{self.userhost}" if self.userhost else worst_prefix(nick)
        return room_for(prefix, command, target, self._connection.isupport.linelen)

    # -- what the server says -----------------------------------------------------------------------------------

    def on_pong(self, event: Event) -> None:
        """The server has all that was written before the PING with this token."""
        for flight in self._flights:
            if flight.token in (event.text, event.target):
                flight.end()

    def on_refused(self, event: Event) -> bool:
        """A numeric that may say that a line was not passed on; False if it is not about one in flight."""
        same = self._connection.isupport.same
        about = event.arguments[0] if event.arguments else ""
        flight = next((flight for flight in self._flights if flight.written and same(flight.target, about)), None)
        if flight is None or flight.over.is_set():
            return False
        if event.kind in SPEECH_LATER:
            flight.end(TemporaryError(f"{flight.room}: {SPEECH_LATER[event.kind]} ({event.kind}: {event.text})"))
        elif event.kind in NOT_THERE:
            flight.end(TemporaryError(f"{flight.room}: the bot is not in the channel ({event.kind}: {event.text})"))
        elif event.kind in SPEECH:
            flight.end(PermanentError(f"{flight.room}: {SPEECH[event.kind]} ({event.kind}: {event.text})"))
        else:
            return False
        return True

    def on_broken(self, why: str) -> None:
        """The connection is gone: what was written may have arrived."""
        for flight in self._flights:
            flight.end(_in_doubt(flight, why))


def _in_doubt(flight: Flight, why: str) -> TemporaryError:
    if not flight.written:
        return TemporaryError(f"{flight.room}: not said: {why}")
    return TemporaryError(f"{flight.room}: said, but not confirmed: {why}", doubt=True)
