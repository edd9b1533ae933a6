"""Our own sync loop: nio's hammers a broken server, loses its place and dies of an error in a callback."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from nio import InviteMemberEvent, RoomMemberEvent

from bot.chat.matrix.answers import Refusal, ask
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import Timings
from bot.chat.matrix.inbox import Inbox
from bot.chat.matrix.invites import Invitation, Invites
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.progress import Progress
from bot.chat.matrix.rooms import Rooms
from bot.chat.matrix.timeline import TIMELINE, Timeline
from bot.chat.matrix.untilwell import until_well

log = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE = 4  # polls in the time of a pause, where there is always something new

OWN_SINCE_TRIES = 6

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
    """Follows the stream of events and hands them on.

    `synced`: each is awaited with every answer of the server, before its events are handed on (encryption takes its
    keys from there). What fails in it is its own to log and to try again with the next answer; it raises TokenRefused
    and DeviceLost only.
    """

    def __init__(
        self,
        client: Client,
        rooms: Rooms,
        invites: Invites,
        inbox: Inbox,
        kept: Kept,
        timings: Timings,
        listener: Listener,
        synced: Sequence[Callable[[Any], Awaitable[None]]] = (),
    ) -> None:
        self._client = client
        self._rooms = rooms
        self._invites = invites
        self._timeline = Timeline(client, timings.request)
        self._progress = Progress(inbox.take, kept)
        self._kept = kept
        self._timings = timings
        self._listener = listener
        self._synced = synced
        self._since: str | None = None  # where we are in the stream
        self._whole = False  # the rooms' whole state was read once
        self._lost = False  # the last request failed
        self._unknown = 0  # so often in a row the server did not know it

    async def run(self) -> None:
        """For ever; raises TokenRefused and DeviceLost."""
        try:
            self._since = await self._until_well(lambda: self._kept.get("since"))
            while True:
                await self._round()
        finally:
            await self._progress.close()

    async def _until_well(self, step: Callable[[], Awaitable[T]]) -> T:
        """Steps are tried one by one: nio takes an answer only once, so one that came is not asked for again."""
        return await until_well(step, self._timings, self._broken)

    def _broken(self, why: str) -> None:
        self._lost = True
        self._listener.broken(why)

    async def _round(self) -> None:
        """One answer of the server."""
        asked_at = time.monotonic()
        answer = await self._until_well(self._poll)
        for synced in self._synced:
            await synced(answer)
        self._see_rooms(answer)
        await self._until_well(lambda: self._keep_invitations(answer))
        self._whole, self._lost = True, False
        self._listener.connected()
        # The first start has no history: what was said before it was not said to this bot.
        spoken = [] if self._since is None else await self._spoken(answer, self._since)
        after: str = answer.next_batch
        news = after != self._since
        if news:
            await self._progress.go_on(spoken, after)
        self._since = after
        await self._breathe(asked_at, news)

    async def _breathe(self, asked_at: float, news: bool) -> None:
        """A server that answers at once, and with nothing new at that, must not make us spin."""
        between = self._timings.pause.total_seconds()
        least = between / AT_ONCE if news else between
        await asyncio.sleep(max(0.0, asked_at + least - time.monotonic()))

    async def _spoken(self, answer: Any, since: str) -> list[tuple[str, Any]]:
        found = await self._until_well(lambda: self._timeline.spoken(answer, since))
        self._listener.connected()  # again, where a gap was hard to fill
        return found

    async def _keep_invitations(self, answer: Any) -> None:
        for room_id in answer.rooms.leave:
            await self._invites.left(room_id)
        await self._see_invites(answer)

    async def _poll(self) -> Any:
        """One answer. A `since` that the server does not know (it is another one now) is given up.

        One that it gave us itself, in this life, is given up only when it was refused again and again.
        """
        try:
            answer = await self._ask(self._since)
        except Refusal as error:
            if self._since is None or error.code not in ("M_UNKNOWN", "M_INVALID_PARAM"):
                raise
            self._unknown += 1
            if self._whole and self._unknown < OWN_SINCE_TRIES:
                raise
            self._whole = False  # another server has other rooms
            self._client.next_batch = ""  # else nio would ask from there
            answer = await self._ask(None)  # if this goes, it is `since` that is refused
            log.warning(
                "matrix server does not know the place in the stream, what was said meanwhile is lost: %s", error
            )
            self._since = None
        self._unknown = 0
        return answer

    async def _ask(self, since: str | None) -> Any:
        """`since` goes along each time: nio would lose it with a failed first sync."""
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
            self._rooms.see(room_id, [event.source for event in (*info.state, *info.timeline.events)])
        for room_id, info in answer.rooms.leave.items():
            self._client.rooms.pop(room_id, None)
            self._rooms.left(room_id, *_why_left(info.timeline.events, self._client.user_id))

    async def _see_invites(self, answer: Any) -> None:
        for room_id, info in answer.rooms.invite.items():
            self._rooms.invited(room_id)
            for event in info.invite_state:
                if self._is_invitation(event):
                    direct = event.content.get("is_direct") is True
                    await self._invites.add(Invitation(room_id, event.sender, direct))

    def _is_invitation(self, event: Any) -> bool:
        return (
            isinstance(event, InviteMemberEvent)
            and event.state_key == self._client.user_id
            and event.membership == "invite"
        )


def _why_left(events: list[Any], me: str) -> tuple[str, bool]:
    """A sentence, and is it a ban?"""
    for event in reversed(events):
        if isinstance(event, RoomMemberEvent) and event.state_key == me and event.sender != me:
            reason, banned = event.content.get("reason"), event.membership == "ban"
            by = f"{'banned' if banned else 'removed'} by {event.sender}"
            return by + (f" ({reason})" if isinstance(reason, str) and reason else ""), banned
    return "another client of this account left it: does a second bot use the account?", False
