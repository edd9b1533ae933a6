"""What the tests of a misbehaving far end share: an index with GATE, a proxy before it, and each question to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from bot.lucene.tree import Wildcard
from bot.model import Answer, Hit, Where
from bot.search import Question
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from bot.search.retry import Retry
from tests.search.contract import DAY, FIRST, LONG, phrase, uuids
from tests.servers.proxy import Before, Edit

QUICK = Retry(tries=3, first_wait=0.01, longest_wait=0.02)
RESET = "Connection reset by peer"
EVERYTHING = Wildcard("*", "*")
Make = Callable[..., HttpSearch]


def adapter(url: Any, index: str, settings: Mapping[str, Any] | None = None, **options: Any) -> HttpSearch:
    """One that tries again soon; not closed by itself."""
    config = SearchConfig.model_validate({"url": url, "index": index, "at_once": 1} | dict(settings or {}))
    return HttpSearch(config, **({"retry": QUICK} | options))


def resets(search: HttpSearch) -> list[Question]:
    return [Question("reset", phrase(search, RESET))]


async def asked(search: HttpSearch) -> Answer[list[Hit]]:
    return (await search.hits(resets(search), uuids(FIRST, LONG), DAY))["reset"]


def edited(**changes: Any) -> Edit:
    return lambda answer: answer | changes


def replies(response: Callable[[], web.StreamResponse], action: str = "") -> Before:
    """A `before` that answers so for one action, or for everything."""

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        return response() if request.path.endswith(action) else None

    return before


ASK: Mapping[str, Callable[[HttpSearch], Awaitable[Answer[Any]]]] = {
    "builds": lambda search: search.builds(DAY, Where()),
    "described": lambda search: search.described(uuids(FIRST), DAY),
    "hits": asked,
    "lines": lambda search: search.lines(FIRST.uuid, EVERYTHING, 9, DAY),
    "totals": lambda search: search.totals(DAY),
    "fields": lambda search: search.fields(),
}
SEARCHES = sorted(ASK.keys() - {"fields"})
