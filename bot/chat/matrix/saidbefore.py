"""Did we say it already? Looked up in the room itself, where the homeserver may have forgotten the transaction id.

Synapse 1.163 drops them after 24 h (`_cleanup_old_transaction_ids` in storage/databases/main/events_worker.py); those
of tokens without a device after half an hour (`CLEANUP_PERIOD` in rest/client/transactions.py); the spec names no time,
and they hold for one device only (https://spec.matrix.org/v1.15/client-server-api/#transaction-identifiers).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from bot.chat.matrix.answers import Refusal
from bot.chat.matrix.client import Client
from bot.chat.matrix.ownevents import own_events
from bot.talk import Post

log = logging.getLogger(__name__)

# Our own key in the content of each message; it outlives the device and the server's memory. One with a namespace is
# allowed, and no client shows it (https://spec.matrix.org/v1.15/appendices/#common-namespaced-identifier-grammar).
MARK = "org.gatewatch.key"
REMEMBERED = timedelta(minutes=20)  # so long any server knows a transaction id
CLOCKS = timedelta(minutes=10)  # the server's and ours may differ by that
PAGES = 20  # of our own events in one room


def doubt_since(post: Post, now: datetime) -> datetime | None:
    """Since when the room may have it. A reply that comes late may have been given by a process that died."""
    heard = post.answers
    if post.doubt_since is None and heard is not None and now - heard.at > REMEMBERED:
        return heard.at
    return post.doubt_since


class SaidBefore:
    """Finds own messages by their key."""

    def __init__(self, client: Client, within: timedelta) -> None:
        self._client = client
        self._within = within

    async def find(self, room_id: str, room: str, key: str, since: datetime) -> str:
        """The id of our event with this key that came at `since` or later, "" if there is none.

        `room`: its name in errors. A room that does not let us read back has none. Raises TemporaryError, TokenRefused.
        """
        oldest, what = (since - CLOCKS).timestamp() * 1000, f"{room}: look for what was said"
        try:
            async for event in own_events(self._client, room_id, what, oldest, self._within, PAGES):
                if self._is_it(event, key):
                    return str(event.event_id)
        except Refusal as error:
            log.warning("matrix cannot look for what was said room=%s error=%s", room, error)
        return ""

    def _is_it(self, event: Any, key: str) -> bool:
        """By the key in its content, or as one that this device sent: what was redacted has no content any more."""
        content, unsigned = (event.source.get(part) for part in ("content", "unsigned"))
        marked = isinstance(content, dict) and content.get(MARK) == key
        sent = isinstance(unsigned, dict) and unsigned.get("transaction_id") == key
        return event.sender == self._client.user_id and (marked or sent)
