"""Saying lines so that the bot knows whether the server has them.

Where the server echoes what it passes on (IRCv3 echo-message), the echo says so, and costs nothing. Elsewhere a PING
with a token follows the line: servers deal with a client's lines in order, so the PONG comes after the line was passed
on or refused. So it does where a server offers labeled-response alone, which is rare: a third way would gain nothing.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from bot.chat.irc.config import Timings
from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.flight import Flight
from bot.chat.irc.lines import announcement, reply, space_for, worst_prefix
from bot.chat.irc.manner import Manner
from bot.chat.irc.ownhost import OwnHost
from bot.chat.irc.pace import Pace
from bot.chat.irc.refusals import NO_FORMATTING, THROTTLED, is_error
from bot.chat.irc.together import either
from bot.errors import PermanentError

MOST_REPLY_LINES = 4
SWALLOWED = "the server took the line and passed it on to nobody (a filter of the network or the channel?)"


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
        self._flights: list[Flight] = []  # in the order in which their first lines were written

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
        await self._after_replies(target)
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
                if not flight.echoes and not flight.over.is_set():
                    await self._pace.take(1, Pace.REPLY)
                await self._confirmed(flight)

    def _costs(self) -> int:
        """Tokens of an announcement: the line, and the PING behind it."""
        return 1 if self._echoes() else 2

    @contextmanager
    def _flight(self, target: str, room: str) -> Iterator[Flight]:
        flight = Flight(target, room, f"gatewatch-{next(self._numbers)}", self._echoes())
        try:
            yield flight
        finally:
            flight.end()
            if flight.written:
                self._flights.remove(flight)

    async def _after_replies(self, target: str) -> None:
        """Until nothing is in flight there: between a reply's lines nobody could tell which one a refusal is about.

        A reply need not wait: it comes behind the one line of an announcement, and so does what the server says of it.
        """
        while ahead := self._on_the_way(target):
            await ahead[0].over.wait()

    def _on_the_way(self, target: str) -> list[Flight]:
        same = self._connection.isupport.same
        return [one for one in self._flights if not one.over.is_set() and same(one.target, target)]

    def _write(self, flight: Flight, command: str, line: str) -> None:
        if not flight.written:
            self._check(flight.target, flight.room)
            self._flights.append(flight)
        self._connection.send(command, flight.target, text=line)
        flight.write(line, self._time())

    async def _confirmed(self, flight: Flight) -> None:
        flight.land()
        if flight.echoes and not await either(flight.over, within=self._echo):
            await self._pace.take(1, Pace.REPLY)
        if not flight.over.is_set():
            self._connection.send("PING", text=flight.token)
            if not await either(flight.over, within=self._confirm):
                # Everything behind this line would wait as long: better a new connection.
                self._connection.ended(f"the server left a PING unanswered for {self._confirm:g} s")
                flight.broken(f"the server did not confirm it within {self._confirm:g} s")
        if flight.error is not None:
            raise flight.error

    def _bytes_for(self, command: str, target: str) -> int:
        nick = str(self._connection.get_nickname())
        prefix = f"{nick}!{self._host.userhost}" if self._host.userhost else worst_prefix(nick)
        return space_for(prefix, command, target, self._connection.isupport.linelen)

    # -- what the server says -----------------------------------------------------------------------------------

    def on_pong(self, event: Event) -> None:
        """The server has dealt with all that was written before the PING with this token."""
        for flight in self._flights:
            if flight.token in (event.text, event.target):
                swallowed = flight.echoes and flight.unheard and self._echoes()
                flight.end(PermanentError(f"{flight.room}: {SWALLOWED}") if swallowed else None)

    def on_echo(self, event: Event) -> None:
        """A line of the bot's own has come back."""
        same = self._connection.isupport.same
        meant = [one for one in self._flights if one.echoes and one.unheard and same(one.target, event.target)]
        meant.sort(key=lambda one: not one.waits_for(event.text))
        if meant:
            self._connection.lag = self._time() - meant[0].heard(event.text)

    def on_refused(self, event: Event) -> bool:
        """A numeric that may say that a line was not passed on; False if it is not about one in flight."""
        flight = self._refused(event) if is_error(event.kind) else None
        if flight is not None:
            flight.refused(event.kind, event.text)
        return flight is not None

    def on_server_notice(self, event: Event) -> None:
        """A notice of the server's own, by which some refuse a line."""
        if (found := THROTTLED.search(event.text)) is not None:
            self.on_refused(replace(event, kind=found[2], arguments=(found[1], event.text)))

    def _refused(self, event: Event) -> Flight | None:
        """The flight that a refusal is about: the one with formatting where that is the reason, else the oldest.

        The server deals with lines in order, and a flight is over with its PONG.
        """
        meant = self._on_the_way(event.arguments[0] if event.arguments else "")
        if NO_FORMATTING.search(event.text):
            meant.sort(key=lambda flight: not flight.dressed)
        return meant[0] if meant else None

    def on_broken(self, why: str) -> None:
        """The connection is gone: what was written may have arrived."""
        for flight in self._flights:
            flight.broken(why)
