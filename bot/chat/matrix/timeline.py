"""What was said since the last answer: gaps filled, and nothing from before our own joining."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from nio import RoomMemberEvent

from bot.chat.matrix.answers import Refusal, TokenRefused, ask
from bot.chat.matrix.client import Client

log = logging.getLogger(__name__)

TIMELINE = 50  # events per room in one answer
PAGES = 20  # of as many events, to fill a gap


class Timeline:
    """Reads the events of a sync answer, and what the server left out of it."""

    def __init__(self, client: Client, within: timedelta) -> None:
        self._client = client
        self._within = within

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
        """What the server left out between `since` and `start`, oldest first."""
        backwards: list[Any] = []
        for _ in range(PAGES):
            request = self._client.room_messages(room_id, start=start, end=since, limit=TIMELINE)
            try:
                page = await ask(request, f"read back in {room_id}", self._within)
            except TokenRefused:
                raise
            except Refusal as error:
                log.warning("matrix cannot fill a gap room=%s error=%s", room_id, error)
                break
            backwards += page.chunk
            if not page.end or not page.chunk or self._own_join(page.chunk) is not None:
                break
            start = page.end
        else:
            log.warning("matrix gap is too long, its start is lost room=%s events=%d", room_id, len(backwards))
        return backwards[::-1]
