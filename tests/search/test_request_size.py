"""How large requests are, measured where they pass: no proxy on the way has to take more than 500 kB."""

from __future__ import annotations

from itertools import pairwise

import pytest
from aiohttp import web

from bot.lucene.tree import Word
from bot.model import Where
from bot.search import Question
from tests.search.asking import RESET, Make
from tests.search.contract import DAY, FIRST, LONG, by_build, every, found, phrase, uuids
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.xdist_group("opensearch")

MOST = 500_000
MANY = [*(f"{number:032x}" for number in range(9_998)), *uuids(FIRST, LONG)]


async def test_a_thousand_signatures_for_many_builds(proxy: Proxy, make: Make) -> None:
    search = make({"at_once": 2})
    reset = phrase(search, RESET)
    questions = [Question(str(n), every(reset, without=[Word("message", f"signature{n}")])) for n in range(1_000)]
    some = [*MANY[:498], *uuids(FIRST, LONG)]  # a transaction's worth
    answers = await search.hits(questions, some, DAY)
    assert len(answers) == 1_000
    assert all(by_build(found(answer)) == {FIRST.uuid: 2, LONG.uuid: 1} for answer in answers.values())
    sizes = [one.size for one in proxy.passed]
    assert max(sizes) <= MOST
    assert len(sizes) < 60  # 1,000 items of 19 kB: they are full, too


async def test_ten_thousand_builds(proxy: Proxy, make: Make) -> None:
    search = make()
    answers = await search.hits([Question("1", phrase(search, RESET))], MANY, DAY)
    assert by_build(found(answers["1"])) == {FIRST.uuid: 2, LONG.uuid: 1}
    assert sorted(one.uuid for one in found(await search.builds(DAY, Where(uuids=tuple(MANY))))) == uuids(FIRST, LONG)
    assert sorted(one.uuid for one in found(await search.described(MANY, DAY))) == uuids(FIRST, LONG)
    assert max(one.size for one in proxy.passed) <= MOST


@pytest.mark.parametrize("takes", [100_000, 20_000])
async def test_a_413_halves_them(takes: int, proxy: Proxy, make: Make) -> None:
    sizes: list[int] = []

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        sizes.append(len(body))
        return web.Response(status=413) if len(body) > takes else None

    proxy.before = before
    search = make()
    questions = [Question(str(number), phrase(search, RESET)) for number in range(20)]
    some = [*MANY[:998], *uuids(FIRST, LONG)]
    for _ in range(2):
        answers = await search.hits(questions, some, DAY)
        assert all(by_build(found(answer)) == {FIRST.uuid: 2, LONG.uuid: 1} for answer in answers.values())
    refused = [size for size in sizes if size > takes]
    assert refused
    # Each is at most half of the one before it that was refused, and what was learnt holds for the second time.
    assert all(later <= sooner / 2 for sooner, later in pairwise(refused))
    assert max(sizes[len(sizes) // 2 :]) <= takes
