"""The Matrix network: the chat contract on top of session, rooms, sync and sending."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bot.chat import Hear
from bot.chat.keep import Keep
from bot.chat.matrix.answers import TokenRefused
from bot.chat.matrix.client import Client, new_client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.inbox import Inbox
from bot.chat.matrix.invites import Invites
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.pace import Pace
from bot.chat.matrix.pause import pause
from bot.chat.matrix.rooms import Rooms
from bot.chat.matrix.sending import Sending
from bot.chat.matrix.session import Session
from bot.chat.matrix.slowed import Slowed
from bot.chat.matrix.sync import Sync
from bot.errors import PermanentError, TemporaryError
from bot.model import NetworkStatus, Post, Said

log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MatrixChat:
    """One account on one homeserver; see bot.chat.Chat.

    `rooms`: full names, `opendev:#nova:example.org` or `opendev:!id:example.org`. `keep`: what outlives the process.
    `heard` is awaited event by event, and the place in the stream is kept after it: a caller that takes long should
    note the line and work on it elsewhere.
    """

    def __init__(
        self,
        name: str,
        config: MatrixConfig,
        rooms: Sequence[str],
        keep: Keep,
        *,
        clock: Callable[[], datetime] = _utc_now,
        prefix: str = "!",
    ) -> None:
        self.name = name
        self._config = config
        self._clock = clock
        self._prefix = prefix
        self._kept = Kept(keep, name, config.user)
        self._rooms = Rooms(name, rooms, self._kept, config.timings)
        self._invites = Invites(self._kept, self._rooms, config.timings)
        self._pace = Pace(name)
        self._sending: Sending | None = None
        self._state = "stopped"
        self._since: datetime | None = None
        self._trouble = self._error = ""
        self._erred: datetime | None = None
        self._synced: datetime | None = None
        self._slowed = Slowed()
        self._saying = 0
        self._device = ""

    # -- the contract ---------------------------------------------------------------------------------------

    async def run(self, heard: Hear) -> None:
        try:
            await self._live(heard)
        except PermanentError as error:
            self._become("refused", str(error))
            raise
        except asyncio.CancelledError:
            self._become("stopped")
            raise

    async def say(self, post: Post) -> Said:
        if self._sending is None:
            raise TemporaryError(f"{post.room}: {self.name} is not connected")
        self._saying += 1
        try:
            return await self._sending.say(post)
        finally:
            self._saying -= 1

    def status(self) -> NetworkStatus:
        return NetworkStatus(
            name=self.name,
            state=self._state,
            ready=self._state == "connected" and self._rooms.settled,
            since=self._since,
            trouble=self._trouble,
            rooms=self._rooms.status(),
            who=self._config.user,
            error=self._error,
            erred=self._erred,
            pace=self._pace.between,
            synced=self._synced,
            saying=self._saying,
            slowed=self._slowed.count(),
            device=self._device,
        )

    # -- how the connection is, told by the sync ------------------------------------------------------------

    def connected(self) -> None:
        self._synced = self._clock()
        self._become("connected")

    def broken(self, why: str) -> None:
        self._become("broken", f"{self.name}: {why}")

    def _become(self, state: str, trouble: str = "") -> None:
        self._trouble = trouble
        if trouble:
            self._error, self._erred = trouble, self._clock()
        if state == self._state:
            return
        self._state, self._since = state, self._clock()
        if trouble:
            log.warning("matrix %s network=%s error=%s", state, self.name, trouble)
        else:
            log.info("matrix %s network=%s", state, self.name)

    # -- the life of one client -----------------------------------------------------------------------------

    async def _live(self, heard: Hear) -> None:
        client = new_client(self._config, self._slowed)
        client.open()
        session = Session(client, self._config, self._kept)
        sending = Sending(client, self._rooms, self._config.timings, self._pace, self._clock)
        try:
            while True:
                await self._enter(session)
                self._device = client.device_id
                self._sending = sending
                await self._work(client, heard)
                await session.refused()
        finally:
            self._sending = None
            sending.close()
            await client.close()

    async def _enter(self, session: Session) -> None:
        """Log in; what passes by itself is tried again, as late as the server asks."""
        self._become("connecting")
        fails = 0
        while True:
            try:
                await session.open()
                await self._rooms.remember()
                return await self._invites.remember()
            except TemporaryError as error:
                fails += 1
                self.broken(str(error))
                wait = pause(fails, self._config.timings.pause, self._config.timings.longest_pause)
                await asyncio.sleep(max(wait, error.retry_after or 0.0))

    async def _work(self, client: Client, heard: Hear) -> None:
        """Hear, and join rooms, until the token is refused."""
        timings = self._config.timings
        inbox = Inbox(self.name, client, self._rooms, heard, self._config, self._prefix, self._clock)
        sync = Sync(client, self._rooms, self._invites, inbox, self._kept, timings, self)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(sync.run())
                group.create_task(self._rooms.tend(client))
                group.create_task(self._invites.tend(client))
        except* TokenRefused as refused:
            log.warning("matrix token refused network=%s error=%s", self.name, refused.exceptions[0])
