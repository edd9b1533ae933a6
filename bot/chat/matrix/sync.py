"""Our own sync loop: nio's hammers a broken server, loses its place and dies of an error in a callback."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from nio import InviteMemberEvent, RoomMemberEvent

from bot.chat.matrix.answers import Refusal, TokenRefused, ask
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import Timings
from bot.chat.matrix.inbox import Inbox
from bot.chat.matrix.invites import Invites
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.pause import pause
from bot.chat.matrix.rooms import Rooms
from bot.chat.matrix.timeline import TIMELINE, Timeline
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

FILTER = {
    "presence": {"types": []},
    "account_data": {"types": []},
    "room": {
        "timeline": {"limit": TIMELINE},
        "state": {"lazy_load_members": True},
        "ephemeral": {"types": []},
        "account_data": {"types": []},
    },
}


class Listener(Protocol):
    """Who is told how the connection is."""

    def connected(self) -> None: ...

    def broken(self, why: str) -> None: ...


class Sync:
    """Follows the stream of events and hands them on."""

    def __init__(
        self,
        client: Client,
        rooms: Rooms,
        invites: Invites,
        inbox: Inbox,
        kept: Kept,
        timings: Timings,
        listener: Listener,
    ) -> None:
        self._client = client
        self._rooms = rooms
        self._invites = invites
        self._inbox = inbox
        self._timeline = Timeline(client, timings.request)
        self._kept = kept
        self._timings = timings
        self._listener = listener
        self._whole = False  # the rooms' whole state was read once
        self._lost = False  # the last poll failed

    async def run(self) -> None:
        """For ever; raises TokenRefused. `since` moves on when all that came with it was handled."""
        since: str | None = None
        fails = 0
        while True:
            try:
                since = await self._round(since or await self._kept.get("since"))
                fails = 0
            except TokenRefused:
                raise
            except (TemporaryError, Refusal) as error:
                self._lost = True
                fails += 1
                self._listener.broken(str(error))
                asked = getattr(error, "retry_after", None) or 0.0
                wait = pause(fails, self._timings.pause, self._timings.longest_pause)
                await asyncio.sleep(max(wait, asked))

    async def _round(self, since: str | None) -> str:
        answer = await self._poll(since)
        self._see_rooms(answer)
        await self._see_invites(answer)
        self._whole, self._lost = True, False
        self._listener.connected()
        # The first start has no history: what was said before it was not said to this bot.
        spoken = [] if since is None else await self._timeline.spoken(answer, since)
        for room_id, event in spoken:
            await self._inbox.take(room_id, event)
        after: str = answer.next_batch
        if after != since:
            await self._keep_place(after)
        else:  # a server that answers at once with nothing new must not make us spin
            await asyncio.sleep(self._timings.pause.total_seconds())
        return after

    async def _keep_place(self, since: str) -> None:
        """What came was handled, so a store that cannot write now must not bring it again."""
        try:
            await self._kept.put("since", since)
        except TemporaryError as error:
            log.warning("matrix cannot keep its place in the stream error=%s", error)

    async def _poll(self, since: str | None) -> Any:
        """One answer. `since` goes along each time: nio would lose it with a failed first sync."""
        hold, within = self._timings.sync, self._timings.request
        if self._lost:  # a long poll would tell only at its end that the server is back
            hold *= 0
        if not self._whole:
            hold, within = hold * 0, self._timings.first_sync
        request = self._client.sync(
            timeout=max(1, int(hold.total_seconds() * 1000)),  # 0 would take nio's own time limit away
            since=since,
            full_state=None if self._whole else True,
            sync_filter=FILTER,
        )
        return await ask(request, "sync", hold + within)

    def _see_rooms(self, answer: Any) -> None:
        if self._whole:
            self._rooms.joined(answer.rooms.join)
        else:
            self._rooms.only_in(answer.rooms.join)
        for room_id, info in answer.rooms.join.items():
            self._rooms.states.see(room_id, [event.source for event in (*info.state, *info.timeline.events)])
        for room_id, info in answer.rooms.leave.items():
            self._client.rooms.pop(room_id, None)
            self._rooms.left(room_id, _why_left(info.timeline.events, self._client.user_id))

    async def _see_invites(self, answer: Any) -> None:
        for room_id, info in answer.rooms.invite.items():
            self._rooms.invited()
            for event in info.invite_state:
                if self._is_private_invitation(event) and room_id not in self._rooms.configured():
                    await self._invites.add(room_id, event.sender)

    def _is_private_invitation(self, event: Any) -> bool:
        return (
            isinstance(event, InviteMemberEvent)
            and event.state_key == self._client.user_id
            and event.membership == "invite"
            and event.content.get("is_direct") is True
        )


def _why_left(events: list[Any], me: str) -> str:
    for event in reversed(events):
        if isinstance(event, RoomMemberEvent) and event.state_key == me and event.sender != me:
            reason = event.content.get("reason")
            return f"removed by {event.sender}" + (f" ({reason})" if isinstance(reason, str) and reason else "")
    return "left"
