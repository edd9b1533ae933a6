"""The Matrix network: the chat contract on top of session, rooms, sync and sending."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bot.chat import Hear
from bot.chat.keep import Keep
from bot.chat.matrix.answers import TokenRefused
from bot.chat.matrix.client import Client, new_client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.cryptofolder import CryptoFolder
from bot.chat.matrix.inbox import Inbox
from bot.chat.matrix.invites import Invites
from bot.chat.matrix.joining import Joining
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.pace import Pace
from bot.chat.matrix.roomkeys import RoomKeys
from bot.chat.matrix.rooms import Rooms
from bot.chat.matrix.sending import Sending
from bot.chat.matrix.session import DeviceLost, Session
from bot.chat.matrix.slowed import Slowed
from bot.chat.matrix.sync import Sync
from bot.chat.matrix.untilwell import until_well
from bot.clock import utc_now
from bot.errors import PermanentError, TemporaryError
from bot.talk import NetworkStatus, Post, Said

if TYPE_CHECKING:
    from bot.chat.matrix.encryption import Encryption

log = logging.getLogger(__name__)

T = TypeVar("T")

NOTICES = 20  # the latest


class MatrixChat:
    """One account on one homeserver; see bot.chat.Chat.

    `rooms`: full names, `opendev:#nova:example.org` or `opendev:!id:example.org`. `keep`: what outlives the process.
    `crypto`: the folder for the keys of encryption, where that is on.
    `heard` may take long: it holds up only what the same person says in the same room. The place in the stream is kept
    after it, so what it was at in a crash is heard again.
    """

    def __init__(
        self,
        name: str,
        config: MatrixConfig,
        rooms: Sequence[str],
        keep: Keep,
        *,
        clock: Callable[[], datetime] = utc_now,
        prefix: str = "!",
        crypto: Path | None = None,
    ) -> None:
        self.name = name
        self._config = config
        self._clock = clock
        self._prefix = prefix
        self._kept = Kept(keep, name, config.user)
        self._rooms = Rooms(name, rooms, self._kept, config.timings, config.user, encrypts=config.encryption)
        self._invites = Invites(self._kept, self._rooms, config)
        self._pace = Pace(name)
        self._crypto = CryptoFolder(crypto) if config.encryption and crypto is not None else None
        self._encryption: Encryption | None = None
        self._sending: Sending | None = None
        self._state = "stopped"
        self._since: datetime | None = None
        self._trouble = self._error = ""
        self._notices: deque[str] = deque(maxlen=NOTICES)
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
        except Exception as error:  # the guard of networks logs it, and begins anew
            self._become("broken", f"{self.name}: internal error, the log has the traceback: {type(error).__name__}")
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
            fingerprint="" if self._encryption is None else self._encryption.fingerprint,
            encryption="" if self._encryption is None else self._encryption.state,
            notices=tuple(self._notices),
        )

    # -- how the connection is, told by the sync ------------------------------------------------------------

    def connected(self) -> None:
        self._synced = self._clock()
        self._rooms.in_touch.set()
        self._become("connected")

    def broken(self, why: str) -> None:
        self._rooms.in_touch.clear()
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
        client = await self._new_client()
        client.open()
        session = Session(client, self._config, self._kept)
        keys = RoomKeys(client, self._config.timings.request, everyone=self._config.ignore_unverified_devices)
        sending = Sending(client, self._rooms, keys, self._config, self._pace, self._clock)
        inbox = Inbox(self.name, client, self._rooms, heard, self._config, self._prefix, self._clock, self.say)
        try:
            while True:
                await self._enter(session)
                self._device = client.device_id
                self._sending = sending
                lost = await self._work(client, inbox)
                if lost is None:
                    await self._until_well(session.refused)
                else:
                    await self._become_new(session, lost)
        finally:
            self._sending = None
            sending.close()
            client.close_store()
            await client.close()

    async def _new_client(self) -> Client:
        if self._crypto is None:
            return new_client(self._config, self._slowed)
        key = await asyncio.to_thread(self._crypto.open)
        client = new_client(self._config, self._slowed, (self._crypto.path, key))
        from bot.chat.matrix.encryption import Encryption  # it needs the libraries of the extra e2e

        self._encryption = Encryption(client, self._config, self._kept, self._crypto)
        return client

    async def _enter(self, session: Session) -> None:
        """Log in; what passes by itself is tried again."""
        self._become("connecting")
        while True:
            try:
                return await self._until_well(lambda: self._open(session))
            except DeviceLost as lost:
                await self._become_new(session, lost)
            except TokenRefused:
                await self._until_well(session.refused)

    async def _until_well(self, step: Callable[[], Awaitable[T]]) -> T:
        return await until_well(step, self._config.timings, self.broken)

    async def _open(self, session: Session) -> None:
        await session.open()
        if self._encryption is not None:
            await self._encryption.open()
            self._notice(self._encryption.trouble)
        await self._rooms.remember()
        await self._invites.remember()

    async def _become_new(self, session: Session, lost: DeviceLost) -> None:
        device = await self._until_well(lambda: session.new_device(lost))
        sentence = f"{lost}: the bot is the new device {device} now, and cannot read what was said to the old one"
        self._notice(sentence)

    def _notice(self, sentence: str) -> None:
        """What operators have to know once; "" is nothing."""
        if sentence and sentence not in self._notices:
            log.warning("matrix notice network=%s what=%s", self.name, sentence)
            self._notices.append(sentence)

    async def _work(self, client: Client, inbox: Inbox) -> DeviceLost | None:
        """Hear, and join rooms, until the token is refused or the device's keys are lost (and then say so).

        Raises PermanentError.
        """
        timings = self._config.timings
        hooks = [self._encryption.keep_up] if self._encryption is not None else []
        sync = Sync(client, self._rooms, self._invites, inbox, self._kept, timings, self, hooks)
        lost: list[Exception] = []
        broken: list[Exception] = []
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(sync.run())
                group.create_task(Joining(client, self._rooms, self._invites, self._config).run())
                group.create_task(self._invites.tend(client))
        except* TokenRefused as refused:
            log.warning("matrix token refused network=%s error=%s", self.name, refused.exceptions[0])
        except* DeviceLost as found:
            lost += found.exceptions
        except* PermanentError as found:
            broken += found.exceptions
        if broken:
            raise broken[0]
        return next((error for error in lost if isinstance(error, DeviceLost)), None)
