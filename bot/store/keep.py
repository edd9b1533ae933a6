"""What chat adapters want to keep, in the store."""

from __future__ import annotations

from bot.store.store import Store


class StoreKeep:
    """The `Keep` of `bot.chat.keep`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, name: str) -> str | None:
        return await self._store.read(lambda tx: tx.get(name))

    async def put(self, name: str, value: str) -> None:
        await self._store.write(lambda tx: tx.put_value(name, value))
