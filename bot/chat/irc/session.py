"""One connection's life: connecting, registering, identifying, joining, ready, closing; then it is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.chat.irc.addressing import Ear
from bot.chat.irc.backoff import LongWait, unwanted
from bot.chat.irc.calls import Calls
from bot.chat.irc.capabilities import Capabilities
from bot.chat.irc.config import IrcConfig, is_channel
from bot.chat.irc.connection import Event, new_connection
from bot.chat.irc.dial import dial
from bot.chat.irc.ejections import Ejections
from bot.chat.irc.files import Secrets
from bot.chat.irc.identity import Identity
from bot.chat.irc.listening import Listener
from bot.chat.irc.manner import Manner
from bot.chat.irc.ownhost import OwnHost
from bot.chat.irc.pace import Pace
from bot.chat.irc.presence import Presence
from bot.chat.irc.refusals import NOT_THERE, SPEECH, of_speech
from bot.chat.irc.registration import Registration
from bot.chat.irc.rooms import Rooms
from bot.chat.irc.speech import Speech
from bot.chat.irc.sts import Sts
from bot.chat.irc.together import either, first_of
from bot.chat.irc.watchdog import watch
from bot.errors import PermanentError, TemporaryError
from bot.talk import JOINED

log = logging.getLogger(__name__)

SPOKEN = frozenset({"pubmsg", "pubnotice", "privmsg", "privnotice"})


class Session:
    """One attempt to be on a network, and its connection if it succeeds."""

    def __init__(
        self,
        network: str,
        config: IrcConfig,
        secrets: Secrets,
        ejections: Ejections,
        ear: Ear,
        calls: Calls,
        clock: Callable[[], datetime],
        sts: Sts,
        manner: Manner,
    ) -> None:
        """`clock`: the time now, in UTC."""
        self._network, self._config, self._calls, self._clock = network, config, calls, clock
        self._time = asyncio.get_running_loop().time
        self._connection = connection = new_connection()
        connection.listen, connection.over = self._on_event, self._on_closed
        timings = config.timings
        self._pace = pace = Pace(config.pace.burst, config.pace.per_second, self._time)
        self.capabilities = Capabilities(connection, pace, sasl=config.sasl is not None)
        self.rooms = Rooms(network, secrets.keys, ejections, connection, pace, timings, self._time, calls.full)
        self.identity = Identity(network, config, secrets.nickserv, connection, pace, self.rooms.on_identified)
        self._sts = sts
        self._registration = Registration(network, config, secrets, connection, self.capabilities, self.identity, sts)
        has = self.capabilities.has
        self._host = host = OwnHost(self.identity.is_bot)
        self.speech = Speech(connection, pace, self.check, host, lambda: has("echo-message"), manner, timings)
        self.listener = Listener(
            ear, config, connection, self.identity, self.rooms, pace, calls.hear, calls.is_ours, clock, has
        )
        self._over = asyncio.Event()
        self._error: TemporaryError | None = None
        self._last_words = ""
        self._events = self._table()
        self.state, self.since = "connecting", clock()
        self.ready_at: float | None = None  # by the loop's clock

    def _table(self) -> dict[str, Callable[[Event], None]]:
        table: dict[str, Callable[[Event], None]] = {
            "465": self._on_last_words,
            "error": self._on_last_words,
            "pong": self._on_pong,
        }
        presence = Presence(self.rooms, self._host, self.identity.is_bot)
        own_nick = self.identity.own_nick
        for part in (self._registration, self.identity, own_nick, self._host, presence, self.listener):
            listens = part.listens()
            assert not table.keys() & listens.keys(), "a line is for one part only"
            table |= listens
        return table

    # -- its life -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until it is over. Raises TemporaryError; cancelled, says goodbye first."""
        try:
            await dial(self._connection, self._network, self._config)
            self._enter("registering")
            await first_of(self._fallen(), self._live())
        except asyncio.CancelledError:
            await self._goodbye()
            raise
        except TemporaryError as error:
            self._fail(error)
            raise
        finally:
            self._enter("closing")  # from here on nobody deals it a room, or waits for one
            self._connection.abort()
            self.rooms.close()
            self.speech.on_broken(str(self._error or "the bot left the network"))
            await self.listener.stop()

    async def _live(self) -> None:
        await self._registration.register()
        self._enter("identifying")
        await self.identity.identify()
        self._enter("joining")
        self._calls.registered(self._connection.isupport)
        await first_of(
            watch(self._network, self._connection, self._pace, self._config.timings),
            self.rooms.keep_joined(),
            self.identity.regain(),
            self._registration.keep_logged_in(),
            self._sts.keep_saved(),
            self._become_ready(),
        )

    async def _become_ready(self) -> None:
        """With many rooms before they are all joined: in each that is, there may be something to say."""
        await either(self.rooms.all_answered, within=self._config.timings.joining)
        self.rooms.take_turns()
        self.ready_at = self._time()
        self._enter("ready")
        states = self.rooms.states().values()
        joined = sum(state == JOINED for state in states)
        log.info("irc ready network=%s nick=%s rooms=%d/%d", self._network, self.identity.nick, joined, len(states))

    async def _fallen(self) -> None:
        await self._over.wait()
        if self._error is not None:
            raise self._error

    async def _goodbye(self) -> None:
        if self._connection.connected:
            self._connection.send("QUIT", text="shutting down")
            await either(self._over, within=self._config.timings.goodbye)

    def _enter(self, state: str) -> None:
        self.state, self.since = state, self._clock()

    def _fail(self, error: TemporaryError) -> None:
        if self._error is None:
            self._error = error
        self._over.set()

    def check(self, target: str, room: str) -> None:
        """Raises TemporaryError or PermanentError, with the reason, where nothing can be said to `target`."""
        if not self._connection.connected:
            raise TemporaryError(f"{room}: the connection of {self._network} is broken")
        if not self.registered:
            raise TemporaryError(f"{room}: {self._network} is {self.state}")
        if is_channel(target) and not self.rooms.joined(target):
            found = self.rooms.find(target)
            if found is None:
                raise TemporaryError(f"{room}: the channel goes by another connection now")
            if found.given_up:
                raise PermanentError(f"{room}: the bot is not in the channel: {found.state}")
            raise TemporaryError(f"{room}: the bot is not in the channel: {found.state}")

    @property
    def registered(self) -> bool:
        """Whether the server has let the bot in, and services were asked."""
        return self.state in ("joining", "ready")

    @property
    def lag(self) -> timedelta | None:
        """How long the server took to answer the last PING or to echo the last line; None before the first."""
        return None if self._connection.lag is None else timedelta(seconds=self._connection.lag)

    # -- what the server says -----------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        self.listener.on_event(event)
        self.identity.on_event(event)
        if event.kind in SPOKEN and self.identity.is_bot(event.nick):
            self.speech.on_echo(event)
        if event.kind == "privnotice" and not event.userhost:
            self.speech.on_server_notice(event)
        act = self._events.get(event.kind, self._on_refusal)
        try:
            act(event)
        except TemporaryError as error:
            self._fail(error)

    def _on_refusal(self, event: Event) -> None:
        if not self._registration.welcomed.is_set():
            self._registration.on_refused(event)
            return
        if self.identity.on_refused(event):
            return
        if self.rooms.on_refused(event):
            return
        refused = self.speech.on_refused(event)
        if event.kind in NOT_THERE and event.arguments:
            self.rooms.on_lost(event.arguments[0], f"the server says the bot is not in it ({event.text})")
        elif refused and event.kind in SPEECH:
            self.rooms.on_muted(event.arguments[0], of_speech(event.kind, event.text))

    def _on_last_words(self, event: Event) -> None:
        self._last_words = event.text or event.target

    def _on_closed(self, why: str) -> None:
        reason = self._last_words or why or "no reason given"
        error = LongWait if unwanted(reason) else TemporaryError
        if self.state == "registering" and not (self._last_words or self._config.tls):
            reason += "; if that is its TLS port, set tls: true"
        self._fail(error(f"{self._network}: the connection to {self._config.host} broke: {reason}"))

    def _on_pong(self, event: Event) -> None:
        self._connection.on_pong(event)
        self.speech.on_pong(event)
