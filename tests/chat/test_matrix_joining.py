"""How the bot comes into its rooms at a homeserver that is in trouble, or does not let it: seldom, and saying why."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.chat.matrix.config import Timings
from bot.chat.matrix.invites import MOST_PENDING, Invitation, Invites
from bot.chat.matrix.keep import Kept
from bot.chat.matrix.rooms import Rooms
from bot.errors import TemporaryError
from bot.talk import JOINED
from tests.chat.fake_matrix import (
    ROOM,
    USER,
    Answer,
    FarEnd,
    bad_gateway,
    bot_for,
    line,
    never,
    refuses,
    says,
    stream,
)
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import Bot, MemoryKeep, config, post, timings

ADA = "@ada:example.org"
NEW = "!new:elsewhere.org"
SLOW = timings(join_pause=timedelta(seconds=60), longest_join_pause=timedelta(seconds=60))


def state(kind: str, **content: Any) -> dict[str, Any]:
    return line(kind, ADA) | {"type": kind, "state_key": "", "content": content}


def created(**content: Any) -> dict[str, Any]:
    return state("m.room.create", room_version="12", **content)


def moved() -> Answer:
    """The room tells that it has moved."""
    return stream("n1", created(), state("m.room.tombstone", replacement_room=NEW))


async def nothing_new(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(0.2)
    return web.json_response({"next_batch": request.query["since"]})


def tells(after: str, room_id: str, *events: dict[str, Any]) -> Answer:
    """A sync answer with events of one room."""
    timeline = {"events": list(events), "limited": False, "prev_batch": "p"}
    return says({"next_batch": after, "rooms": {"join": {room_id: {"timeline": timeline}}}})


# -- rooms that moved -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (bad_gateway, "HTTP 502"),
        (refuses("M_UNKNOWN", 503, retry_after_ms=60_000), "HTTP 503"),
        (refuses("M_LIMIT_EXCEEDED", 429, retry_after_ms=60_000), "too many requests"),
    ],
)
async def test_a_room_that_cannot_be_followed_now_is_tried_seldom_and_closed(
    far_end: FarEnd, keep: MemoryKeep, answer: Answer, sentence: str
) -> None:
    far_end.plays(tok1=moved())
    far_end.answers["join"] = answer
    asked_to_wait = answer is not bad_gateway
    async with bot_for(far_end, keep, **({} if asked_to_wait else {"timings": SLOW})).running() as bot:
        await until(lambda: far_end.count("POST join") > 0)
        await until(lambda: sentence in bot.chat.status().rooms[ROOM])
        assert f"the room moved to {NEW}" in bot.chat.status().rooms[ROOM]
        with pytest.raises(TemporaryError, match="cannot follow now"):
            await bot.chat.say(post(ROOM, "alert", "k"))
        await asyncio.sleep(0.5)  # the time in which the requests are counted
        assert far_end.count("POST join") == 1


@pytest.mark.parametrize("trouble", [bad_gateway, refuses("M_UNKNOWN", 400)])
async def test_a_false_room_is_left_again_where_that_did_not_go(
    far_end: FarEnd, keep: MemoryKeep, trouble: Answer
) -> None:
    far_end.plays(tok1=moved(), n1=tells("n2", NEW, created()), n2=nothing_new)
    far_end.answers |= {"join": says({"room_id": NEW}), "leave": trouble}
    async with bot_for(far_end, keep).running() as bot:
        await until(lambda: far_end.count("POST leave") > 1)
        assert bot.chat._rooms.is_joined(NEW)
        far_end.answers["leave"] = says({})
        await until(lambda: not bot.chat._rooms.is_joined(NEW))
        await until(lambda: f"{NEW} does not show" in bot.chat.status().rooms[ROOM])
        left, joined = far_end.count("POST leave"), far_end.count("POST join")
        await asyncio.sleep(0.5)  # the time in which the requests are counted
        assert (far_end.count("POST leave"), far_end.count("POST join"), joined) == (left, joined, 1)


async def test_a_configured_room_is_not_left_for_what_another_says(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.plays(tok1=moved(), n1=tells("n2", NEW, created()), n2=nothing_new)
    far_end.answers |= {"join": says({"room_id": NEW}), "leave": says({})}
    bot = Bot(config(far_end.url, USER), [ROOM, f"net:{NEW}"], keep)
    async with bot.running():
        await until(lambda: f"{NEW} does not show" in bot.chat.status().rooms[ROOM])
        await asyncio.sleep(0.5)  # the time in which it would be left
        assert far_end.count("POST leave") == 0
        assert bot.chat.status().rooms[f"net:{NEW}"] == JOINED


# -- invitations ----------------------------------------------------------------------------------------------


def invites_to(after: str, room_id: str) -> Answer:
    member = {"type": "m.room.member", "sender": ADA, "state_key": USER, "content": {"membership": "invite"}}
    return says({"next_batch": after, "rooms": {"invite": {room_id: {"invite_state": {"events": [member]}}}}})


async def test_an_invitation_to_another_room_is_no_reason_to_try_all(far_end: FarEnd, keep: MemoryKeep) -> None:
    ids = [f"!{number}:example.org" for number in range(30)]
    strangers = {f"n{number}": invites_to(f"n{number + 1}", f"!stranger{number}:x") for number in range(5)}
    far_end.plays(tok1=says({"next_batch": "n0"}), **strangers, n5=invites_to("n6", ids[7]), n6=nothing_new)
    far_end.answers |= {"join": refuses("M_FORBIDDEN", 403), "directory": refuses("M_NOT_FOUND", 404)}
    far_end.answers["leave"] = says({})
    rooms = [f"net:{room}" for room in (*ids, "#nowhere:example.org")]
    async with Bot(config(far_end.url, USER, timings=SLOW), rooms, keep).running() as bot:
        await until(lambda: "n6" in far_end.since and far_end.count("POST leave") == 5)
        await until(lambda: far_end.count("POST join") == len(ids) + 1)
        await asyncio.sleep(0.3)  # the time in which the requests are counted
        assert (far_end.count("POST join"), far_end.count("GET directory")) == (len(ids) + 1, 1)
        assert "not invited to !7" in bot.chat.status().rooms[f"net:{ids[7]}"]


def test_an_invitation_may_open_a_room_of_which_nothing_is_known() -> None:
    now = [1000.0]
    rooms = Rooms(
        "net", ["net:#alias:x", "net:!id:x"], Kept(MemoryKeep(), "net", USER), Timings(), USER, lambda: now[0]
    )
    by_alias, by_id = rooms.places
    for place in rooms.places:
        for _ in range(9):
            place.wait("no")
    late = by_id.due
    for _ in range(5):
        rooms.invited("!stranger:x")
        now[0] += 1
    assert (by_alias.due, by_id.due) == (1010.0, late)
    assert late > 1100
    rooms.invited("!id:x")
    assert (by_alias.due, by_id.due) == (1010.0, 0.0)


async def test_who_is_on_the_list_does_not_wait_for_an_alias_that_nobody_answers_for(
    far_end: FarEnd, keep: MemoryKeep
) -> None:
    """Nor does a private talk; of any other room it is not known whether it is the configured one."""
    kept = [
        {"room_id": "!other:x", "inviter": "@eve:y", "direct": False},
        {"room_id": "!talk:x", "inviter": "@eve:y", "direct": True},
        {"room_id": "!friend:x", "inviter": "@bob:z", "direct": False},
    ]
    keep.values[f"matrix.net.{USER}.invitations"] = json.dumps(kept)

    async def join(request: web.Request) -> web.StreamResponse:
        address = request.path.rpartition("/")[2]
        return web.json_response({"room_id": "!other:x" if address.startswith("#") else address})

    far_end.answers |= {"directory": bad_gateway, "leave": says({}), "join": join}
    invites = {"servers": ["z"]}
    async with Bot(config(far_end.url, USER, invites=invites), ["net:#gate:x"], keep).running() as bot:
        await until(lambda: json.loads(keep.value(".invitations")) == kept[:1])
        assert (far_end.count("POST join"), far_end.count("POST leave")) == (1, 1)
        assert json.loads(keep.value(".accepted")) == ["!friend:x"]
        far_end.answers["directory"] = says({"room_id": "!other:x", "servers": []})
        await until(lambda: keep.value(".invitations") == "[]")
        assert bot.chat.status().rooms == {"net:#gate:x": JOINED}
        assert bot.chat._rooms.configured() == {"!other:x"}


async def test_an_invitation_that_the_server_limits_stops_the_round(far_end: FarEnd, keep: MemoryKeep) -> None:
    kept = [{"room_id": f"!{number}:x", "inviter": ADA, "direct": False} for number in range(9)]
    keep.values[f"matrix.net.{USER}.invitations"] = json.dumps(kept)
    far_end.answers["leave"] = refuses("M_LIMIT_EXCEEDED", 429, retry_after_ms=1500)
    async with bot_for(far_end, keep).running():
        await until(lambda: far_end.count("POST leave") == 1)
        await asyncio.sleep(1.0)  # the time in which the requests are counted: five rounds, if it did not wait
        assert far_end.count("POST leave") == 1
        far_end.answers["leave"] = says({})
        await until(lambda: keep.value(".invitations") == "[]")


@pytest.mark.parametrize(
    ("listed", "noted"),
    [
        (refuses("M_NOT_FOUND", 404), {"@eve:y": ["!talk:x"]}),
        (says({"@eve:y": "odd", "@bob:z": ["!b:z"]}), {"@eve:y": ["!talk:x"], "@bob:z": ["!b:z"]}),
        (says({"@eve:y": ["!talk:x"]}), None),
        (refuses("M_FORBIDDEN", 403), None),
        (bad_gateway, None),
    ],
)
async def test_a_private_talk_is_noted_beside_the_others(
    far_end: FarEnd, keep: MemoryKeep, listed: Answer, noted: dict[str, list[str]] | None
) -> None:
    keep.values[f"matrix.net.{USER}.invitations"] = json.dumps(
        [{"room_id": "!talk:x", "inviter": "@eve:y", "direct": True}]
    )
    written = []

    async def account_data(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return await listed(request)
        written.append(await request.json())
        return web.json_response({})

    far_end.answers |= {"account_data": account_data, "join": says({"room_id": "!talk:x"})}
    async with bot_for(far_end, keep, invites={"people": ["@eve:y"]}).running() as bot:
        await until(lambda: keep.value(".invitations") == "[]")
        assert bot.chat._rooms.is_joined("!talk:x")
    assert far_end.count("GET account_data") == 1
    assert written == ([] if noted is None else [noted])


async def test_a_talk_that_is_entered_when_the_bot_stops_is_not_left_afterwards(
    far_end: FarEnd, keep: MemoryKeep
) -> None:
    """The server let it in, or did not; the process knows neither."""
    keep.values[f"matrix.net.{USER}.invitations"] = json.dumps(
        [{"room_id": "!talk:x", "inviter": "@eve:y", "direct": False}]
    )
    far_end.answers |= {"join": never, "leave": says({})}
    async with bot_for(far_end, keep, invites={"people": ["@eve:y"]}).running():
        await until(lambda: far_end.count("POST join") == 1)
    keep.values.pop(f"matrix.net.{USER}.invitations")  # so that nothing but what was accepted speaks for the room
    rooms = {room: {"timeline": {"events": [], "limited": False, "prev_batch": "p"}} for room in (ROOM[4:], "!talk:x")}
    far_end.plays(tok1=says({"next_batch": "n1", "rooms": {"join": rooms}}), n1=nothing_new)
    keep.values[f"matrix.net.{USER}.since"] = "tok1"
    async with bot_for(far_end, keep).running() as bot:
        await until(lambda: far_end.since.count("n1") > 3)
        assert bot.chat._rooms.is_joined("!talk:x")
    assert far_end.count("POST leave") == 0


async def test_no_more_than_some_invitations_are_kept(far_end: FarEnd, keep: MemoryKeep) -> None:
    kept = Kept(keep, "net", USER)
    bot_config = config(far_end.url, USER)
    invites = Invites(kept, Rooms("net", [], kept, bot_config.timings, USER), bot_config)
    for number in range(MOST_PENDING + 5):
        await invites.add(Invitation(f"!{number}:x", ADA, False))
    ids = [one["room_id"] for one in json.loads(keep.value(".invitations"))]
    assert ids == [f"!{number}:x" for number in range(5, MOST_PENDING + 5)]


# -- aliases that nobody answers for --------------------------------------------------------------------------


def remember(keep: MemoryKeep, alias: str, room_id: str) -> None:
    """An earlier process found that the alias leads to that room."""
    keep.values[f"matrix.net.{USER}.rooms"] = json.dumps({alias: room_id})


async def dead_or_alive(request: web.Request) -> web.StreamResponse:
    """Aliases of a server that answers, and of those that do not."""
    alias = request.path.rpartition("/")[2]
    if "dead" in alias:
        return await never(request)
    return web.json_response({"room_id": "!alive:example.org", "servers": []})


async def test_a_room_that_the_bot_is_in_does_not_wait_for_its_alias(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.answers["directory"] = dead_or_alive
    remember(keep, "#dead:example.org", "!room:example.org")
    async with Bot(config(far_end.url, USER), ["net:#dead:example.org"], keep).running() as bot:
        await bot.ready(within=2.0)
        await bot.chat.say(post("net:#dead:example.org", "alert", "k"))
        await until(lambda: far_end.count("GET directory") == 1)


async def test_dead_servers_do_not_keep_the_others_waiting_one_by_one(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.answers |= {"directory": dead_or_alive, "join": says({"room_id": "!alive:example.org"})}
    far_end.answers["leave"] = says({})
    rooms = [f"net:#dead{number}:example.org" for number in range(10)]
    short = timings(request=timedelta(seconds=1), join_pause=timedelta(seconds=60))
    async with Bot(config(far_end.url, USER, timings=short), [*rooms, "net:#alive:x"], keep).running() as bot:
        await bot.ready(within=5.0)  # one by one it takes ten seconds
        assert bot.chat.status().rooms["net:#alive:x"] == JOINED
        assert all("no answer within 1 s" in bot.chat.status().rooms[room] for room in rooms)


async def test_the_kept_id_serves_to_join_while_its_alias_cannot_be_looked_up(
    far_end: FarEnd, keep: MemoryKeep
) -> None:
    joined = list[str]()

    async def join(request: web.Request) -> web.StreamResponse:
        joined.append(request.path.rpartition("/")[2])
        return web.json_response({"room_id": "!kept:x"})

    far_end.answers |= {"directory": bad_gateway, "join": join, "leave": says({})}
    remember(keep, "#gate:x", "!kept:x")
    async with Bot(config(far_end.url, USER), ["net:#gate:x"], keep).running() as bot:
        await bot.joined("net:#gate:x")
        assert joined == ["!kept:x"]
        await until(lambda: far_end.count("GET directory") >= 3)
        looked_up = far_end.count("GET directory")
        await asyncio.sleep(0.5)  # the time in which the requests are counted
        assert far_end.count("GET directory") <= looked_up + 3
        far_end.answers["directory"] = says({"room_id": "!new:x", "servers": []})
        await until(lambda: joined == ["!kept:x", "#gate:x"])
