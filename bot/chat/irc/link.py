"""One of the bot's nicks on a network: one session after the other, for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.chat.irc.backoff import Backoff, Jitter, LongWait
from bot.chat.irc.config import IrcConfig
from bot.chat.irc.files import Secrets
from bot.chat.irc.session import Session
from bot.chat.irc.sts import Upgrade
from bot.errors import TemporaryError
from bot.talk import NOT_NEEDED, NetworkStatus

log = logging.getLogger(__name__)


class Turns:
    """Connections from one address, at least `apart` seconds between two: servers throttle faster ones."""

    def __init__(self, apart: float) -> None:
        self._apart = apart
        self._last = float("-inf")
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Wait for the next turn."""
        clock = asyncio.get_running_loop().time
        async with self._lock:
            await asyncio.sleep(max(0.0, self._last + self._apart - clock()))
            self._last = clock()


class Link:
    """`session` is the living one, None between two; `new_session` makes the next."""

    def __init__(
        self,
        network: str,
        config: IrcConfig,
        clock: Callable[[], datetime],
        jitter: Jitter,
        gone: Callable[[], None],
        *,
        alone: bool,
    ) -> None:
        """`config`: with its own nick. `gone` is called when it has been away for long; `alone`: there is no other."""
        self.name = network if alone else f"{network}/{config.nick}"
        self.config = config
        self.needed = asyncio.Event()
        self.session: Session | None = None
        self._network = network
        self._clock = clock
        self._gone = gone
        timings = config.timings
        self._backoff = Backoff(timings.reconnect, timings.reconnect_floor, jitter)
        self._long_waits = Backoff(timings.long_wait, timings.long_wait[0], jitter)
        self._state, self._since = "stopped", clock()
        self._trouble = ""
        self._last_error = ""
        self._next_try: datetime | None = None
        self._too_long_away: asyncio.TimerHandle | None = None
        self._erred: datetime | None = None

    async def run(
        self, secrets: Secrets, new_session: Callable[[Secrets], Session], turn: Callable[[], Awaitable[None]]
    ) -> None:
        """For ever, once it is needed; `turn` is waited for before each try. Whoever lets it in calls `back`."""
        try:
            self._enter(NOT_NEEDED)
            await self.needed.wait()
            self._begin_away()
            while True:
                self._enter("waiting")
                await turn()
                again_in = await self._one_session(new_session(secrets))
                self._begin_away()
                self._enter("waiting")
                self._next_try = self._clock() + timedelta(seconds=again_in)
                await asyncio.sleep(again_in)
                self._next_try = None
        finally:
            self.back()
            self._next_try = None
            self._enter("stopped")

    def _begin_away(self) -> None:
        """From the loss on, however many tries it takes to be back."""
        if self._too_long_away is None:
            loop = asyncio.get_running_loop()
            self._too_long_away = loop.call_later(self.config.timings.move, self._gone)

    def back(self) -> None:
        """The server has let it in."""
        if self._too_long_away is not None:
            self._too_long_away.cancel()
        self._too_long_away = None

    async def _one_session(self, session: Session) -> float:
        """Live it to its end; the seconds to wait before the next."""
        self.session = session
        try:
            await session.run()
        except Upgrade as error:
            log.info("irc upgrade network=%s why=%r", self._network, str(error))
            return 0.0
        except TemporaryError as error:
            return self._lost(session, error)
        finally:
            self.session = None
        raise AssertionError("a session ends with an error or is cancelled")

    def _lost(self, session: Session, error: TemporaryError) -> float:
        again_in, why = self._again_in(session, error), str(error)
        # Said once: a server that stays down is not news at each try. An error is what people have to mend.
        level = logging.ERROR if isinstance(error, LongWait) else logging.WARNING
        if session.ready_at is None and why == self._trouble:
            level = logging.DEBUG
        log.log(
            level, "irc lost network=%s nick=%s again_in=%.1f why=%r", self._network, self.config.nick, again_in, why
        )
        self._note(why)
        return again_in

    def _again_in(self, session: Session, error: TemporaryError) -> float:
        now = asyncio.get_running_loop().time()
        stable = session.ready_at is not None and now - session.ready_at >= self.config.timings.stable
        if stable:
            self._backoff.reset()
            self._long_waits.reset()
        if isinstance(error, LongWait):
            return self._long_waits.wait()
        return 0.0 if stable else self._backoff.wait()

    def _note(self, error: str) -> None:
        self._trouble = self._last_error = error
        self._erred = self._clock()

    def _enter(self, state: str) -> None:
        self._state, self._since = state, self._clock()

    @property
    def ready(self) -> bool:
        """Whether announcements may go by it."""
        return self.session is not None and self.session.state == "ready"

    def away(self) -> str:
        """How it is, in words, while it is not ready."""
        status = self.status()
        return f"{self.name} is {status.state}: {status.trouble}".rstrip(": ")

    def status(self) -> NetworkStatus:
        """Of this connection alone; `rooms` by channel."""
        session = self.session
        if session is None:
            return NetworkStatus(
                self.name,
                self._state,
                False,
                self._since,
                self._trouble,
                error=self._last_error,
                erred=self._erred,
                next_try=self._next_try,
            )
        return NetworkStatus(
            self.name,
            session.state,
            self.ready,
            session.since,
            session.identity.trouble if self.ready else self._trouble,
            session.rooms.states(),
            lag=session.lag,
            who=_who(session),
            error=self._last_error,
            erred=self._erred,
        )


def _who(session: Session) -> str:
    """Nick and account, as far as services know it; "" before the server has let the bot in."""
    if not session.registered:
        return ""
    account = f"account {session.identity.account}" if session.identity.account else "identified"
    return f"{session.identity.nick} ({account if session.identity.known else 'not identified'})"
