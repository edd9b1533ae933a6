"""The Search contract on an index folder of this machine; it only reads, `gatewatch index DIR` writes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import tantivy

from bot.lucene.tree import Node
from bot.model import Answer, Build, Complete, Fields, Hit, Line, Listed, Profile, Totals, Unknown, Where, Window
from bot.search import Question
from bot.search.embedded import schema
from bot.search.embedded.asking import Asking
from bot.search.embedded.counting import MOST_BUCKETS
from bot.search.embedded.reading import Reading
from bot.search.embedded.refusal import Refusal
from bot.search.profiles import LOGSENDER

T = TypeVar("T")


class NoIndex(Exception):
    """There is no index to read; the message says what to do."""


class EmbeddedSearch:
    """Reads the index in the folder `path`, which need not be there yet.

    Each call sees what was committed before it, by whatever process, and runs in a thread. `page`: builds that are
    counted at once, 60,000 at most.
    """

    profile: Profile = LOGSENDER

    def __init__(self, path: Path, *, page: int = MOST_BUCKETS) -> None:
        self.path = path
        self._page = page
        self._index: tantivy.Index | None = None
        self._opening = threading.Lock()

    async def builds(self, window: Window, where: Where) -> Answer[list[Listed]]:
        return await self._ask(lambda reading: reading.builds(window, where), [])

    async def described(self, uuids: Sequence[str], window: Window) -> Answer[list[Build]]:
        return await self._ask(lambda reading: reading.described(uuids, window), [])

    async def hits(
        self, questions: Sequence[Question], uuids: Sequence[str] | None, window: Window
    ) -> Mapping[str, Answer[list[Hit]]]:
        nothing: Mapping[str, Answer[list[Hit]]] = {}
        match await self._ask(lambda reading: reading.hits(questions, uuids, window), nothing):
            case Complete(found):
                return found
            case Unknown(why):
                return {question.id: Unknown(why, []) for question in questions}

    async def lines(self, uuid: str, tree: Node, limit: int, window: Window) -> Answer[list[Line]]:
        return await self._ask(lambda reading: reading.lines(uuid, tree, limit, window), [])

    async def totals(self, window: Window) -> Answer[Totals]:
        nothing: Totals = ()
        return await self._ask(lambda reading: reading.totals(window), nothing)

    async def fields(self) -> Answer[Fields]:
        nothing: Fields = {}
        return await self._ask(lambda _: schema.fields(), nothing)

    async def close(self) -> None:
        with self._opening:
            self._index = None

    async def _ask(self, question: Callable[[Reading], T], nothing: T) -> Answer[T]:
        return await asyncio.to_thread(self._answer, question, nothing)

    def _answer(self, question: Callable[[Reading], T], nothing: T) -> Answer[T]:
        """tantivy knows one exception, ValueError: for a broken file, a full disk and a bad query alike."""
        try:
            return Complete(question(self._reading()))
        except Refusal as refusal:
            return Unknown(str(refusal), nothing, refused=True)
        except NoIndex as fault:
            return Unknown(str(fault), nothing)
        except (ValueError, OSError) as fault:
            with self._opening:
                self._index = None  # it may have been made anew: opened again next time
            return Unknown(f"the index in {self.path} cannot be read: {fault}", nothing)

    def _reading(self) -> Reading:
        """The index as of now; a reload costs 0.1 ms where nothing was committed."""
        with self._opening:
            if not self.path.is_dir() or not tantivy.Index.exists(str(self.path)):
                self._index = None
                remedy = "run `gatewatch index DIR`, or the bot, which loads what `search.load` names"
                raise NoIndex(f"there is no index in {self.path}: {remedy}")
            if self._index is None:
                self._index = opened(self.path)
            self._index.reload()
            searcher = self._index.searcher()
            return Reading(searcher, Asking(self._index.schema, searcher), self._page)


def opened(path: Path) -> tantivy.Index:
    """The index in a folder, read without a thread that watches it. ValueError if it is not of this schema."""
    index = tantivy.Index(schema.schema(), path=str(path))
    index.config_reader(reload_policy="manual")
    return index
