"""The source contract: who says which builds finished. It imports none of its adapters."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from bot.model import Answer, Build, Listed, Totals, Window


class Source(Protocol):
    """Finished builds of the watched pipelines; later also Zuul's REST API."""

    def window(self, now: datetime) -> Window:
        """The look-back as of now: which builds are listed, and how far back their lines are searched."""

    async def finished(self, now: datetime) -> Answer[list[Listed]]:
        """The failed builds of the look-back window, each with its document count and newest line."""

    async def described(self, uuids: list[str], now: datetime) -> Answer[list[Build]]:
        """The metadata of these builds."""

    async def ran(self, window: Window) -> Answer[Totals]:
        """How many builds ran, of all results."""
