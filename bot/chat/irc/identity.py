"""Who the bot is on a network: its nick, and whether services know it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator

from bot.chat.irc.backoff import LongWait
from bot.chat.irc.config import IrcConfig
from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.nickserv import ACCEPTED, Services, rejection
from bot.chat.irc.pace import Pace
from bot.chat.irc.together import either
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

# RFC 2812: 432 not allowed, 433 in use, 436 collision, 437 held back.
NICK_REFUSED = frozenset({"432", "433", "436", "437"})
MOST_NICKS = 8
MONITOR_OFFLINE = "731"  # https://ircv3.net/specs/extensions/monitor


def other_nicks(nick: str) -> Iterator[str]:
    """What to be called while somebody else has the nick: longer names, then ones as long, for short NICKLENs."""
    yield f"{nick}_"
    yield f"{nick}__"
    while True:
        yield f"{nick[:-3] or nick[0]}{random.randrange(100, 1000)}"


class Identity:
    """The nick and the account of one connection."""

    def __init__(
        self,
        network: str,
        config: IrcConfig,
        password: str | None,
        connection: Connection,
        pace: Pace,
        identified: Callable[[], None],
    ) -> None:
        """`password`: NickServ's, None where there is no such section.

        `identified` is called when services know the bot.
        """
        self._network = network
        self._config = config
        self._services = Services(config, password, connection, pace, asyncio.get_running_loop().time)
        self._connection = connection
        self._pace = pace
        self._others = other_nicks(config.nick)
        self._refusals = 0
        self._not_allowed = ""  # the server's words, where it does not take the configured nick at all
        self._answered = asyncio.Event()
        self._holder_left = asyncio.Event()
        self._identified = identified
        self.known = False
        self.forgotten = asyncio.Event()  # set when they know it no more; for whoever waits for that to clear
        self.account = ""  # as far as the server has named it
        self._complaint = ""

    @property
    def nick(self) -> str:
        """The nick that the server has for the bot now."""
        return str(self._connection.get_nickname())

    @property
    def trouble(self) -> str:
        """One sentence for operators, "" when the bot is who it should be."""
        if self._complaint:
            return self._complaint
        if not self._has_nick():
            return f"{self._network}: the nick {self._config.nick} is taken; the bot is {self.nick} until it is free"
        return ""

    def is_bot(self, nick: str) -> bool:
        """Whether the bot has this nick now, compared as the server does."""
        return self._connection.isupport.same(nick, self.nick)

    def _has_nick(self) -> bool:
        return self.is_bot(self._config.nick)

    # -- what the server and services say ---------------------------------------------------------------------

    def listens(self) -> dict[str, Callable[[Event], None]]:
        """The kinds of lines that this wants to hear."""
        return {
            MONITOR_OFFLINE: self._on_offline,
            "900": self._on_logged_in,
            "901": lambda event: self._on_forgotten(),
            "nick": lambda event: self._on_nick_free(event.nick),
            "privnotice": self._on_notice,
            "quit": lambda event: self._on_nick_free(event.nick),
            "umode": self._on_mode,
        }

    def on_nick_refused(self, event: Event) -> None:
        """Before the welcome: take another nick. Raises TemporaryError, LongWait where the configured one is wrong."""
        self._refusals += 1
        if self._refusals == 1 and event.kind == "432":
            self._not_allowed = event.text or "432"
        if self._refusals > MOST_NICKS:
            if self._not_allowed:
                raise LongWait(
                    f"{self._network}: the server does not allow the nick {self._config.nick} ({self._not_allowed}):"
                    " choose another `nick`"
                )
            raise TemporaryError(f"{self._network}: no nick like {self._config.nick} is free")
        self._connection.send("NICK", next(self._others))

    def on_known(self) -> None:
        """Services have accepted the bot (numeric 900, user mode +r, or their notice)."""
        self.known = True
        self._complaint = ""
        self._answered.set()
        self._identified()

    def on_event(self, event: Event) -> None:
        """Take the server's answers to this module's own questions."""
        self._services.on_event(event)

    def _on_offline(self, event: Event) -> None:
        for target in event.text.split(","):
            self._on_nick_free(target.partition("!")[0])

    def _on_logged_in(self, event: Event) -> None:
        if len(event.arguments) > 2:  # nick!user@host, account, a sentence
            self.account = event.arguments[1]
        self.on_known()

    def _on_mode(self, event: Event) -> None:
        # "+r" alone or among others, as in "+ir-w": registered, on every daemon that has services.
        if "r" in event.text.partition("-")[0] and event.text.startswith("+") and self.is_bot(event.target):
            self.on_known()

    def _on_notice(self, event: Event) -> None:
        """A private notice. Other people's mean nothing."""
        if not self._services.speaks(event):
            return
        if self._services.answers_take_back():
            self._holder_left.set()
        if ACCEPTED.search(event.text) and self._services.identified:
            self.on_known()
        elif (why := rejection(event.text)) and not self.known and self._services.identified:
            self.complain(f"{self._services.name} does not accept the bot ({why}): check the nickserv section")

    def on_nobody(self, event: Event) -> bool:
        """Numeric 401; True if it is services that are not there."""
        if event.arguments[:1] != (self._services.name,):
            return False
        if not self.known and self._services.has_password:
            self.complain(f"{self._services.name} is not there, so the bot is not identified")
        return True

    def _on_nick_free(self, nick: str) -> None:
        """Somebody left, or changed from, this nick."""
        if self._connection.isupport.same(nick, self._config.nick) and not self._has_nick():
            self._holder_left.set()

    def _on_forgotten(self) -> None:
        """Numeric 901: services have logged the bot out. What it was known by it may show again, after a while."""
        if self.known:
            self._services.identified = False
            self.forgotten.set()
        self.known, self.account = False, ""
        self.complain("services have logged the bot out")

    def complain(self, why: str) -> None:
        """What operators should know of why services do not know the bot."""
        said, self._complaint = self._complaint, f"{self._network}: {why}"
        self._answered.set()
        if said != self._complaint:
            log.warning("irc not identified network=%s why=%r", self._network, why)

    # -- what the bot does --------------------------------------------------------------------------------------

    async def identify(self) -> None:
        """Be marked as a bot; be known to services by the certificate, then by the password, or go on without."""
        if mode := self._connection.isupport.bot_mode:
            self._pace.charge()
            self._connection.send("MODE", self.nick, f"+{mode}")
        if self._config.certfp is not None and not self.known:
            self._answered.clear()
            await self._answer()
        await self._tell_services()
        if not self.known and not self._complaint and self._config.certfp is not None:
            self.complain("services do not know the certificate: add it there (NickServ CERT ADD)")

    async def _tell_services(self) -> None:
        """The password, if it is needed and has not been told; and to have the nick back."""
        services = self._services
        try:
            if services.has_password and not self.known and not services.identified:
                self._answered.clear()
                await services.identify()
                await self._answer()
                if not self._answered.is_set():
                    self.complain(f"{services.name} did not answer")
            if not self._has_nick() and (self.known or services.identified):
                await services.take_back()
        except TemporaryError as error:
            if not self.known:
                self.complain(str(error))

    async def _answer(self) -> None:
        await either(self._answered, within=self._config.timings.identify)

    async def regain(self) -> None:
        """For ever: ask for the configured nick when its holder left, and for both nick and account now and then."""
        watching = False
        while True:
            if watching == self._has_nick() and self._connection.isupport.monitor:
                watching = not watching
                self._pace.charge()
                self._connection.send("MONITOR", "+" if watching else "-", self._config.nick)
            if not await either(self._holder_left, within=self._config.timings.regain):
                await self._tell_services()
            self._holder_left.clear()
            if not self._has_nick():
                await self._pace.take(1, Pace.JOIN)
                self._connection.send("NICK", self._config.nick)
