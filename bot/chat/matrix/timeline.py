"""What was said since the last answer: gaps filled, and nothing from before our own joining."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from nio import RoomMemberEvent

from bot.chat.matrix.answers import Refusal, ask
from bot.chat.matrix.client import Client
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

TIMELINE = 50  # events per room in one answer
MISSING, PAGES = 1000, 100  # events and answers, at most, to fill a gap
TRIES = 6  # for one page, while the server answers other requests


@dataclass(slots=True)
class _Gap:
    """What an answer left out of one room, as far as it was read: from `start` on, backwards. `fails`: in a row."""

    start: str
    backwards: list[Any] = field(default_factory=list)
    pages: int = 0
    fails: int = 0
    done: bool = False


class Timeline:
    """Reads the events of a sync answer, and what the server left out of it."""

    def __init__(self, client: Client, within: timedelta) -> None:
        self._client = client
        self._within = within
        self._gaps: dict[str, _Gap] = {}  # of the answer in hand, by room

    async def spoken(self, answer: Any, since: str) -> list[tuple[str, Any]]:
        """(room id, event) of all events after `since` and after our own joining, in each room's order.

        Raises TemporaryError and TokenRefused, before anything was handled; asked again with the same answer, it goes
        on where it was.
        """
        found: list[tuple[str, Any]] = []
        for room_id, info in answer.rooms.join.items():
            events = list(info.timeline.events)
            if info.timeline.limited and self._own_join(events) is None:
                gap = self._gaps.setdefault(room_id, _Gap(info.timeline.prev_batch))
                await self._fill(room_id, gap, since)
                events = gap.backwards[::-1] + events
            # A room that was just joined shows some of what was said before.
            start = self._own_join(events)
            found += [(room_id, event) for event in events[0 if start is None else start + 1 :]]
        self._gaps.clear()
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

    async def _fill(self, room_id: str, gap: _Gap, since: str) -> None:
        """Read back to `since`; what a server will not give is given up, so that it holds up no other room."""
        while not gap.done:
            try:
                await self._read_page(room_id, gap, since)
            except Refusal as error:
                log.warning("matrix cannot fill a gap room=%s error=%s", room_id, error)
                gap.done = True
            except TemporaryError as error:
                gap.fails += 1
                if gap.fails < TRIES or not await self._server_answers():
                    raise
                log.warning("matrix gives up a gap room=%s error=%s", room_id, error)
                gap.done = True

    async def _server_answers(self) -> bool:
        try:
            await ask(self._client.whoami(), "check the token", self._within)
        except TemporaryError:
            return False
        return True

    async def _read_page(self, room_id: str, gap: _Gap, since: str) -> None:
        request = self._client.room_messages(room_id, start=gap.start, end=since, limit=TIMELINE)
        page = await ask(request, f"read back in {room_id}", self._within)
        gap.backwards += page.chunk
        gap.pages += 1
        gap.fails = 0
        # A page may be empty with more behind it.
        gap.done = not page.end or page.end == gap.start or self._own_join(page.chunk) is not None
        gap.start = page.end
        if not gap.done and (len(gap.backwards) >= MISSING or gap.pages == PAGES):
            log.warning("matrix gap is too long, its start is lost room=%s events=%d", room_id, len(gap.backwards))
            gap.done = True
