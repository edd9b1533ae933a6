"""Asking the server who has a nick: WHOIS, one at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.pace import Bucket, Pace
from bot.errors import TemporaryError

BURST, PER_SECOND = 5, 0.2  # so that strangers cannot use up the lines that the server takes
NO_ANSWER = frozenset({"263", "402"})  # try again later, no such server
LAST = "318"
SERVICE = re.compile(r"is an? (network )?service\b", re.IGNORECASE)  # and no "Services Administrator", who is a person


@dataclass(slots=True)
class Told:
    """What the server said of a nick; `account` is "" where services do not know who has it."""

    userhost: str = ""
    server: str = ""  # that they are on, as far as it is shown
    account: str = ""
    bot: bool = False
    service: bool = False  # it is on a server of services, or marked as one, which no user can bring about
    nobody: bool = False


class Whois:
    """The questions of one connection. `clock` counts seconds, as the event loop's does."""

    def __init__(self, connection: Connection, pace: Pace, clock: Callable[[], float]) -> None:
        self._connection, self._pace, self._clock = connection, pace, clock
        self._bucket = Bucket(BURST, PER_SECOND, clock())
        self._nick = ""
        self._told = Told()
        self._ended: asyncio.Future[Told] | None = None

    async def ask(self, nick: str) -> Told:
        """Of one nick at a time; the caller sets the time-out.

        Raises TemporaryError where the server does not answer that, or too much was asked. The server answers behind
        all that it said before, so what it says is true of who has the nick by all lines that came until then.
        """
        if self._bucket.take(1, 0, self._clock()) > 0:
            raise TemporaryError("too many people asked within a short time")
        await self._pace.take(1, Pace.REPLY)
        self._nick, self._told = nick, Told()
        self._ended = asyncio.get_running_loop().create_future()
        try:
            self._connection.send("WHOIS", nick)
            return await self._ended
        finally:
            self._ended = None

    def on_event(self, event: Event) -> None:
        """Take what belongs to the answer (https://modern.ircdocs.horse/#whois-message)."""
        if self._ended is None or self._ended.done() or not event.arguments:
            return
        of_it = self._connection.isupport.same(event.arguments[0], self._nick)
        if event.kind == "401" and of_it:
            self._told.nobody = True
            self._ended.set_result(self._told)
        elif event.kind in NO_ANSWER and (of_it or event.arguments[0].upper() == "WHOIS"):
            self._ended.set_exception(TemporaryError(f"the server does not say who {self._nick} is ({event.text})"))
        elif of_it and event.kind == LAST:
            self._ended.set_result(self._told)
        elif of_it:
            self._take(event)

    def _take(self, event: Event) -> None:
        told = self._told
        match event.kind, event.arguments:
            case "311", (_, user, host, *_):
                told.userhost = f"{user}@{host}"
            case "312", (_, server, *_):
                told.server = server.lower()
                told.service = told.service or "services" in told.server
            case "313", (*_, says) if SERVICE.match(says):
                told.service = True
            case "330", (_, account, *_):
                told.account = account
            case "307", _:  # "has identified for this nick": the nick is the account where there is no 330
                told.account = told.account or self._nick
            case "335", _:
                told.bot = True
