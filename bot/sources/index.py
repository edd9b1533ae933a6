"""Finished builds read from the search index itself, over a look-back window."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.model import FAILED_RESULTS, Answer, Build, Listed, Totals, Where, Window
from bot.search import Search

AHEAD = timedelta(hours=1)  # clocks of test nodes run fast


class IndexSource:
    """Failed builds of the watched pipelines, as their log lines name them."""

    def __init__(self, search: Search, pipelines: tuple[str, ...], look_back: timedelta) -> None:
        self._search = search
        self._where = Where(pipelines=pipelines, results=tuple(sorted(FAILED_RESULTS)))
        self._look_back = look_back

    def window(self, now: datetime) -> Window:
        return Window(now - self._look_back, now + AHEAD)

    async def finished(self, now: datetime) -> Answer[list[Listed]]:
        return await self._search.builds(self.window(now), self._where)

    async def described(self, uuids: list[str], now: datetime) -> Answer[list[Build]]:
        return await self._search.described(uuids, self.window(now))

    async def ran(self, window: Window) -> Answer[Totals]:
        return await self._search.totals(window)
