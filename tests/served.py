"""A gate whose index is a real OpenSearch: daily indices as logsender writes them, and what the bot asks of them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from bot.model import Build, Line
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from tests.fakes import MINUTE, Gate
from tests.search.asking import QUICK
from tests.search.layouts import logsender
from tests.servers import opensearch as server
from tests.servers.proxy import Passed, Proxy

UUID = re.compile(r'"([0-9a-f]{32})"')


class Logs:
    """Indices of one test, one for each day on which something was sent; documents have no ids of their own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._name = f"life-{uuid4().hex[:12]}"

    @property
    def pattern(self) -> str:
        return f"{self._name}-*"

    async def send(self, documents: Iterable[dict[str, Any]], at: datetime) -> None:
        """They can be found when it returns."""
        await asyncio.to_thread(server.fill, self.url, f"{self._name}-{at:%Y.%m.%d}", list(documents))

    async def count(self, uuid: str, query: str = "*") -> int:
        """A plain search of its own: how many documents of a build match."""
        wanted = {"query_string": {"query": query, "default_field": "message"}}
        filters = [{"term": {"build_uuid.keyword": uuid}}, wanted]
        body = json.dumps({"query": {"bool": {"filter": filters}}}).encode()
        answer = await asyncio.to_thread(server.call, f"{self.url}/{self.pattern}/_count", body)
        return int(answer["count"])

    def search(self, url: str = "", **options: Any) -> HttpSearch:
        """The adapter on them; `url`: of a proxy that stands before the server."""
        settings = {"url": url or self.url, "index": self.pattern, "at_once": 1} | options.pop("settings", {})
        return HttpSearch(SearchConfig.model_validate(settings), **({"retry": QUICK} | options))


def documents(build: Build, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """As logsender writes them today."""
    return [logsender(build, line) for line in lines]


def is_metadata(action: str, body: bytes) -> bool:
    """Is this a question for what new builds are?"""
    return action == "_search" and b"top_hits" in body


def uuids(passed: Iterable[Passed], action: str) -> list[set[str]]:
    """Per request of this kind the builds that it names."""
    return [set(UUID.findall(one.body.decode())) for one in passed if one.action == action]


@dataclass
class Watched:
    """A gate, its logs on a server, and the proxy that sees what is asked."""

    gate: Gate
    logs: Logs
    proxy: Proxy
    seconds: float = 0.0

    async def fails(self, number: int, *messages: str, ended: timedelta = MINUTE) -> str:
        """The uuid of a build that failed some time ago; its lines can be found now."""
        build = self.gate.build(f"{number:032x}", change=str(900_000 + number), tenant="openstack")
        await self._send(build.uuid, *messages, number=number, ended=ended)
        return build.uuid

    async def grows(self, number: int, *messages: str) -> None:
        await self._send(f"{number:032x}", *messages, number=number, ended=timedelta(0))

    async def _send(self, uuid: str, *messages: str, number: int, ended: timedelta) -> None:
        build = self.gate.build(uuid, change=str(900_000 + number), tenant="openstack")
        lines = [Line(self.gate.now - ended, text, "job-output.txt", "https://logs.example/") for text in messages]
        await self.logs.send(documents(build, lines), self.gate.now)

    async def look(self) -> list[str]:
        """One look; what it asked."""
        self.proxy.passed.clear()
        await self.gate.tick()
        return self.proxy.actions()
