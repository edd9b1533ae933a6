"""Telling the operators once that a network, one of its connections or a room has not worked for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from bot.chat import Chat
from bot.talk import JOINED, NOT_NEEDED, NOT_YET, WHEN_NEEDED, NetworkStatus
from bot.troubles import Troubles


class Minder:
    """`patience`: how long something may be away before it is a trouble."""

    def __init__(
        self, chats: Mapping[str, Chat], troubles: Troubles, patience: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self._chats, self._troubles, self._patience, self._clock = chats, troubles, patience, clock
        self._away: dict[str, datetime] = {}
        self._reasons: dict[str, tuple[str, datetime]] = {}  # what is wrong with a room now, and since when
        self._noticed: set[str] = set()

    def look(self) -> None:
        """How everything is now; and what else its operators need to know of a network, once."""
        for name, chat in self._chats.items():
            status = chat.status()
            for notice in status.notices:
                if notice not in self._noticed:
                    self._noticed.add(notice)
                    self._troubles.once(f"network {name}", notice)
            self._mind(status)

    def _mind(self, status: NetworkStatus) -> None:
        """Of a network that is away nothing more is said; else each connection, account and room of it is a part."""
        for one in (status, *status.connections) if status.ready else (status,):
            well = one.ready or one.state == NOT_NEEDED
            self._part(f"network {one.name}", "" if well else one.trouble or f"it is {one.state}")
        for one in (status.connections or (status,)) if status.ready else ():
            self._part(f"account {one.name}", one.trouble if one.ready else "")
        for room, how in status.rooms.items() if status.ready else ():
            self._room(f"room {room}", "" if how in (JOINED, WHEN_NEEDED, NOT_YET) else how)

    def _room(self, part: str, trouble: str) -> None:
        """What is to be done for a room may change while it is shut; said when it has stayed so for a while."""
        now = self._clock()
        if self._reasons.get(part, ("", now))[0] != trouble:
            self._reasons[part] = trouble, now
        self._part(part, trouble)
        if trouble and now - self._reasons[part][1] > self._patience:
            self._troubles.changed(part, trouble)

    def _part(self, part: str, trouble: str) -> None:
        now = self._clock()
        if not trouble:
            self._away.pop(part, None)
            self._troubles.end(part)
        elif now - self._away.setdefault(part, now) > self._patience:
            self._troubles.begin(part, trouble, since=self._away[part])
