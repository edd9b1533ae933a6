"""Telling NickServ who the bot is, and nobody who only calls themselves so."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from bot.chat.irc.config import IrcConfig, NickServ
from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.pace import Pace
from bot.chat.irc.whois import Whois
from bot.errors import TemporaryError

# What Anope, Atheme and OFTC's services say; numeric 900 and user mode +r say it more surely where there are any.
ACCEPTED = re.compile(
    r"password accepted|you are (now|already|successfully) (identified|recogni[sz]ed|logged in)", re.I
)
# Said in our words: a service may take the password for an account's name, and then repeats it.
REJECTED = {
    "wrong password": re.compile(
        r"(password (is )?|authentication )(incorrect|invalid|failed)|(invalid|incorrect|wrong) password", re.I
    ),
    "no such account: is `account` right, and `order`?": re.compile(r"(n't|not) (registered|a registered)", re.I),
    "too many tries": re.compile(r"too many (failed|invalid)", re.I),
}


def rejection(says: str) -> str:
    """Why services do not accept a password, "" if that is not what they say."""
    return next((why for why, words in REJECTED.items() if words.search(says)), "")


class Services:
    """NickServ as one connection sees it.

    A password goes to it once per connection, and only when the server has said that this nick is a service's: where
    services are away, anybody may have it.
    """

    def __init__(
        self,
        config: IrcConfig,
        password: str | None,
        connection: Connection,
        pace: Pace,
        clock: Callable[[], float],
    ) -> None:
        """`password`: None where there is none to tell. `clock` counts seconds."""
        self._section = config.nickserv or NickServ()
        self._who, _, self._server = self._section.service.partition("@")
        self._account = self._section.account or config.nick
        self._nick = config.nick
        self._password = password
        self._within = config.timings.identify
        self._connection, self._pace = connection, pace
        self._whois = Whois(connection, pace, clock)
        self._userhost = ""  # of the service, once the server has told
        self.identified = False  # the password has been told
        self._asked_back = self._answered_back = False
        self.on_event = self._whois.on_event

    @property
    def name(self) -> str:
        """As the config has it: `NickServ`, or `NickServ@services.example.org`."""
        return self._section.service

    @property
    def has_password(self) -> bool:
        return self._password is not None

    def speaks(self, event: Event) -> bool:
        """Whether it is the service that says this; before it was told anything, whether it may be."""
        itself = event.userhost == self._userhost or not (self._userhost or self.identified)
        return itself and self._connection.isupport.same(event.nick, self._who)

    def answers_take_back(self) -> bool:
        """Whether what it says now is the first after `take_back`: the nick may be free (GHOST only frees it)."""
        first = self._asked_back and not self._answered_back
        self._answered_back = self._asked_back
        return first

    async def identify(self) -> None:
        """Tell it the password. Raises TemporaryError, with why not."""
        await self._make_sure()
        self.identified = True
        words = [self._account, self._password or ""]
        await self._tell("IDENTIFY", *(reversed(words) if self._section.order == "password-first" else words))

    async def take_back(self) -> None:
        """Ask it, once, for the nick that somebody else has. Raises TemporaryError, with why not."""
        if self._asked_back:
            return
        await self._make_sure()
        self._asked_back = True
        await self._tell(self._section.regain, self._nick, *([] if self._password is None else [self._password]))

    async def are_at(self, userhost: str) -> bool:
        """Whether what came from there is the service's own. Raises TemporaryError where the server does not say."""
        await self._look_up()
        return self._userhost == userhost

    async def _tell(self, *words: str) -> None:
        await self._pace.take(1, Pace.REPLY)
        self._connection.send("PRIVMSG", self.name, text=" ".join(words))

    async def _make_sure(self) -> None:
        if self._userhost:
            return
        try:
            await self._look_up()
        except TemporaryError:
            if not self._server:  # else what is told goes to that other server alone, whoever has the nick here
                raise

    async def _look_up(self) -> None:
        try:
            async with asyncio.timeout(self._within):
                told = await self._whois.ask(self._who)
        except TimeoutError:
            raise TemporaryError(f"the server does not say who {self.name} is") from None
        if told.nobody:
            raise TemporaryError(f"{self.name} is not there, so the bot is not identified")
        if not told.service and (not self._server or told.server != self._server.lower()):
            raise TemporaryError(
                f"{self.name} is somebody with that nick and no service, so it is told nothing;"
                f" if it is one all the same, set service to {self._who}@ and its server"
            )
        self._userhost = told.userhost
