"""What outlives the process, as an adapter sees it."""

from __future__ import annotations

from typing import Protocol


class Keep(Protocol):
    """A small persistent map that the bot gives to an adapter (its store backs it).

    `put` returns when the value is safe. Both may raise TemporaryError.
    """

    async def get(self, name: str) -> str | None: ...

    async def put(self, name: str, value: str) -> None: ...
