"""What outlives the process: device, token, `since` of the stream, rooms."""

from __future__ import annotations

from bot.chat.keep import Keep


class Kept:
    """The keep's entries of one account on one network.

    The account is part of the key: an operator who puts another user into the config file must not get that
    user into the old one's device, token or `since`.
    """

    def __init__(self, keep: Keep, network: str, user: str) -> None:
        self.network = network
        self._keep = keep
        self._prefix = f"matrix.{network}.{user}."

    async def get(self, name: str) -> str | None:
        """The value, None if it was never put or is empty."""
        return await self._keep.get(self._prefix + name) or None

    async def put(self, name: str, value: str) -> None:
        await self._keep.put(self._prefix + name, value)
