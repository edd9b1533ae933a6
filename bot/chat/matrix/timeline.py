"""What was said since the last answer: gaps filled, and nothing from before our own joining."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta
from typing import Any

from nio import RoomMemberEvent

from bot.chat.matrix.answers import Refusal, TokenRefused, ask
from bot.chat.matrix.client import Client
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

TIMELINE = 50  # events per room in one answer
PAGES = 20  # of as many events, to fill a gap
TRIES = 5  # to fill one, while the server answers other requests


class Timeline:
    """Reads the events of a sync answer, and what the server left out of it."""

    def __init__(self, client: Client, within: timedelta) -> None:
        self._client = client
        self._within = within
        self._fails: Counter[str] = Counter()  # by room, in a row

    async def spoken(self, answer: Any, since: str) -> list[tuple[str, Any]]:
        """(room id, event) of all events after `since` and after our own joining, in each room's order.

        Raises TemporaryError and TokenRefused, before anything was handled.
        """
        found: list[tuple[str, Any]] = []
        for room_id, info in answer.rooms.join.items():
            events = list(info.timeline.events)
            if info.timeline.limited and self._own_join(events) is None:
                events = await self._missing(room_id, info.timeline.prev_batch, since) + events
            # A room that was just joined shows some of what was said before.
            start = self._own_join(events)
            found += [(room_id, event) for event in events[0 if start is None else start + 1 :]]
        return found

    def _own_join(self, events: list[Any]) -> int | None:
        """Where in the events the bot last joined, None if it did not."""
        for at in range(len(events) - 1, -1, -1):
            if self._is_own_join(events[at]):
                return at
        return None

    def _is_own_join(self, event: Any) -> bool:
        return (
            isinstance(event, RoomMemberEvent)
            and event.state_key == self._client.user_id
            and event.membership == "join"
            and event.prev_membership != "join"  # a changed display name is a join too
        )

    async def _missing(self, room_id: str, start: str, since: str) -> list[Any]:
        """What the server left out between `since` and `start`, oldest first; nothing of a room that it cannot read."""
        try:
            found = await self._read_back(room_id, start, since)
        except TokenRefused:
            raise
        except Refusal as error:
            log.warning("matrix cannot fill a gap room=%s error=%s", room_id, error)
            found = []
        except TemporaryError as error:
            self._fails[room_id] += 1
            if self._fails[room_id] < TRIES or not await self._server_answers():
                raise
            # One room that a server cannot read must not hold up all the others.
            log.warning("matrix gives up a gap room=%s error=%s", room_id, error)
            found = []
        del self._fails[room_id]
        return found

    async def _server_answers(self) -> bool:
        try:
            await ask(self._client.whoami(), "check the token", self._within)
        except TemporaryError:
            return False
        return True

    async def _read_back(self, room_id: str, start: str, since: str) -> list[Any]:
        backwards: list[Any] = []
        for _ in range(PAGES):
            request = self._client.room_messages(room_id, start=start, end=since, limit=TIMELINE)
            page = await ask(request, f"read back in {room_id}", self._within)
            backwards += page.chunk
            if not page.end or not page.chunk or self._own_join(page.chunk) is not None:
                break
            start = page.end
        else:
            log.warning("matrix gap is too long, its start is lost room=%s events=%d", room_id, len(backwards))
        return backwards[::-1]
