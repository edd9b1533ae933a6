"""From an open connection to the server's welcome: capabilities, server password, nick, user, SASL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.chat.irc.backoff import Backoff, LongWait, longest
from bot.chat.irc.capabilities import UNKNOWN_TO_SERVER, Capabilities
from bot.chat.irc.config import IrcConfig
from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.files import Secrets
from bot.chat.irc.identity import Identity
from bot.chat.irc.ownnick import NICK_REFUSED
from bot.chat.irc.sasl import Sasl
from bot.chat.irc.sts import Sts
from bot.chat.irc.together import either
from bot.errors import TemporaryError


class Registration:
    """The set-up of one connection."""

    def __init__(
        self,
        network: str,
        config: IrcConfig,
        secrets: Secrets,
        connection: Connection,
        capabilities: Capabilities,
        identity: Identity,
        sts: Sts,
    ) -> None:
        self._network, self._config, self._password = network, config, secrets.server
        self._connection, self._capabilities, self._identity = connection, capabilities, identity
        self._sts = sts
        login = config.sasl
        self._sasl = None if login is None else Sasl(config, login, secrets.sasl, connection, capabilities)
        self.welcomed = asyncio.Event()

    async def register(self) -> None:
        """Return with the welcome. Raises TemporaryError, LongWait where the bot's login is refused."""
        within = self._config.timings.registration
        try:
            async with asyncio.timeout(within):
                await self._negotiate()
                await self.welcomed.wait()
                await self._required()
        except TimeoutError:
            raise TemporaryError(f"{self._network}: the server did not let the bot in within {within:g} s") from None

    async def _negotiate(self) -> None:
        self._capabilities.ask()
        if self._password is not None and not self._config.tls:
            # First the server has its chance to ask for TLS.
            await either(self._capabilities.listed, within=self._config.timings.step)
        self._log_on()
        # A server that knows nothing of capabilities lets the bot in without them; they may still come later.
        await either(self._capabilities.listed, self.welcomed)
        if self._capabilities.listed.is_set():
            await either(self._capabilities.settled, self.welcomed, within=self._config.timings.step)
            await self._log_in()
            self._capabilities.end()

    async def _log_in(self) -> None:
        if self._sasl is None:
            return
        if await self._sasl.authenticate():
            self._identity.on_known()
        else:
            self._identity.complain(self._sasl.trouble)

    async def _required(self) -> None:
        """Without the login that the config requires the bot does not stay."""
        if self._sasl is None or self._config.sasl is None or not self._config.sasl.required or self._identity.known:
            return
        if not self._capabilities.listed.is_set():  # it may still say what it offers
            await either(self._sasl.offered, within=self._config.timings.step)
            await self._log_in()
        if not self._identity.known:
            error = LongWait if self._sasl.refused else TemporaryError
            raise error(f"{self._network}: {self._sasl.trouble} (sasl is required, so no channel is joined)")

    async def keep_logged_in(self) -> None:
        """For ever: log in when SASL comes back or comes late, and a while after services have logged the bot out.

        Where nobody answered, less and less often.
        """
        timings = self._config.timings
        waits = Backoff((timings.regain, *timings.long_wait), 0.0, longest)
        while self._sasl is not None:
            unanswered = self._sasl.unanswered and not self._identity.known
            if not unanswered:
                waits.reset()
            await either(self._sasl.returned, self._identity.forgotten, within=waits.wait() if unanswered else None)
            if self._identity.forgotten.is_set():
                await asyncio.sleep(timings.regain)
            self._sasl.returned.clear()
            self._identity.forgotten.clear()
            if not self._identity.known:
                await self._log_in()

    def _log_on(self) -> None:
        if self._password is not None:
            self._connection.send("PASS", text=self._password)
        self._connection.send("NICK", self._config.nick)
        self._connection.send("USER", self._config.username, "0", "*", text=self._config.realname)

    # -- what the server says -----------------------------------------------------------------------------------

    def listens(self) -> dict[str, Callable[[Event], None]]:
        """The kinds of lines that this wants to hear."""
        # 376: end of the message of the day; 422: there is none; 464: wrong password.
        sasl = {} if self._sasl is None else self._sasl.listens()
        numerics = {"376": self._on_welcomed, "422": self._on_welcomed, "464": self._on_wrong_password}
        return {"cap": self._on_cap, **numerics, **sasl}

    def _on_cap(self, event: Event) -> None:
        self._capabilities.on_cap(event)
        if event.arguments[:1] != ("DEL",):  # a policy is not taken back so
            self._sts.on_offered(self._capabilities.offered("sts"), self._config)

    def on_refused(self, event: Event) -> None:
        """A numeric before the welcome that nobody else listens to."""
        if event.kind in NICK_REFUSED:
            self._identity.own_nick.on_refused_before_welcome(event)
        elif event.kind in UNKNOWN_TO_SERVER:
            self._capabilities.on_unknown(event)

    def _on_welcomed(self, event: Event) -> None:
        self.welcomed.set()

    def _on_wrong_password(self, event: Event) -> None:
        if not self.welcomed.is_set():  # afterwards it is about OPER, or nothing
            raise LongWait(f"{self._network}: the server does not accept the bot's password ({event.text})")
