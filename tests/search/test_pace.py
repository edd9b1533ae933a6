"""A slow cluster is asked less, and all again when it copes."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from bot.model import Answer, Complete, Hit, Unknown
from bot.search import Question
from bot.search.http import HttpSearch
from bot.search.pace import Pace
from bot.search.turns import Turns
from tests.search.asking import QUICK, RESET, Make, edited
from tests.search.contract import DAY, FIRST, LONG, by_build, phrase, uuids
from tests.servers.proxy import Proxy, proxying

pytestmark = pytest.mark.xdist_group("opensearch")


def shown(pace: Pace) -> tuple[int, int]:
    return pace.at_once, pace.chunk


def test_half_at_each_trouble_down_to_one_question() -> None:
    pace = Pace(4, 50, slow=5)
    assert shown(pace) == (4, 50)
    seen = []
    for now in range(8):
        pace.struggled(now, now + 0.5)
        seen.append(shown(pace))
    assert seen == [(2, 25), (1, 12), (1, 6), (1, 3), (1, 2), (1, 1), (1, 1), (1, 1)]


def test_a_little_more_at_each_good_answer_up_to_all() -> None:
    pace = Pace(4, 50, slow=5)
    for now in range(8):
        pace.struggled(now, now + 0.5)
    seen = []
    for now in range(10, 21):
        pace.answered(now, now + 1)
        seen.append(pace.chunk)
    assert seen == sorted(seen)
    assert seen[0] == 6
    assert shown(pace) == (4, 50)


def test_a_slow_answer_is_a_sign_of_trouble() -> None:
    pace = Pace(4, 50, slow=5)
    pace.answered(0, 5)
    assert pace.chunk == 50
    pace.answered(10, 15.1)
    assert pace.chunk == 25


def test_requests_that_were_in_flight_together_count_once() -> None:
    pace = Pace(8, 50, slow=5)
    for now in (10, 10.1, 10.2, 10.3):
        pace.struggled(9, now)
    assert shown(pace) == (4, 25)
    pace.answered(9.5, 10.4)  # sent at the pace of before: says nothing of the one now
    assert shown(pace) == (4, 25)
    pace.struggled(10, 11)
    assert shown(pace) == (2, 12)


@dataclass
class Guests:
    """Who is inside."""

    turns: Turns
    inside: set[int] = field(default_factory=set)

    async def come(self, number: int, leaves: asyncio.Event) -> None:
        async with self.turns.one():
            self.inside.add(number)
            try:
                await leaves.wait()
            finally:
                self.inside.remove(number)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_as_many_are_let_in_as_may_be_and_the_next_when_one_leaves() -> None:
    most = 2
    guests = Guests(Turns(lambda: most))
    leaves = [asyncio.Event() for _ in range(7)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(guests.come(number, leave)) for number, leave in enumerate(leaves)]
        await settled()
        assert guests.inside == {0, 1}
        leaves[0].set()
        await settled()
        assert guests.inside == {1, 2}
        tasks[3].cancel()  # while it waits
        tasks[1].cancel()  # inside
        await settled()
        assert guests.inside == {2, 4}
        most = 1
        leaves[2].set()
        await settled()
        assert guests.inside == {4}
        most = 2
        leaves[4].set()
        await settled()
        assert guests.inside == {5, 6}
        leaves[5].set()
        leaves[6].set()


async def test_who_is_called_off_at_its_turn_leaves_it_to_the_next() -> None:
    guests = Guests(Turns(lambda: 1))
    leaves = [asyncio.Event() for _ in range(2)]
    async with guests.turns.one():
        tasks = [asyncio.create_task(guests.come(number, leave)) for number, leave in enumerate(leaves)]
        await settled()
    tasks[0].cancel()  # its turn has come, and it has not run since
    await settled()
    assert guests.inside == {1}
    leaves[1].set()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_at_once_holds_for_all_that_is_asked(proxy: Proxy, make: Make) -> None:
    """Whoever asks: a tick, what it looks up, and commands beside it."""
    here, together, enough = 0, list[int](), asyncio.Event()

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        nonlocal here
        here += 1
        together.append(here)
        if here == 2:
            enough.set()
        async with asyncio.timeout(20):
            await enough.wait()
        await asyncio.sleep(0.05)  # time for a third to come, if it may
        here -= 1
        return None

    search = make({"at_once": 2})
    await search.fields()
    proxy.before = before
    done = await asyncio.gather(
        *(search.described(uuids(FIRST), DAY) for _ in range(4)), *(classified(search, 3) for _ in range(2))
    )
    assert len(together) == 6
    assert max(together) == 2
    assert isinstance(done[0], Complete)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Strained(Proxy):
    """Refuses a request while it has `at_once` others, and one of more than `chunk` searches; notes what it took."""

    at_once: int = 100
    chunk: int = 1000
    took: list[int] = field(default_factory=list)
    together: list[int] = field(default_factory=list)
    here: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("_msearch"):
            return await super().answer(request)
        searches = (await request.read()).count(b"\n") // 2
        self.took.append(searches)
        self.here += 1
        self.together.append(self.here)
        try:
            if self.here > self.at_once or searches > self.chunk:
                return web.json_response({"error": "busy"}, status=429)
            return await super().answer(request)
        finally:
            self.here -= 1


async def classified(search: HttpSearch, count: int) -> dict[str, Answer[list[Hit]]]:
    questions = [Question(str(number), phrase(search, RESET)) for number in range(count)]
    return dict(await search.hits(questions, uuids(FIRST, LONG), DAY))


async def complete(search: HttpSearch, count: int) -> bool:
    """Whether all were answered; each that is Complete has all of its hits."""
    answers = (await classified(search, count)).values()
    assert all(
        by_build(answer.found) == {FIRST.uuid: 2, LONG.uuid: 1} for answer in answers if isinstance(answer, Complete)
    )
    return all(isinstance(answer, Complete) for answer in answers)


async def test_a_cluster_that_refuses_is_asked_less_until_it_copes(opensearch: str, make: Make) -> None:
    async with proxying(opensearch, kind=Strained) as strained:
        search = make({"url": strained.url, "at_once": 4, "chunk": 40}, together=1)
        assert await complete(search, 160)
        assert max(strained.together) == 4
        assert set(strained.took) == {40}
        strained.at_once, strained.chunk = 1, 10
        for _ in range(4):  # what is refused is Unknown, and asked again at the next tick
            await complete(search, 40)
        strained.took.clear()
        await complete(search, 40)
        # It feels its way: most requests are what the cluster takes, and none is near what it was.
        assert max(strained.took) <= 20
        strained.at_once, strained.chunk = 100, 1000
        for _ in range(10):
            assert await complete(search, 40)
        strained.took.clear()
        strained.together.clear()
        assert await complete(search, 160)
        assert (max(strained.together), set(strained.took)) == (4, {40})


async def test_a_cluster_that_is_slow_is_asked_less(proxy: Proxy, make: Make) -> None:
    """A search takes it a second: one request of 30 s is 30 of them, of which a quarter of that time is 7."""
    clock, took = Clock(), list[int]()

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        if request.path.endswith("_msearch"):
            took.append(body.count(b"\n") // 2)
            clock.now += took[-1] * second
        return None

    proxy.before = before
    second = 1.0
    search = make({"chunk": 50, "timeout": "30s"}, clock=clock, together=1)
    assert await complete(search, 200)
    assert took[:3] == [50, 25, 12]
    assert sum(took) == 200
    assert max(took[3:]) <= 12
    second = 0.01
    took.clear()
    assert await complete(search, 500)
    assert took[-2] == 50


async def test_searches_that_ran_out_of_time_inside_an_answer(proxy: Proxy, make: Make) -> None:
    search = make({"chunk": 16})
    proxy.edit = edited(timed_out=True)
    answers = await classified(search, 16)
    assert all(isinstance(answer, Unknown) for answer in answers.values())
    assert searches(proxy) == [16]
    proxy.passed.clear()
    proxy.edit = Proxy("").edit
    assert await complete(search, 16)
    assert searches(proxy) == [8, 8]


BUSY = {"error": {"type": "es_rejected_execution_exception", "reason": "queue full"}, "status": 429}


async def test_searches_that_were_refused_for_now_are_asked_again(proxy: Proxy, make: Make) -> None:
    """A full queue refuses some of the searches of a request: those alone are asked again, in smaller requests."""
    search = make({"chunk": 16})
    answered = itertools.count()
    proxy.edit = lambda answer: BUSY if next(answered) in range(4, 14) else answer
    assert await complete(search, 16)
    assert searches(proxy) == [16, 8, 2]


async def test_searches_that_are_refused_for_ever_are_unknown(proxy: Proxy, make: Make) -> None:
    search = make({"chunk": 16})
    proxy.edit = lambda answer: BUSY
    answers = await classified(search, 16)
    assert len(answers) == 16
    for answer in answers.values():
        assert answer == Unknown("the server refused the search (429): es_rejected_execution_exception: queue full", [])
    assert sum(searches(proxy)) == 16 * QUICK.tries


def searches(proxy: Proxy) -> list[int]:
    """How many there were in each request."""
    return [one.body.count(b"\n") // 2 for one in proxy.passed if one.action == "_msearch"]
