"""What the benchmarks of a real server have in common: a day of lines, signatures, and two ways to ask them."""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import random
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.lines import PATTERN, WINDOW, Day, made_up
from bench.loading import loaded
from bot.lucene.parse import parse
from bot.lucene.printing import to_text
from bot.lucene.rewrite import rewrite
from bot.model import Complete
from bot.search import Question
from bot.search.config import SearchConfig
from bot.search.http import HttpSearch
from bot.search.profiles import LOGSENDER
from bot.signatures import load
from tests.servers import corpus

PLANTED = 1000
Found = set[tuple[str, str, int]]  # signature, build, count


def queries(seed: int) -> dict[str, str]:
    """A thousand by id: all of the corpus in an order made by chance, then made-up ones."""
    chance = random.Random(f"queries {seed}")
    ready = sorted(load([corpus() / "signatures"], LOGSENDER).signatures.values(), key=lambda one: one.id)
    chosen = {one.id: one.query for one in chance.sample(ready, len(ready))}
    return chosen | dict(made_up(PLANTED - len(chosen), chance))


@dataclass
class Asking:
    """A server with a day of lines in it, and the questions."""

    url: str
    day: Day
    rounds: int
    search: HttpSearch
    apart: HttpSearch  # each question in a search of its own
    questions: Sequence[Question]
    requests: Requests

    async def by_hits(self, uuids: Sequence[str] | None, *, apart: bool = False) -> tuple[int, Found]:
        """The bot's plan: how many requests it took, and what it found."""
        self.requests.count = 0
        found: Found = set()
        search = self.apart if apart else self.search
        for answer in (await search.hits(self.questions, uuids, WINDOW)).values():
            if not isinstance(answer, Complete):
                sys.exit(f"not answered: {answer.why}")
            found |= {(hit.signature, hit.build, hit.count) for hit in answer.found}
        return self.requests.count, found

    async def one_by_one(self, uuids: Sequence[str]) -> tuple[int, Found]:
        """elastic-recheck's plan, in a thread."""
        return len(uuids) * len(self.questions), await asyncio.to_thread(one_by_one, self.url, self.questions, uuids)


def one_by_one(url: str, questions: Sequence[Question], uuids: Sequence[str]) -> Found:
    """For each build each signature, the ten newest documents, one search after the other over one connection.

    (elastic-recheck, elasticRecheck.py and results.py; the servers of its time always counted all hits.)
    """
    found: Found = set()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    texts = {question.id: to_text(question.tree) for question in questions}
    for uuid in uuids:
        for signature, text in texts.items():
            query = {"query": f'({text}) AND build_uuid.keyword:"{uuid}"', "default_field": "message"}
            body = {"query": {"query_string": query}, "size": 10, "sort": [{"@timestamp": "desc"}]}
            sent = json.dumps(body | {"track_total_hits": True})
            connection.request("POST", f"/{PATTERN}/_search", sent, {"Content-Type": "application/json"})
            if count := json.loads(connection.getresponse().read())["hits"]["total"]["value"]:
                found.add((signature, uuid, count))
    connection.close()
    return found


class Requests:
    """Counts what a search sends, where it leaves."""

    def __init__(self, *searches: HttpSearch) -> None:
        self.count = 0
        for search in searches:
            search._wire._send = self._counted(search._wire._send)

    def _counted(self, send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*sent: Any) -> Any:
            self.count += 1
            return await send(*sent)

        return counted


def same(one: set[object], other: set[object]) -> None:
    """Ends the benchmark where two ways found something different."""
    if one != other:
        sys.exit(f"the two ways differ in {len(one ^ other)} findings, as {sorted(map(str, one ^ other))[:5]}")


def run(
    about: str | None, measure: Callable[[Asking], Awaitable[None]], *, signatures: int, lines: int, rounds: int
) -> None:
    """A benchmark's main: reads the command line, fills a server or takes a filled one, and measures."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=lines)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=rounds, help="after the first one")
    parser.add_argument("--folder", type=Path, help="keeps the server's data for the next run; else they are removed")
    parser.add_argument("--heap", default="1g", help="of the server, as 3g")
    given = parser.parse_args()
    texts = queries(given.seed)
    with ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        day = Day(given.lines, list(texts.values()), given.seed)
        url = stack.enter_context(loaded(folder, day, given.heap))
        asyncio.run(ask(url, day, given.rounds, dict(list(texts.items())[:signatures]), measure))


async def ask(
    url: str, day: Day, rounds: int, texts: Mapping[str, str], measure: Callable[[Asking], Awaitable[None]]
) -> None:
    """Measure, with the questions as the bot asks them; the fields are read once in ten minutes, so not measured."""
    config = SearchConfig.model_validate({"url": url, "index": PATTERN})
    search, apart = HttpSearch(config), HttpSearch(config, together=1)
    fields = (await search.fields()).found
    trees = {id_: rewrite(parse(text), LOGSENDER, fields) for id_, text in texts.items()}
    questions = [Question(id_, tree) for id_, tree in trees.items()]
    requests = Requests(search, apart)
    for one in (search, apart):
        await one.hits(questions[:1], day.uuids(1), WINDOW)
    await measure(Asking(url, day, rounds, search, apart, questions, requests))
    for one in (search, apart):
        await one.close()
