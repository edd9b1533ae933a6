"""The search contract on Elasticsearch 7.10 to 9 and OpenSearch 1 to 3."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from bot.lucene.printing import to_text
from bot.lucene.tree import Node
from bot.model import Answer, Build, Complete, Fields, Hit, Line, Listed, Ran, Totals, Unknown, Where, Window
from bot.search import Question, answers, plan
from bot.search.answers import Read
from bot.search.config import SearchConfig
from bot.search.joining import joined, kept, newest_in, parts
from bot.search.joint import TOGETHER, Joint, hits_body
from bot.search.layouts import Layouts
from bot.search.msearch import Msearch
from bot.search.noanswer import NoAnswer
from bot.search.pace import Pace
from bot.search.plan import Json, Layout, NoSuchField
from bot.search.profiles import PROFILES, with_overrides
from bot.search.replies import TOO_LARGE
from bot.search.retry import Retry
from bot.search.shapes import Unreadable
from bot.search.whole import trouble
from bot.search.wire import MOST_BYTES, Wire
from bot.search.without import Notice, Without, logged

T = TypeVar("T")
UUIDS_LISTED = 5_000  # of one listing's condition
SLOW = 0.25  # of a request's time-out; a search is ended after half of it
UUIDS_DESCRIBED = 500  # each comes with a document


class HttpSearch:
    """One index pattern with one layout. Raises UserError if a file that the settings name cannot be read.

    `fields_for`: how long the index's fields are believed; `refused_for`: how long the refusal of an action is.
    `page`: buckets of one page of a listing, `pages`: so many at the most.
    `largest`: bytes of one request; many proxies refuse 1 MB. `most_bytes`: of one answer. `clock`: seconds, any start.
    `notice`: who is told, once, what the cluster refuses and is gone without.
    `together`: questions of one search, at the most.
    """

    def __init__(
        self,
        settings: SearchConfig,
        *,
        retry: Retry | None = None,
        fields_for: timedelta = timedelta(minutes=10),
        refused_for: timedelta = timedelta(minutes=10),
        page: int = 10_000,
        pages: int = 1_000,
        largest: int = 500_000,
        most_bytes: int = MOST_BYTES,
        together: int = TOGETHER,
        clock: Callable[[], float] = time.monotonic,
        notice: Notice = logged,
    ) -> None:
        self.profile = with_overrides(PROFILES[settings.profile], settings.fields)
        self._index = settings.index
        pace = Pace(settings.at_once, settings.chunk, slow=settings.timeout.total_seconds() * SLOW)
        retry = retry or Retry()
        self._wire = Wire(settings, retry, pace, clock, most_bytes)
        without = Without(notice, refused_for.total_seconds(), clock)
        believed = fields_for.total_seconds()
        self._layouts = Layouts(self._wire, without, self.profile, settings.fields, settings.index, believed, clock)
        self._page = page
        self._pages = pages
        msearch = Msearch(self._wire, pace, retry, without, largest=largest)
        self._joint = Joint(msearch, self.profile, settings.index, together)

    async def builds(self, window: Window, where: Where) -> Answer[list[Listed]]:
        async def ask(uuids: Sequence[str]) -> Answer[list[Listed]]:
            chosen = replace(where, uuids=tuple(uuids))

            def page(layout: Layout, after: Json | None) -> Json:
                return plan.builds(chosen, window, layout, self._wire.server_timeout, self._page, after)

            return await self._paged(page, answers.listed)

        try:
            if plan.nowhere(where, await self._layouts.current()):
                return Complete([])
        except (NoAnswer, NoSuchField) as fault:
            return Unknown(str(fault), [])
        if not where.uuids:
            answer = await self._in_parts([()], ask)
        else:
            answer = await self._in_parts(parts(where.uuids, UUIDS_LISTED), ask)
        return newest_in(window, answer)

    async def described(self, uuids: Sequence[str], window: Window) -> Answer[list[Build]]:
        async def ask(some: Sequence[str]) -> Answer[list[Build]]:
            layout = await self._layouts.current()
            item = await self._search(plan.described(some, window, layout, self._wire.server_timeout))
            return self._judged(item, answers.described(item, some, self.profile))

        return await self._in_parts(parts(uuids, UUIDS_DESCRIBED), ask)

    async def hits(
        self, questions: Sequence[Question], uuids: Sequence[str] | None, window: Window
    ) -> Mapping[str, Answer[list[Hit]]]:
        if not questions or (uuids is not None and not uuids):
            return {question.id: Complete([]) for question in questions}
        try:
            layout = await self._layouts.current()
        except (NoAnswer, NoSuchField) as fault:
            return {question.id: Unknown(str(fault), []) for question in questions}
        body = hits_body(window, layout, self._wire.server_timeout)
        found = await self._joint.answers(questions, uuids, body)
        return found if uuids is not None else await self._of_window(found, window)

    async def lines(self, uuid: str, tree: Node, limit: int, window: Window) -> Answer[list[Line]]:
        async def ask(some: Sequence[str]) -> Answer[list[Line]]:
            layout = await self._layouts.current()
            asked = plan.lines(to_text(tree), some[0], limit, window, layout, self._wire.server_timeout)
            item = await self._search(asked)
            return self._judged(item, answers.lines(item, self.profile))

        return await self._in_parts([(uuid,)], ask)

    async def totals(self, window: Window) -> Answer[Totals]:
        async def ask(_: Sequence[str]) -> Answer[list[Ran]]:
            def page(layout: Layout, after: Json | None) -> Json:
                return plan.totals(window, layout, self._wire.server_timeout, self._page, after)

            return await self._paged(page, answers.ran)

        match await self._in_parts([()], ask):
            case Complete(found):
                return Complete(tuple(found))
            case Unknown(why, found, refused):
                return Unknown(why, tuple(found), refused)

    async def fields(self) -> Answer[Fields]:
        try:
            return Complete(await self._layouts.read())
        except NoAnswer as fault:
            return Unknown(str(fault), {})

    async def close(self) -> None:
        await self._wire.close()

    # -- one question -----------------------------------------------------------------------------------------

    async def _search(self, body: Json) -> Mapping[str, Any]:
        return await self._wire.search(json.dumps(body).encode())

    def _judged(self, item: Any, read: Read[T]) -> Answer[list[T]]:
        return answers.judged(read, trouble(item, self._index))

    async def _paged(
        self, page: Callable[[Layout, Json | None], Json], read: Callable[[Mapping[str, Any]], Read[T]]
    ) -> Answer[list[T]]:
        """All pages of a listing; it ends at the first that is not whole."""
        layout = await self._layouts.current()
        found, seen = list[T](), set[str]()
        after: Json | None = None
        while len(seen) < self._pages:
            try:
                item = await self._search(page(layout, after))
            except NoAnswer as fault:
                if fault.status == TOO_LARGE:
                    raise
                return Unknown(str(fault), found)
            judged = self._judged(item, read(item))
            found += judged.found
            if isinstance(judged, Unknown):
                return replace(judged, found=found)
            try:
                after = answers.next_page(item, self._page)
            except Unreadable as why:
                return Unknown(f"the listing was cut at {len(found)}: {why}", found)
            if after is None:
                return Complete(found)
            if (key := json.dumps(after, sort_keys=True)) in seen:
                return Unknown("the server gives the same page of the listing again and again", found)
            seen.add(key)
        return Unknown(f"the listing was cut at {len(found)}: it has more than {self._pages} pages", found)

    async def _in_parts(
        self, chunks: Sequence[Sequence[str]], ask: Callable[[Sequence[str]], Awaitable[Answer[list[T]]]]
    ) -> Answer[list[T]]:
        """The answers for some builds at a time, joined; a part that is too large for the server is halved."""
        waiting, found = deque(chunks), list[T]()
        unknown: Unknown[list[T]] | None = None
        while waiting:
            part = waiting.popleft()
            try:
                answer = await ask(part)
            except (NoAnswer, NoSuchField) as fault:
                if isinstance(fault, NoAnswer) and fault.status == TOO_LARGE and len(part) > 1:
                    waiting.extendleft([part[len(part) // 2 :], part[: len(part) // 2]])
                    continue
                return Unknown(str(fault), found)
            found += answer.found
            if isinstance(answer, Unknown):
                unknown = unknown or answer
        return Complete(found) if unknown is None else Unknown(unknown.why, found, unknown.refused)

    # -- hits of a window ---------------------------------------------------------------------------------------

    async def _of_window(self, found: Mapping[str, Answer[list[Hit]]], window: Window) -> dict[str, Answer[list[Hit]]]:
        """Only hits in builds whose newest line, matched or not, lies in the window."""
        uuids = sorted({hit.build for answer in found.values() for hit in answer.found})
        if not uuids:
            return dict(found)
        listed = await self.builds(window, Where(uuids=tuple(uuids)))
        inside = {build.uuid for build in listed.found}
        cut = {id_: kept(answer, inside) for id_, answer in found.items()}
        if isinstance(listed, Complete):
            return cut
        return {id_: joined(answer, Unknown(listed.why, [])) for id_, answer in cut.items()}
