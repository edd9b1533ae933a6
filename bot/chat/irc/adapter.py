"""IRC as a network: one session after the other, for ever."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bot.chat import Hear
from bot.chat.irc.backoff import Backoff, Jitter, unwanted
from bot.chat.irc.config import IrcConfig
from bot.chat.irc.dial import Secrets, read_secrets
from bot.chat.irc.hearing import Ear
from bot.chat.irc.session import CHANNEL_SIGNS, Session
from bot.chat.irc.sts import Sts, Upgrade
from bot.chat.keep import Keep
from bot.errors import PermanentError, TemporaryError
from bot.model import Heard, NetworkStatus, Post, Said, room_address

log = logging.getLogger(__name__)

MOST_AT_ONCE = 50  # lines heard and not yet dealt with; more than that is a flood


def utc_now() -> datetime:
    return datetime.now(UTC)


class IrcChat:
    """One IRC network of the chat contract."""

    def __init__(
        self,
        name: str,
        config: IrcConfig,
        rooms: Sequence[str],
        *,
        clock: Callable[[], datetime] = utc_now,
        jitter: Jitter = random.uniform,
        prefix: str = "!",
        keep: Keep | None = None,
    ) -> None:
        """`rooms`: full names (`NETWORK:#channel`) of the channels to be in; people are written to without it.

        `prefix`: with it a line in a channel is a command. `keep`: for what servers want to be remembered.
        """
        self.name = name
        self._config = config
        self._clock = clock
        self._sts = Sts(name, config.host, keep, clock)
        self._ear = Ear(name, clock, prefix)
        self._channels = {address: room for room in rooms if (address := room_address(room)[1])}
        self._backoff = Backoff(config.timings.reconnect, config.timings.reconnect_floor, jitter)
        self._session: Session | None = None
        self._state, self._since = "stopped", clock()
        self._trouble = ""
        self._hearing: set[asyncio.Task[None]] = set()
        self._flooded = False

    # -- the contract -------------------------------------------------------------------------------------------

    async def run(self, heard: Hear) -> None:
        """See the contract. PermanentError: certificate, server password, nick not allowed, unreadable file."""
        try:
            secrets = await asyncio.to_thread(read_secrets, self.name, self._config)
            await self._sts.load()
            while True:
                again_in = await self._one_session(heard, secrets)
                self._enter("waiting")
                await asyncio.sleep(again_in)
        except PermanentError as error:
            self._trouble = str(error)
            raise
        finally:
            self._session = None
            self._enter("stopped")
            await self._stop_hearing()

    async def say(self, post: Post) -> Said:
        """See the contract. The line is PRIVMSG, or NOTICE for announcements where the config says so."""
        text = post.message.text if post.replaces is None else post.message.changed
        if not text.strip():
            return Said()
        session = self._session
        if session is None:
            raise TemporaryError(f"{post.room}: not said: {self.name} is {self._state}: {self._trouble}".rstrip(": "))
        target = room_address(post.room)[1]
        if post.answers is not None or post.first:
            await session.speech.reply(target, post.room, text)
        else:
            await session.speech.announce(target, post.room, text)
        return Said()

    def status(self) -> NetworkStatus:
        """See the contract. States: stopped, waiting, connecting, registering, identifying, joining, ready."""
        session = self._session
        if session is None:
            rooms = dict.fromkeys(self._channels.values(), "not joined yet")
            return NetworkStatus(self.name, self._state, False, self._since, self._trouble, rooms)
        ready = session.state == "ready"
        trouble = session.identity.trouble if ready else self._trouble
        rooms = {self._channels[channel]: state for channel, state in session.rooms.states().items()}
        return NetworkStatus(self.name, session.state, ready, session.since, trouble, rooms)

    # -- sessions -----------------------------------------------------------------------------------------------

    async def _one_session(self, heard: Hear, secrets: Secrets) -> float:
        """Live one session to its end; the seconds to wait before the next."""
        channels = [channel for channel in self._channels if channel.startswith(CHANNEL_SIGNS)]

        def hear(line: Heard) -> None:
            self._hear(heard, line)

        config = self._sts.applied(self._config)
        session = Session(self.name, config, secrets, channels, self._ear, hear, self._clock, self._sts)
        self._session = session
        try:
            await session.run()
        except Upgrade as error:
            log.info("irc upgrade network=%s why=%r", self.name, str(error))
            return 0.0
        except TemporaryError as error:
            return self._lost(session, str(error))
        finally:
            self._session = None
        raise AssertionError("a session ends with an error or is cancelled")

    def _lost(self, session: Session, why: str) -> float:
        timings = self._config.timings
        now = asyncio.get_running_loop().time()
        if session.ready_at is not None and now - session.ready_at >= timings.stable and not unwanted(why):
            self._backoff.reset()
            again_in = 0.0
        else:
            again_in = self._backoff.wait(timings.banned if unwanted(why) else 0.0)
        # Said once: a server that stays down is not news at each try.
        level = logging.WARNING if session.ready_at is not None or why != self._trouble else logging.DEBUG
        log.log(level, "irc lost network=%s again_in=%.1f why=%r", self.name, again_in, why)
        self._trouble = why
        return again_in

    def _enter(self, state: str) -> None:
        self._state, self._since = state, self._clock()

    # -- hearing ------------------------------------------------------------------------------------------------

    def _hear(self, heard: Hear, line: Heard) -> None:
        """Each line in a task of its own: a slow command holds up nobody, and a defect in it costs only itself."""
        if len(self._hearing) >= MOST_AT_ONCE:
            if not self._flooded:  # said once, else the flood goes on in the log
                log.warning("irc line not dealt with network=%s room=%s why='too many at once'", self.name, line.room)
            self._flooded = True
            return
        self._flooded = False

        async def deal_with() -> None:
            await heard(line)

        task = asyncio.create_task(deal_with())
        self._hearing.add(task)
        task.add_done_callback(self._heard)

    def _heard(self, task: asyncio.Task[None]) -> None:
        self._hearing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("irc line not dealt with network=%s", self.name, exc_info=error)

    async def _stop_hearing(self) -> None:
        tasks = list(self._hearing)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
