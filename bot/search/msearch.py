"""Many searches in few requests: cut by number and by bytes, some at once, and one by one where it must be."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.search.noanswer import NoAnswer
from bot.search.pace import Pace
from bot.search.replies import OVERLOADED, TOO_LARGE
from bot.search.retry import Retry
from bot.search.whole import Trouble
from bot.search.wire import Wire
from bot.search.without import Without

MSEARCH = "_msearch"
# How a cluster or the proxy before it says that it has no _msearch for us.
NO_MSEARCH = frozenset({400, 403, 404, 405})
UUID_BYTES = 36  # 32 hex digits, quotes, comma, blank
HEADER_BYTES = 100  # of one item's header line, or more
LEAST_BYTES = 2_000  # no proxy means less; whoever refuses so little as too large does not mean the size


@dataclass(frozen=True, slots=True)
class Item:
    """One search: the texts of some questions, each with its id, for some builds, None for all of them.

    `tried`: how often it was refused.
    """

    texts: tuple[tuple[str, str], ...]
    uuids: tuple[str, ...] | None
    tried: int = 0

    def singly(self) -> list[Item]:
        """Each question in a search of its own."""
        return [replace(self, texts=(text,)) for text in self.texts]

    def halves(self) -> list[Item]:
        """Half of the questions, twice; of one question half of the builds; nothing where there is no half."""
        if len(self.texts) > 1:
            middle = len(self.texts) // 2
            return [replace(self, texts=self.texts[:middle]), replace(self, texts=self.texts[middle:])]
        if self.uuids is None or len(self.uuids) < 2:
            return []
        middle = len(self.uuids) // 2
        return [replace(self, uuids=self.uuids[:middle]), replace(self, uuids=self.uuids[middle:])]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item: the server's answer, whatever it is, or why there is none."""

    item: Item
    answer: Any | Trouble


def busy(answer: Any) -> bool:
    """Whether the cluster had no room for this one search (its queue was full), which may pass."""
    return isinstance(answer, Mapping) and answer.get("status") == OVERLOADED


Body = Callable[[Item], bytes]


class Msearch:
    """Remembers what this cluster taught: how large a request may be, and whether it has _msearch for us."""

    def __init__(self, wire: Wire, pace: Pace, retry: Retry, without: Without, *, largest: int) -> None:
        self._wire = wire
        self._pace = pace
        self._retry = retry
        self._largest = max(largest, LEAST_BYTES)
        self.largest = self._largest  # bytes of one request, as learnt
        self._without = without

    def uuids_per_item(self, most: int) -> int:
        """How many builds one item may name so that it fills half of a request at the most."""
        return max(1, min(most, self.largest // 2 // UUID_BYTES))

    async def run(self, items: Sequence[Item], body: Body) -> list[Outcome]:
        """Every item with its outcome, in no order. A far end that does not answer is not asked for the rest."""
        waiting = deque(items)
        done: list[Outcome] = []
        async with asyncio.TaskGroup() as group:
            asking: set[asyncio.Task[None]] = set()
            while waiting or asking:
                while waiting and len(asking) < self._pace.at_once:
                    asking.add(group.create_task(self._some(self._take(waiting, body), waiting, done, body)))
                _, asking = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        return done

    async def _some(self, batch: list[Item], waiting: deque[Item], done: list[Outcome], body: Body) -> None:
        """One request; what it is too large for goes back to those that wait, and so does what is refused for now."""
        try:
            outcomes = await self._batch(batch, body)
        except NoAnswer as fault:
            sent = sum(len(body(item)) + HEADER_BYTES for item in batch)
            if fault.status == TOO_LARGE and sent > LEAST_BYTES:
                done += self._smaller(batch, sent, fault, waiting)
                return
            if fault.status == TOO_LARGE:
                self.largest = self._largest  # what was learnt is void
            done += [Outcome(item, Trouble(str(fault))) for item in (*batch, *waiting)]
            waiting.clear()
            return
        again = [one.item for one in outcomes if busy(one.answer) and one.item.tried + 1 < self._retry.tries]
        done += [one for one in outcomes if one.item not in again]
        if again:
            await asyncio.sleep(self._retry.wait(again[0].tried, None))
            waiting.extend(replace(item, tried=item.tried + 1) for item in again)

    def _take(self, waiting: deque[Item], body: Body) -> list[Item]:
        """The next items for one request: at most `chunk` questions, and `largest` bytes unless one alone is larger."""
        batch: list[Item] = []
        size = questions = 0
        while waiting:
            more, length = len(waiting[0].texts), len(body(waiting[0])) + HEADER_BYTES
            if (length > self.largest or more > self._pace.chunk) and (halves := waiting[0].halves()):
                waiting.popleft()
                waiting.extendleft(reversed(halves))
                continue
            if batch and (size + length > self.largest or questions + more > self._pace.chunk):
                break
            batch.append(waiting.popleft())
            size += length
            questions += more
        return batch

    def _smaller(self, batch: list[Item], sent: int, fault: NoAnswer, waiting: deque[Item]) -> list[Outcome]:
        """Remember a limit of half of what was too large; what cannot be cut any more is refused."""
        self.largest = max(LEAST_BYTES, min(self.largest, sent // 2))
        if len(batch) == 1 and not batch[0].halves():
            return [Outcome(batch[0], Trouble(str(fault), refused=True))]
        waiting.extendleft(reversed(batch))
        return []

    async def _batch(self, batch: list[Item], body: Body) -> list[Outcome]:
        if MSEARCH in self._without:
            return await self._singly(batch, body)
        try:
            answers = await self._wire.msearch([body(item) for item in batch])
        except NoAnswer as fault:
            if fault.status not in NO_MSEARCH:
                raise
            found = await self._singly(batch, body)
            self._without.add(MSEARCH, "searches go one by one, which takes more requests")
            return found
        return [Outcome(item, answer) for item, answer in zip(batch, answers, strict=True)]

    async def _singly(self, batch: list[Item], body: Body) -> list[Outcome]:
        return [Outcome(item, await self._wire.search(body(item))) for item in batch]
