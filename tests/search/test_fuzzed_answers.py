"""Answers of a real server, broken at random: each call gives Complete or Unknown, no Complete lacks what is there."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from bot.model import Answer, Complete, Unknown
from tests.search.asking import ASK, Make
from tests.servers.proxy import Proxy, proxying

pytestmark = [pytest.mark.xdist_group("opensearch"), pytest.mark.engines]

ROUNDS = 120  # per question
Place = tuple[str | int, ...]
ANYTHING: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    7,
    1e300,
    10**400,
    float("nan"),
    10**30,
    "",
    "x",
    "\ud800",
    [],
    [None],
    {},
    {"x": 1},
]


@dataclass
class Replaying(Proxy):
    """Keeps each answer that passes, and gives what `instead` has in place of asking again."""

    kept: dict[str, bytes] = field(default_factory=dict)
    instead: dict[str, bytes] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        action = request.path.rpartition("/")[2]
        if action in self.instead:
            return web.Response(body=self.instead[action], content_type="application/json")
        answer = await super().answer(request)
        assert isinstance(answer, web.Response)
        assert isinstance(answer.body, bytes)
        self.kept[action] = answer.body
        return answer


@pytest.fixture
async def replaying(opensearch: str) -> AsyncIterator[Replaying]:
    async with proxying(opensearch, kind=Replaying) as one:
        yield one


def places(of: Any, here: Place = ()) -> Iterator[Place]:
    """Every place below the top, in the order in which it stands there."""
    inner = of.items() if isinstance(of, dict) else enumerate(of) if isinstance(of, list) else ()
    for key, value in inner:
        yield (*here, key)
        yield from places(value, (*here, key))


def at(of: Any, place: Place) -> Any:
    for key in place:
        of = of[key]
    return of


def broken(answer: Any, dice: random.Random) -> tuple[Any, Place]:
    """With one place taken away or replaced by anything."""
    answer = copy.deepcopy(answer)
    place = dice.choice(list(places(answer)))
    holder = at(answer, place[:-1])
    if dice.random() < 0.25:
        del holder[place[-1]]
    else:
        holder[place[-1]] = dice.choice(ANYTHING)
    return answer, place


@pytest.mark.parametrize("ask", sorted(ASK))
async def test_nothing_escapes(ask: str, replaying: Replaying, gate: str, make: Make) -> None:
    """Up to three places of one answer are broken, or its text is cut or has other bytes in it."""
    search = make({"url": replaying.url}, page=3)
    assert isinstance(await ASK[ask](search), Complete)
    dice = random.Random(f"20141120 {ask}")
    action = "_field_caps" if ask == "fields" else "_msearch" if ask == "hits" else "_search"
    answers: list[Answer[Any]] = []
    for _ in range(ROUNDS):
        parsed = json.loads(replaying.kept[action])
        for _ in range(dice.randint(1, 3)):
            parsed, _ = broken(parsed, dice)
        text = json.dumps(parsed).encode()
        if dice.random() < 0.2:
            text = text[: dice.randrange(len(text))] + dice.choice([b"", b"\xff", b"<html>", b"}"])
        replaying.instead = {action: text}
        answers.append(await ASK[ask](search))
    assert all(isinstance(answer, (Complete, Unknown)) for answer in answers)
    assert all(answer.why for answer in answers if isinstance(answer, Unknown))
    assert 10 < sum(isinstance(answer, Unknown) for answer in answers) <= ROUNDS
    replaying.instead = {}
    assert isinstance(await ASK[ask](search), Complete)


def wrong_kind(value: Any, dice: random.Random) -> Any:
    """What can be told from it at a glance: a list for a mapping, a mapping for a word."""
    if isinstance(value, dict):
        return dice.choice([None, [], "x", 7])
    if isinstance(value, list):
        return dice.choice([None, {}, "x", 7])
    return dice.choice([None, [], {}, [value], {"x": value}])


@pytest.mark.parametrize("ask", ["builds", "described", "hits"])
async def test_no_complete_answer_lacks_a_build(ask: str, replaying: Replaying, gate: str, make: Make) -> None:
    """Something of another kind stands somewhere: then the builds are all there, or it is Unknown."""
    search = make({"url": replaying.url})
    healthy = await ASK[ask](search)
    assert isinstance(healthy, Complete)
    dice = random.Random(f"20141120 {ask}")
    action = "_msearch" if ask == "hits" else "_search"
    known = {identity(one) for one in healthy.found}
    answers: list[Answer[Any]] = []
    everywhere = sorted(places(json.loads(replaying.kept[action])), key=repr)
    for place in dice.sample(everywhere, min(60, len(everywhere))):
        answer = json.loads(replaying.kept[action])
        at(answer, place[:-1])[place[-1]] = wrong_kind(at(answer, place), dice)
        replaying.instead = {action: json.dumps(answer).encode()}
        answers.append(await ASK[ask](search))
        there = {identity(one) for one in answers[-1].found}
        assert there <= known, place
        assert there == known or isinstance(answers[-1], Unknown), place
    assert any(isinstance(answer, Unknown) for answer in answers)
    assert any(isinstance(answer, Complete) for answer in answers)


def identity(one: Any) -> tuple[Any, ...]:
    """What of a Listed, a Build or a Hit is not out of a document's own text."""
    return tuple(
        getattr(one, name, None) for name in ("uuid", "build", "documents", "count", "newest", "first", "last")
    )
