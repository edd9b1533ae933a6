"""Who the bot is on a network: its nick, and whether services know it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bot.chat.irc.config import IrcConfig
from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.nickserv import ACCEPTED, Services, rejection
from bot.chat.irc.ownnick import OwnNick
from bot.chat.irc.pace import Pace
from bot.chat.irc.together import either
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

LOGGED_OUT = "services have logged the bot out"


def sign_of(mode: str, change: str) -> str:
    """What a change as "+ir-w" does to a mode: "+", "-", or "" for nothing."""
    before, found, _ = change.rpartition(mode)
    return max("+-", key=before.rfind) if found and before else ""


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
        clock = asyncio.get_running_loop().time
        self.own_nick = OwnNick(network, config, connection, clock)
        self._services = Services(config, password, connection, pace, clock)
        self._connection = connection
        self._pace = pace
        self._answered = asyncio.Event()
        self._identified = identified
        self.known = False
        self.forgotten = asyncio.Event()  # set when they know it no more; for whoever waits for that to clear
        self.account = ""  # as far as the server has named it
        self._complaint = ""
        self._registered = "r"  # the user mode of whom services know; ngircd has R, where r is a restricted user
        self._claimed_by = ""  # `user@host` of who said, unasked and with the name of services, that they know the bot

    @property
    def nick(self) -> str:
        """The nick that the server has for the bot now."""
        return self.own_nick.now

    @property
    def trouble(self) -> str:
        """For operators, "" when the bot is who it should be."""
        why = "; ".join(filter(None, [self._complaint, self.own_nick.trouble]))
        return f"{self._network}: {why}" if why else ""

    def is_bot(self, nick: str) -> bool:
        """Whether the bot has this nick now, compared as the server does."""
        return self.own_nick.is_bot(nick)

    # -- what the server and services say ---------------------------------------------------------------------

    def listens(self) -> dict[str, Callable[[Event], None]]:
        """The kinds of lines that this wants to hear."""
        return {
            "004": self._on_server,
            "900": self._on_logged_in,
            "901": lambda event: self._on_forgotten(LOGGED_OUT),
            "privnotice": self._on_notice,
            "umode": self._on_mode,
        }

    def on_known(self) -> None:
        """Services have accepted the bot (numeric 900, ACCOUNT, user mode +r, or their notice)."""
        self.known = True
        self._complaint = ""
        self._answered.set()
        self.own_nick.on_known()
        self._identified()

    def on_event(self, event: Event) -> None:
        """Take the server's answers to this module's own questions, and what it says of the bot's own account."""
        self._services.on_event(event)
        if event.kind == "account" and self.is_bot(event.nick):  # https://ircv3.net/specs/extensions/account-notify
            self._on_account(event.target)

    def _on_server(self, event: Event) -> None:
        """Numeric 004: the server's name, its version, its user modes, those of channels."""
        if len(event.arguments) > 1 and event.arguments[1].lower().startswith("ngircd"):
            self._registered = "R"

    def _on_logged_in(self, event: Event) -> None:
        if len(event.arguments) > 2:  # nick!user@host, account, a sentence
            self.account = event.arguments[1]
        self.on_known()

    def _on_account(self, name: str) -> None:
        if name == "*":
            self._on_forgotten(LOGGED_OUT)
        else:
            self.account = name
            self.on_known()

    def _on_mode(self, event: Event) -> None:
        """The bot's own modes. Another nick takes the mode away, but no account that the server has named."""
        change = sign_of(self._registered, event.text) if self.is_bot(event.target) else ""
        if change == "+":
            self.on_known()
        elif change == "-" and not self.account:
            self._on_forgotten(f"the bot has lost user mode +{self._registered}: services do not know it any more")

    def _on_notice(self, event: Event) -> None:
        """A private notice. Other people's mean nothing."""
        if not self._services.speaks(event):
            return
        if self._services.answers_take_back():
            self.own_nick.free.set()
        if ACCEPTED.search(event.text) and self._services.identified:
            self.on_known()
        elif ACCEPTED.search(event.text) and self._config.certfp is not None and not self.known:
            self._claimed_by = event.userhost
            self._answered.set()
        elif (why := rejection(event.text)) and not self.known and self._services.identified:
            self.complain(f"{self._services.name} does not accept the bot ({why}): check the nickserv section")

    def on_refused(self, event: Event) -> bool:
        """A numeric after the welcome; True if it is of services that are not there, or of the nick."""
        if event.kind != "401" or event.arguments[:1] != (self._services.name,):
            return self.own_nick.on_refused(event)
        if not self.known and self._services.has_password:
            self.complain(f"{self._services.name} is not there, so the bot is not identified")
        return True

    def _on_forgotten(self, why: str) -> None:
        """Services know the bot no more. What it was known by it may show again, after a while."""
        if not self.known:
            return
        self._services.identified = False
        self.forgotten.set()
        self.known, self.account = False, ""
        self.complain(why)

    def complain(self, why: str) -> None:
        """What operators should know of why services do not know the bot."""
        said, self._complaint = self._complaint, why
        self._answered.set()
        if said != why:
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
            if not self.known:
                await self._trust_claim()
        await self._tell_services()
        if not self.known and not self._complaint and self._config.certfp is not None:
            self.complain("services do not know the certificate: add it there (NickServ CERT ADD)")

    async def _trust_claim(self) -> None:
        """Under another nick than the account's, ircd-hybrid has services' word alone for it that they know the bot."""
        try:
            if self._claimed_by and await self._services.are_at(self._claimed_by):
                self.on_known()
        except TemporaryError as error:
            self.complain(str(error))

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
            if self.own_nick.may_ask and (self.known or services.identified):
                await services.take_back()
        except TemporaryError as error:
            if not self.known:
                self.complain(str(error))

    async def _answer(self) -> None:
        await either(self._answered, within=self._config.timings.identify)

    async def regain(self) -> None:
        """For ever: ask for the configured nick when its holder left, and for both nick and account now and then."""
        own, watching = self.own_nick, False
        while True:
            if watching == own.had and self._connection.isupport.monitor:
                watching = not watching
                self._pace.charge()
                self._connection.send("MONITOR", "+" if watching else "-", own.wanted)
            if not await either(own.free, within=self._config.timings.regain):
                await self._tell_services()
            own.free.clear()
            if own.may_ask:
                await self._pace.take(1, Pace.JOIN)
                own.ask()
