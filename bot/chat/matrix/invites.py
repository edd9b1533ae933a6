"""Invitations to private talks: kept until answered, accepted from people whom the bot knows."""

from __future__ import annotations

import asyncio
import json
import logging

from bot.chat.matrix.answers import Refusal, TokenRefused, ask
from bot.chat.matrix.client import Client
from bot.chat.matrix.config import Timings
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.rooms import Rooms
from bot.errors import TemporaryError

log = logging.getLogger(__name__)


class Invites:
    """Who invited the bot to a private talk, by room id; the server tells of each only once."""

    def __init__(self, kept: Kept, rooms: Rooms, timings: Timings) -> None:
        self._kept = kept
        self._rooms = rooms
        self._timings = timings
        self._pending: dict[str, str] = {}
        self._wake = asyncio.Event()

    async def remember(self) -> None:
        """Take up those that an earlier process did not answer."""
        self._pending = dict(json.loads(await self._kept.get("invites") or "{}"))

    async def add(self, room_id: str, inviter: str) -> None:
        """Keep it, before the place in the stream moves past it. Raises TemporaryError."""
        self._pending[room_id] = inviter
        await self._save()
        self._wake.set()

    async def tend(self, client: Client) -> None:
        """Answer what is pending, for ever, once the rooms are joined. Raises TokenRefused."""
        await self._rooms.wait_settled()
        while True:
            self._wake.clear()
            for room_id, inviter in list(self._pending.items()):
                await self._try(client, room_id, inviter)
            try:
                async with asyncio.timeout(self._timings.join_pause.total_seconds() if self._pending else None):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _try(self, client: Client, room_id: str, inviter: str) -> None:
        try:
            await self._answer(client, room_id, inviter)
            del self._pending[room_id]
            await self._save()
        except TemporaryError as error:
            log.warning("matrix answers an invitation later room=%s error=%s", room_id, error)

    async def _answer(self, client: Client, room_id: str, inviter: str) -> None:
        if not await self._knows(client, inviter):
            log.info("matrix ignores an invitation room=%s from=%s", room_id, inviter)
            return
        try:
            await ask(client.join(room_id), f"join {room_id}", self._timings.request)
        except TokenRefused:
            raise
        except Refusal as error:
            log.warning("matrix cannot join a private talk room=%s error=%s", room_id, error)
            return
        self._rooms.joined([room_id])
        log.info("matrix joined a private talk room=%s with=%s", room_id, inviter)

    async def _knows(self, client: Client, person: str) -> bool:
        """Only who shares a configured room with the bot may talk to it in private."""
        for room_id in self._rooms.configured():
            if await self._is_member(client, room_id, person):
                return True
        return False

    async def _is_member(self, client: Client, room_id: str, person: str) -> bool:
        request = client.room_get_state_event(room_id, "m.room.member", person)
        try:
            answer = await ask(request, f"look for {person}", self._timings.request)
        except TokenRefused:
            raise
        except Refusal:
            return False
        return bool(answer.content.get("membership") == "join")

    async def _save(self) -> None:
        await self._kept.put("invites", json.dumps(self._pending))
