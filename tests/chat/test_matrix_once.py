"""What may have been said before is looked for in the room, once the homeserver has forgotten its transaction id."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.chat.matrix.saidbefore import MARK, PAGES, REMEMBERED
from bot.errors import TemporaryError
from bot.talk import Heard, Person
from tests.chat.fake_matrix import ROOM, USER, FarEnd, bad_gateway, earlier_keep, refuses, says
from tests.chat.matrix_bot import Bot, MemoryKeep, config, post
from tests.chat.matrix_scene import Scene
from tests.servers.synapse import SERVER_NAME

real = pytest.mark.xdist_group("synapse")


def now() -> datetime:
    return datetime.now(UTC)


# -- on a real Synapse ----------------------------------------------------------------------------------------


@real
async def test_what_the_server_has_forgotten_is_found_in_the_room(scene: Scene, tmp_path: Path) -> None:
    """An announcement, an edit, a late reply, one that was redacted, one in an encrypted room.

    All but the last two also by a bot that lost its device.
    """
    began, room = now(), scene.room
    secret_id = await scene.human.do(scene.human.create, f"{scene.alias}-secret")
    algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
    await scene.human.do(scene.human.state, secret_id, "m.room.encryption", algorithm)
    secret = f"net:#{scene.alias}-secret:{SERVER_NAME}"
    settings = config(scene.synapse.url, scene.user, encryption=True)

    def encrypting() -> Bot:
        return Bot(settings, [room, secret], scene.keep, tmp_path / "crypto")

    asked = Heard("$x", "net", room, False, Person("ada"), "!top", began - REMEMBERED - timedelta(minutes=1))
    async with encrypting().running() as bot:
        await bot.ready()
        posts = [post(room, "root", "k1"), post(room, "redacted", "k2"), post(room, "reply", "k3", answers=asked)]
        said = [await bot.chat.say(one) for one in posts]
        posts.append(post(room, "edited", "k4", replaces=said[0]))
        posts.append(post(secret, "secret", "k5"))
        said += [await bot.chat.say(one) for one in posts[3:]]
        for number in range(101):
            await bot.chat.say(post(room, f"later {number}", f"later-{number}"))
        redact = f"rooms/{scene.room_id}/redact/{said[1].id}/x"
        await scene.human.do(scene.human.call, "PUT", redact, {"reason": "no"})
    there = await scene.said()
    await asyncio.to_thread(scene.synapse.forget_transactions)
    in_doubt = [one if one.answers else replace(one, doubt_since=began) for one in posts]
    async with encrypting().running() as bot:
        await bot.ready()
        assert [await bot.chat.say(one) for one in in_doubt] == said
    scene.keep = MemoryKeep()
    async with scene.bot().running() as bot:
        await bot.ready()
        # The key of one went with its content, that of the other cannot be read: both have the other device's id only.
        plain = [0, 2, 3]
        assert [await bot.chat.say(in_doubt[one]) for one in plain] == [said[one] for one in plain]
        assert await scene.said() == there
        assert await bot.chat.say(posts[0]) != said[0]  # where nobody looks, the server takes it as a new one


@real
async def test_what_was_never_said_is_said(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        # A person who says it first, mark and all, takes nothing away.
        await scene.say("news", **{MARK: "k1"})
        await bot.chat.say(post(scene.room, "news", "k1", doubt_since=now() - timedelta(days=2)))
    assert await scene.said() == ["news"]


# -- a far end whose room looks as a test wants it ------------------------------------------------------------


def event(number: int, at: datetime, **more: Any) -> dict[str, Any]:
    content = {"msgtype": "m.notice", "body": "x"}
    base = {"type": "m.room.message", "event_id": f"${number}", "sender": USER, "content": content}
    return {**base, "origin_server_ts": int(at.timestamp() * 1000), **more}


def pages(*chunks: list[dict[str, Any]]) -> Any:
    """The room read backwards, a page an answer; what was asked for as `from` is the page's number."""

    async def answer(request: web.Request) -> web.StreamResponse:
        place = int(request.query.get("from", "0"))
        end = {"end": str(place + 1)} if place + 1 < len(chunks) else {}
        return web.json_response({"chunk": chunks[place], "start": "s", **end})

    return answer


async def said_in(far_end: FarEnd, since: datetime) -> str:
    async with Bot(config(far_end.url, USER), [ROOM], earlier_keep()).running() as bot:
        await bot.ready()
        return (await bot.chat.say(post(ROOM, "x", "k", doubt_since=since))).id


async def test_it_is_found_on_a_later_page_and_odd_events_are_passed(far_end: FarEnd) -> None:
    at = now()
    odd = [event(1, at, content={MARK: ["k"]}), event(2, at, content=None)]
    odd += [{"type": 7, "sender": USER, "origin_server_ts": 1 << 70, "event_id": "$odd"}]
    found = event(5, at, unsigned={"transaction_id": "k"})
    far_end.answers["messages"] = pages(odd, [event(3, at, sender="@eve:x", content={MARK: "k"})], [found])
    assert await said_in(far_end, at) == "$5"
    assert (far_end.count("GET messages"), far_end.count("PUT send")) == (3, 0)


async def test_nobody_looks_further_back_than_it_can_have_been_said(far_end: FarEnd) -> None:
    at = now()
    far_end.answers["messages"] = pages([event(1, at)], [event(2, at - timedelta(hours=1))], [event(3, at)])
    assert await said_in(far_end, at) == "$said"
    assert far_end.count("GET messages") == 2


async def test_a_room_of_endless_words_ends_the_search(far_end: FarEnd) -> None:
    at = now()
    far_end.answers["messages"] = pages(*[[event(number, at)] for number in range(PAGES + 5)])
    assert await said_in(far_end, at) == "$said"
    assert far_end.count("GET messages") == PAGES


async def test_a_room_that_cannot_be_read_back_is_told(far_end: FarEnd) -> None:
    far_end.answers["messages"] = refuses("M_FORBIDDEN", 403)
    assert await said_in(far_end, now()) == "$said"


async def test_while_nobody_knows_it_is_not_said(far_end: FarEnd) -> None:
    far_end.answers["messages"] = bad_gateway
    async with Bot(config(far_end.url, USER), [ROOM], earlier_keep()).running() as bot:
        await bot.ready()
        doubtful = post(ROOM, "x", "k", doubt_since=now())
        with pytest.raises(TemporaryError, match=f"{ROOM}: look for what was said: HTTP 502"):
            await bot.chat.say(doubtful)
        assert far_end.count("PUT send") == 0
        far_end.answers["messages"] = says({"chunk": [], "start": "s"})
        assert (await bot.chat.say(doubtful)).id == "$said"
        far_end.answers["messages"] = refuses("M_UNKNOWN_TOKEN", 401)
        with pytest.raises(TemporaryError, match="the access token was refused"):
            await bot.chat.say(doubtful)
