"""Reading back what the bot said in a room."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from bot.chat.matrix.answers import ask
from bot.chat.matrix.client import Client

log = logging.getLogger(__name__)

PAGE = 100


async def own_events(
    client: Client, room_id: str, what: str, oldest: float, within: timedelta, pages: int
) -> AsyncIterator[Any]:
    """The bot's own messages, the newest first: at least all since `oldest` (milliseconds since 1970).

    `what` is for errors. No more than `pages` pages are read. Raises Refusal, TokenRefused and TemporaryError.
    """
    own = {"senders": [client.user_id], "types": ["m.room.message", "m.room.encrypted"]}
    start = None
    for _ in range(pages):
        request = client.room_messages(room_id, start=start, limit=PAGE, message_filter=own)
        page = await ask(request, what, within)
        for event in page.chunk:
            yield event
        start = page.end
        if not start or any(event.server_timestamp < oldest for event in page.chunk):
            return
    log.warning("matrix has said too much since to look through room=%s", room_id)
