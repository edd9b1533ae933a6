"""Strict transport security (https://ircv3.net/specs/extensions/sts): a server that asks for TLS gets nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bot.chat.irc.config import IrcConfig
from bot.chat.irc.together import either
from bot.chat.keep import Keep
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

REFRESHED_EVERY = 3600.0  # seconds
LONGEST = timedelta(days=3650)


class Upgrade(TemporaryError):
    """The server wants TLS: this connection is over, the next one is to be tried at once."""


class Sts:
    """The policy of one network's host."""

    def __init__(self, network: str, host: str, keep: Keep | None, clock: Callable[[], datetime]) -> None:
        """`keep`: None where it lasts no longer than the process. `clock`: the time now, in UTC."""
        self._network, self._keep, self._clock = network, keep, clock
        self._name = f"irc.{network}.{host}.sts"
        self._port = 0  # 0: no policy
        self._duration = timedelta()
        self._until: datetime | None = None  # None: for the life of the process
        self._told = False  # by a server of this process's connections
        self._news = asyncio.Event()

    async def load(self) -> None:
        """Take up what an earlier process was told. Raises TemporaryError."""
        value = None if self._keep is None else await self._keep.get(self._name)
        if value:
            kept = json.loads(value)
            self._port, self._until = int(kept["port"]), datetime.fromtimestamp(kept["until"], UTC)

    def applied(self, config: IrcConfig) -> IrcConfig:
        """The network's section as it is to be used now: with TLS where the policy says so."""
        if config.tls or not self._port or (self._until is not None and self._until <= self._clock()):
            return config
        return config.model_copy(update={"tls": True, "port": self._port})

    def on_offered(self, value: str | None, config: IrcConfig) -> None:
        """What the server says of it, on a connection made by `config`. Raises Upgrade, on one in the open."""
        tokens = dict(token.partition("=")[::2] for token in (value or "").split(","))
        port, duration = tokens.get("port", ""), tokens.get("duration", "")
        if not config.tls and port.isdecimal() and 0 < int(port) <= 65535:
            self._port, self._until = int(port), None
            raise Upgrade(f"{self._network}: the server wants TLS, on port {port}")
        if config.tls and duration.isdecimal():
            self._duration = min(LONGEST, timedelta(seconds=min(int(duration), LONGEST.total_seconds())))
            self._port = config.port if self._duration else 0
            self._told = True
            self._news.set()

    def _refresh(self) -> None:
        self._until = self._clock() + self._duration

    async def keep_saved(self) -> None:
        """While connected, for ever: keep what the server has said; it runs out a whole duration after that."""
        try:
            while True:
                await either(self._news, within=REFRESHED_EVERY)
                self._news.clear()
                if self._told:
                    self._refresh()
                    await self._save()
        finally:
            if self._told:
                self._refresh()

    async def _save(self) -> None:
        if self._keep is None or self._until is None:
            return
        kept = json.dumps({"port": self._port, "until": int(self._until.timestamp())}) if self._port else ""
        try:
            await self._keep.put(self._name, kept)
        except TemporaryError as error:
            log.warning("irc policy not kept network=%s why=%r", self._network, str(error))
