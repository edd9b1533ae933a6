"""The account's own list of private talks, by which every client that is logged in as the bot knows them."""

from __future__ import annotations

from datetime import timedelta

from bot.chat.matrix.answers import Refusal, ask, look
from bot.chat.matrix.client import Client
from bot.chat.matrix.mapping import mapping


async def note_direct(client: Client, room_id: str, person: str, within: timedelta) -> None:
    """The room is a private talk with this person. Raises TokenRefused, Refusal and TemporaryError.

    https://spec.matrix.org/v1.15/client-server-api/#mdirect
    """
    path = ["user", client.user_id, "account_data", "m.direct"]
    try:
        talks = mapping((await look(client.json("GET", path), "look up private talks", within)).content)
    except Refusal as error:
        if error.code != "M_NOT_FOUND":
            raise
        talks = {}
    rooms = talks.get(person)
    rooms = rooms if isinstance(rooms, list) else []
    if room_id not in rooms:
        await ask(client.json("PUT", path, {**talks, person: [*rooms, room_id]}), "note a private talk", within)
