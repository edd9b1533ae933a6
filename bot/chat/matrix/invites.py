"""Invitations to rooms that nobody configured: kept until answered, accepted from whom the config file names."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict, dataclass

from bot.chat.matrix.answers import Limited, Refusal, ask
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.direct import note_direct
from bot.chat.matrix.globs import matches_any
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.rooms import Rooms
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

MOST_PENDING = 200


@dataclass(frozen=True, slots=True)
class Invitation:
    """`inviter` asks us into the room; `direct`: to talk in private."""

    room_id: str
    inviter: str
    direct: bool


class Invites:
    """Those that wait for an answer, and the rooms that we are in by one; the server tells of each only once."""

    def __init__(self, kept: Kept, rooms: Rooms, config: MatrixConfig) -> None:
        self._kept = kept
        self._rooms = rooms
        self._config = config
        self._pending: dict[str, Invitation] = {}
        self._accepted: set[str] = set()
        self._wake = asyncio.Event()

    @property
    def accepted(self) -> set[str]:
        """The ids of rooms that we are in, or about to be, because somebody invited us."""
        return self._accepted

    async def remember(self) -> None:
        """Take up what an earlier process kept."""
        pending = json.loads(await self._kept.get("invitations") or "[]")
        self._pending = {one["room_id"]: Invitation(**one) for one in pending}
        self._accepted = set(json.loads(await self._kept.get("accepted") or "[]"))

    async def add(self, invitation: Invitation) -> None:
        """Keep it, before `since` moves past it. Raises TemporaryError."""
        self._pending[invitation.room_id] = invitation
        while len(self._pending) > MOST_PENDING:
            oldest = self._pending.pop(next(iter(self._pending)))
            log.warning("matrix forgets an invitation room=%s from=%s", oldest.room_id, oldest.inviter)
        await self._save()
        self._wake.set()

    async def left(self, room_id: str) -> None:
        """We are not in that room, and not invited any more. Raises TemporaryError."""
        if room_id in self._pending or room_id in self._accepted:
            self._pending.pop(room_id, None)
            self._accepted.discard(room_id)
            await self._save()

    async def tend(self, client: Client) -> None:
        """Answer what is pending, for ever, once the rooms are joined. Raises TokenRefused."""
        await self._rooms.wait_settled()
        while True:
            self._wake.clear()
            await asyncio.sleep(await self._round(client))
            try:
                async with asyncio.timeout(self._config.timings.join_pause.total_seconds() if self._pending else None):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _round(self, client: Client) -> float:
        """Try each; for how many seconds the server wants no more of that."""
        for invitation in list(self._pending.values()):
            await self._rooms.in_touch.wait()
            try:
                await self._try(client, invitation)
            except TemporaryError as error:
                log.warning("matrix answers an invitation later room=%s error=%s", invitation.room_id, error)
                if isinstance(error, Limited):
                    return error.retry_after or self._config.timings.join_pause.total_seconds()
        return 0.0

    async def _try(self, client: Client, invitation: Invitation) -> None:
        wanted = self._rooms.wanted(invitation.room_id)
        if wanted and not self._rooms.is_joined(invitation.room_id):
            return  # a configured room is joined by its name; this one is kept until that was done
        if not self._rooms.all_known and not invitation.direct and not self._is_by_name(invitation):
            return  # it may be a configured room, of which only the alias is known
        if not wanted:
            await self._answer(client, invitation)
        self._pending.pop(invitation.room_id, None)
        await self._save()

    async def _answer(self, client: Client, invitation: Invitation) -> None:
        room_id, within = invitation.room_id, self._config.timings.request
        welcome = await self._welcome(client, invitation)
        if welcome:
            self._accepted.add(room_id)  # before we are in: an unknown room would be left at once
            await self._save()
        request = client.join(room_id) if welcome else client.room_leave(room_id)
        try:
            await ask(request, f"{'join' if welcome else 'refuse'} {room_id}", within)
        except Refusal as error:  # taken back meanwhile
            self._accepted.discard(room_id)
            log.warning("matrix cannot answer an invitation room=%s error=%s", room_id, error)
            return
        if welcome:
            self._rooms.joined([room_id])
            if invitation.direct:
                await self._note_direct(client, invitation)
        verb = "accepted" if welcome else "refused"
        log.info("matrix %s an invitation room=%s from=%s", verb, room_id, invitation.inviter)

    async def _note_direct(self, client: Client, invitation: Invitation) -> None:
        try:
            await note_direct(client, invitation.room_id, invitation.inviter, self._config.timings.request)
        except (Refusal, TemporaryError) as error:  # only other clients of this account would show it
            log.warning("matrix cannot note a private talk room=%s error=%s", invitation.room_id, error)

    async def _welcome(self, client: Client, invitation: Invitation) -> bool:
        if self._is_by_name(invitation) or await self._listed(client, invitation.room_id):
            return True
        return self._config.invites.members and invitation.direct and await self._knows(client, invitation.inviter)

    def _is_by_name(self, invitation: Invitation) -> bool:
        """Does the list name who invites, or their server?"""
        allowed, inviter = self._config.invites, invitation.inviter
        return matches_any(inviter, allowed.people) or matches_any(inviter.partition(":")[2], allowed.servers)

    async def _listed(self, client: Client, room_id: str) -> bool:
        """Is it one of the rooms of the list? Aliases are looked up now: they may lead elsewhere by tomorrow."""
        for room in self._config.invites.rooms:
            if room == room_id:
                return True
            if not room.startswith("#"):
                continue
            try:
                request = client.room_resolve_alias(room)
                if (await ask(request, f"look up {room}", self._config.timings.request)).room_id == room_id:
                    return True
            except Refusal:
                continue
        return False

    async def _knows(self, client: Client, person: str) -> bool:
        """Do they share a configured room with the bot?"""
        for room_id in self._rooms.configured():
            if await self._is_member(client, room_id, person):
                return True
        return False

    async def _is_member(self, client: Client, room_id: str, person: str) -> bool:
        request = client.room_get_state_event(room_id, "m.room.member", person)
        try:
            answer = await ask(request, f"look for {person}", self._config.timings.request)
        except Refusal:
            return False
        return bool(answer.content.get("membership") == "join")

    async def _save(self) -> None:
        await self._kept.put("invitations", json.dumps([asdict(one) for one in self._pending.values()]))
        await self._kept.put("accepted", json.dumps(sorted(self._accepted)))
