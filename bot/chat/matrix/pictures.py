"""From a picture to the content of an m.image event: uploaded, with a thumbnail if it is large.

https://spec.matrix.org/v1.15/client-server-api/#mimage
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from io import BytesIO
from typing import Any

from bot.chat.matrix.answers import Refusal, ask
from bot.chat.matrix.client import Client
from bot.chat.matrix.content import Content, cut, scrub
from bot.chat.matrix.thumbnails import thumbnail
from bot.errors import PermanentError, TemporaryError
from bot.talk import Picture

PNG = "image/png"


class Pictures:
    """Uploads to one homeserver, whose limit is asked for once."""

    def __init__(self, client: Client, within: timedelta) -> None:
        self._client = client
        self._within = within
        self._limit = 0  # in bytes, as far as it is known

    async def content(self, picture: Picture, room: str, encrypted: bool) -> Content:
        """The event's content but for what it relates to; its body is the picture's `alt`.

        Raises TemporaryError, TokenRefused, and PermanentError where the server does not take it.
        """
        await self._check(picture, room)
        smaller = await asyncio.to_thread(thumbnail, picture)
        info: Content = _info(picture)
        if smaller is not None:
            uploaded = await self._uploaded(smaller, room, encrypted)
            info |= {"thumbnail_info": _info(smaller)} | {f"thumbnail_{key}": at for key, at in uploaded.items()}
        return {
            "msgtype": "m.image",
            "body": cut(scrub(picture.alt)),
            "filename": picture.name,
            "info": info,
            "m.mentions": {},
            **await self._uploaded(picture, room, encrypted),
        }

    async def _check(self, picture: Picture, room: str) -> None:
        """Before the upload: Synapse breaks the connection of one that is too large, as if that might pass."""
        self._limit = self._limit or await self._asked_limit(room)
        if self._limit and len(picture.png) > self._limit:
            raise PermanentError(
                f"{room}: the picture has {len(picture.png)} bytes, the homeserver takes {self._limit} at most"
            )

    async def _asked_limit(self, room: str) -> int:
        """0 where the server does not say: then the upload shows it."""
        try:
            answer = await ask(self._client.content_repository_config(), f"{room}: limit of uploads", self._within)
        except (Refusal, TemporaryError):
            return 0
        return answer.upload_size or 0

    async def _uploaded(self, picture: Picture, room: str, encrypted: bool) -> Content:
        """Where the bytes are: `url`, or for an encrypted room `file`, which has the key to them as well."""
        keys: Content = {}

        async def upload() -> Any:
            answer, given = await self._client.upload(
                BytesIO(picture.png), PNG, picture.name, encrypt=encrypted, filesize=len(picture.png)
            )
            keys.update(given or {})
            return answer

        try:
            answer = await ask(upload(), f"{room}: upload a picture", self._within)
        except Refusal as error:
            raise PermanentError(str(error)) from error
        return {"file": keys | {"url": answer.content_uri}} if encrypted else {"url": answer.content_uri}


def _info(picture: Picture) -> Content:
    return {"w": picture.width, "h": picture.height, "size": len(picture.png), "mimetype": PNG}
