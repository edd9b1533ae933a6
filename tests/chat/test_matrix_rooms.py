"""Which rooms the bot is in: by whose word it comes, why it cannot, when it goes; on a real Synapse."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta

import pytest
from aiohttp import web

from bot.errors import TemporaryError
from bot.talk import JOINED, NOT_YET
from tests.chat.fake_matrix import ROOM, USER, FarEnd, bad_gateway, bot_for, earlier_keep, refuses, says
from tests.chat.human_matrix import Human, until
from tests.chat.matrix_bot import PASSWORD, Bot, config, milliseconds, post, timings
from tests.chat.matrix_scene import Scene
from tests.servers.synapse import SERVER_NAME

pytestmark = pytest.mark.xdist_group("synapse")
SLOW = timings(join_pause=timedelta(seconds=60), longest_join_pause=timedelta(seconds=60))
VERSIONS = pytest.mark.parametrize("version", ["10", "11", "12"])


def members(scene: Scene, room_id: str) -> bool:
    """Is the bot in that room?"""
    return scene.user in scene.human.members(room_id)


async def invited_by(scene: Scene, human: Human, direct: bool, **more: object) -> str:
    """A new room to which this person invites the bot."""
    return await human.do(human.create, public=False, invite=scene.user, direct=direct, **more)


async def answered(scene: Scene) -> None:
    """No invitation waits any more."""
    await until(lambda: scene.keep.value(".invitations") == "[]")


async def pending(human: Human, room_id: str, user: str) -> str:
    """How the bot stands to the room: invite, join, leave."""
    state = await human.do(human.call, "GET", f"rooms/{room_id}/state/m.room.member/{user}")
    return str(state["membership"])


# -- invitations ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "direct", "outcome"),
    [
        ({}, False, "leave"),
        ({}, True, "leave"),  # she shares no configured room
        ({"people": [f"@e*:{SERVER_NAME}"]}, False, "join"),
        ({"people": [f"@f*:{SERVER_NAME}"]}, True, "leave"),
        ({"servers": ["*.test"]}, False, "join"),
        ({"servers": ["localhost"]}, True, "leave"),
    ],
)
async def test_invitations_are_for_those_on_the_list(
    scene: Scene, people: tuple[Human, Human], allowed: dict[str, list[str]], direct: bool, outcome: str
) -> None:
    eve = people[1]
    async with scene.bot(invites=allowed).running() as bot:
        await bot.ready()
        room_id = await invited_by(scene, eve, direct)
        await until(lambda: _is(eve, room_id, scene.user, outcome))
        if outcome == "join":
            await eve.do(eve.send, room_id, "!top")
            await until(lambda: bot.texts() == ["!top"])
        await answered(scene)
    assert json.loads(scene.keep.value(".accepted")) == ([room_id] if outcome == "join" else [])


async def _is(human: Human, room_id: str, user: str, wanted: str) -> bool:
    return await pending(human, room_id, user) == wanted


async def test_private_talks_are_known_as_such_to_the_accounts_other_clients(
    scene: Scene, people: tuple[Human, Human]
) -> None:
    eve = people[1]
    phone = await eve.do(Human, scene.synapse.url, scene.user[1:].partition(":")[0], PASSWORD)
    async with scene.bot(invites={"people": [eve.id]}).running() as bot:
        await bot.ready()
        for direct in (True, False, True):
            room_id = await invited_by(scene, eve, direct)
            await until(lambda room_id=room_id: _is(eve, room_id, scene.user, "join"))
            await answered(scene)
    joined = await eve.do(lambda: json.loads(scene.keep.value(".accepted")))
    talks = (await phone.do(phone.call, "GET", f"user/{scene.user}/account_data/m.direct"))[eve.id]
    assert (len(joined), len(talks), set(talks) < set(joined)) == (3, 2, True)


async def test_rooms_are_on_the_list_by_id_or_alias_whoever_invites(scene: Scene, people: tuple[Human, Human]) -> None:
    eve = people[1]
    by_id = await eve.do(eve.create, public=False)
    by_alias = await eve.do(eve.create, f"{scene.alias}-listed", public=False)
    neither = await eve.do(eve.create, public=False)
    listed = [by_id, f"#nowhere:{SERVER_NAME}", f"#{scene.alias}-listed:{SERVER_NAME}"]
    async with scene.bot(invites={"rooms": listed, "members": False}).running() as bot:
        await bot.ready()
        for room_id in (by_id, by_alias, neither):
            await eve.do(eve.invite, room_id, scene.user)
        for room_id, outcome in ((by_id, "join"), (by_alias, "join"), (neither, "leave")):
            await until(lambda room_id=room_id, outcome=outcome: _is(eve, room_id, scene.user, outcome))


async def test_members_may_be_kept_from_private_talks(scene: Scene) -> None:
    async with scene.bot(invites={"members": False}).running() as bot:
        await bot.ready()
        room_id = await invited_by(scene, scene.human, True)
        await until(lambda: _is(scene.human, room_id, scene.user, "leave"))


async def test_an_invitation_that_was_kept_is_answered_after_a_restart(
    scene: Scene, people: tuple[Human, Human]
) -> None:
    eve = people[1]
    async with scene.bot().running() as bot:
        await bot.ready()
    stranger = await invited_by(scene, eve, True)
    friend = await invited_by(scene, scene.human, True)
    # The process before kept the invitations and its place behind them, and died: the server tells of them only once.
    kept = [{"room_id": stranger, "inviter": eve.id, "direct": True}]
    kept += [{"room_id": friend, "inviter": scene.human.id, "direct": True}]
    phone = await eve.do(Human, scene.synapse.url, scene.user[1:].partition(":")[0], PASSWORD)
    prefix = next(iter(scene.keep.values)).rpartition(".")[0]
    scene.keep.values[f"{prefix}.since"] = (await phone.do(phone.call, "GET", "sync?timeout=0"))["next_batch"]
    scene.keep.values[f"{prefix}.invitations"] = json.dumps(kept)
    async with scene.bot().running() as bot:
        await until(lambda: _is(scene.human, friend, scene.user, "join"))
        await until(lambda: _is(eve, stranger, scene.user, "leave"))
        await answered(scene)


async def test_an_invitation_taken_back_is_forgotten(scene: Scene, people: tuple[Human, Human]) -> None:
    eve = people[1]
    gone = f"net:#{scene.alias}-gone:{SERVER_NAME}"
    private = await eve.do(eve.create, f"{scene.alias}-gone", public=False)
    async with scene.bot(gone, timings=SLOW).running() as bot:
        await bot.ready()
        await eve.do(eve.invite, private, scene.user)
        await bot.joined(gone)
        await eve.do(eve.kick, private, scene.user)
        await until(lambda: bot.chat.status().rooms[gone] == f"removed by {eve.id}")
        await answered(scene)


# -- rooms that nobody configured -----------------------------------------------------------------------------


async def test_a_room_that_nobody_configured_is_left_and_a_talk_is_not(scene: Scene) -> None:
    human = scene.human
    forgotten = await human.do(human.create, f"{scene.alias}-old")
    async with scene.bot(f"net:{forgotten}").running() as bot:
        await bot.ready()
        talk = await invited_by(scene, human, True)
        await until(lambda: members(scene, talk))
    async with scene.bot(leave_unknown=False).running() as bot:
        await bot.ready()
        await human.do(human.send, forgotten, "!still here")
        await until(lambda: "!still here" in bot.texts())
    async with scene.bot().running() as bot:
        await bot.ready()
        await until(lambda: not members(scene, forgotten))
        assert bot.chat.status().rooms == {scene.room: "joined"}
    async with scene.bot().running() as bot:
        await bot.ready()
        await human.do(human.send, talk, "top")
        await until(lambda: "top" in bot.texts())
        assert await human.do(members, scene, talk)


async def test_nothing_is_left_while_a_configured_room_may_be_any_of_them() -> None:
    far_end, room = FarEnd(), "net:#gate:example.org"
    far_end.answers |= {"directory": bad_gateway, "leave": says({}), "join": says({"room_id": "!other:example.org"})}
    async with far_end.serving(), Bot(config(far_end.url, USER), [room], earlier_keep()).running() as bot:
        await until(lambda: far_end.count("GET directory") >= 3)
        assert "HTTP 502" in bot.chat.status().rooms[room]
        assert far_end.count("POST leave") == 0
        far_end.answers["directory"] = says({"room_id": "!other:example.org", "servers": []})
        await until(lambda: far_end.count("POST leave") == 1)
        assert bot.chat.status().rooms == {room: JOINED}


async def test_leaving_waits_as_long_as_the_server_asks(caplog: pytest.LogCaptureFixture) -> None:
    timeline = {"timeline": {"events": [], "limited": False, "prev_batch": "p"}}
    rooms = dict.fromkeys((ROOM.partition(":")[2], "!old1:x", "!old2:x"), timeline)
    far_end, asked = FarEnd(), list[float]()

    async def limited(request: web.Request) -> web.StreamResponse:
        asked.append(time.monotonic())
        body = {"errcode": "M_LIMIT_EXCEEDED", "error": "slow", "retry_after_ms": 400}
        return web.json_response(body, status=429) if len(asked) == 1 else web.json_response({})

    far_end.answers["leave"] = limited
    far_end.plays(tok1=says({"next_batch": "n1", "rooms": {"join": rooms}}))
    async with far_end.serving(), bot_for(far_end, earlier_keep()).running() as bot:
        await until(lambda: len(asked) == 1)
        bot.chat._rooms.wake.set()
        await until(lambda: len(asked) == 3)
    assert asked[1] - asked[0] >= 0.4
    assert "cannot leave" not in caplog.text


async def test_a_talk_that_ended_is_no_accepted_room_any_more(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        talk = await invited_by(scene, scene.human, True)
        await until(lambda: members(scene, talk))
        await scene.human.do(scene.human.kick, talk, scene.user)
        await until(lambda: scene.keep.value(".accepted") == "[]")


# -- removed, banned, silenced --------------------------------------------------------------------------------


async def test_who_is_removed_again_and_again_comes_back_later_and_later(scene: Scene) -> None:
    short = timings(join_pause=milliseconds(200), longest_join_pause=timedelta(seconds=60))
    async with scene.bot(timings=short).running() as bot:
        await bot.ready()
        for _ in range(3):
            await scene.human.do(scene.human.kick, scene.room_id, scene.user, "out")
            await until(lambda: bot.chat.status().rooms[scene.room].startswith("removed by"))
            await bot.joined(scene.room)
        place = bot.chat._rooms.places[0]
        await scene.human.do(scene.human.kick, scene.room_id, scene.user, "out")
        await until(lambda: bot.chat.status().rooms[scene.room].startswith("removed by"))
        wait = place.due - bot.chat._rooms.monotonic()
        assert 0.5 < wait <= 1.6  # the fourth time, of 0.2 s, 0.4 s, 0.8 s and 1.6 s, half of it by chance
        # An invitation opens the door at once.
        await scene.human.do(scene.human.invite, scene.room_id, scene.user)
        await bot.joined(scene.room)


async def test_who_removed_the_bot_from_a_private_room_is_not_forgotten(scene: Scene) -> None:
    human = scene.human
    room_id = await human.do(human.create, public=False, invite=scene.user)
    room = f"net:{room_id}"
    async with scene.bot(room, timings=timings(join_pause=milliseconds(50))).running() as bot:
        await bot.joined(room)
        await human.do(human.kick, room_id, scene.user, "bye")
        said = f"removed by {human.id} (bye); not invited to {room_id}: invite {scene.user}"
        await until(lambda: bot.chat.status().rooms[room] == said)


async def test_a_ban_is_said_and_not_hammered_and_its_end_is_seen(scene: Scene) -> None:
    slow = timings(join_pause=milliseconds(50), longest_join_pause=timedelta(seconds=60))
    room, human = scene.room, scene.human
    async with scene.bot(timings=slow).running() as bot:
        await bot.ready()
        ban = {"user_id": scene.user, "reason": "noise"}
        await human.do(human.call, "POST", f"rooms/{scene.room_id}/ban", ban)
        await until(lambda: bot.chat.status().rooms[room] == f"banned by {human.id} (noise)")
        with pytest.raises(TemporaryError, match="banned by"):
            await bot.chat.say(post(room, "x", "k"))
        place = bot.chat._rooms.places[0]
        assert place.due - bot.chat._rooms.monotonic() > 50
    async with scene.bot(timings=slow).running() as bot:
        await until(lambda: "banned from" in bot.chat.status().rooms[room])
        assert bot.chat.status().rooms[room].endswith("ask its moderators to lift that")
        await bot.ready()
        assert bot.chat._rooms.places[0].due - bot.chat._rooms.monotonic() > 50
        await human.do(human.call, "POST", f"rooms/{scene.room_id}/unban", {"user_id": scene.user})
        await bot.joined(room)


@VERSIONS
async def test_who_may_not_speak_says_so_and_speaks_as_soon_as_it_may(scene: Scene, version: str) -> None:
    human = scene.human
    room_id = await human.do(human.create, room_version=version)
    room = f"net:{room_id}"
    owner = {} if version == "12" else {human.id: 100}
    async with scene.bot(room, timings=SLOW).running() as bot:
        await bot.ready()
        await human.do(human.state, room_id, "m.room.power_levels", {"events_default": 50, "users": owner})
        sentence = f"{scene.user} may not speak there: its power level is 0, 50 is needed"
        await until(lambda: bot.chat.status().rooms[room] == sentence)
        with pytest.raises(TemporaryError, match="may not speak there") as refused:
            await bot.chat.say(post(room, "x", "k"))
        assert not refused.value.doubt
        with pytest.raises(TemporaryError, match="may not speak there"):  # not asked again, and said why
            await bot.chat.say(post(room, "x", "k"))
        users = {**owner, scene.user: 50}
        await human.do(human.state, room_id, "m.room.power_levels", {"events_default": 50, "users": users})
        await bot.joined(room)
        await bot.chat.say(post(room, "at last", "k"))
    assert await human.do(human.bodies, room_id, scene.user) == ["at last"]


async def test_a_room_that_another_client_of_the_account_leaves(scene: Scene) -> None:
    phone = await scene.human.do(Human, scene.synapse.url, scene.user[1:].partition(":")[0], PASSWORD)
    async with scene.bot(timings=SLOW).running() as bot:
        await bot.ready()
        await phone.do(phone.call, "POST", f"rooms/{scene.room_id}/leave", {})
        sentence = "another client of this account left it: does a second bot use the account?"
        await until(lambda: bot.chat.status().rooms == {scene.room: sentence})


async def test_where_an_alias_moved_that_cannot_be_entered_an_invitation_helps(scene: Scene) -> None:
    human = scene.human
    private = await human.do(human.create, public=False)
    async with scene.bot().running() as bot:
        await bot.ready()
    await human.do(human.call, "DELETE", f"directory/room/%23{scene.alias}:{SERVER_NAME}")
    await human.do(human.call, "PUT", f"directory/room/%23{scene.alias}:{SERVER_NAME}", {"room_id": private})
    async with scene.bot(timings=SLOW).running() as bot:
        sentence = f"not invited to #{scene.alias}:{SERVER_NAME}: invite {scene.user}"
        await until(lambda: bot.chat.status().rooms == {scene.room: sentence})
        with pytest.raises(TemporaryError, match="not invited"):
            await bot.chat.say(post(scene.room, "an alert", "k"))
        await human.do(human.invite, private, scene.user)
        await bot.joined(scene.room)
        await bot.chat.say(post(scene.room, "an alert", "k"))
    assert await human.do(human.bodies, private, scene.user) == ["an alert"]
    assert await human.do(human.bodies, scene.room_id, scene.user) == []


async def test_an_alias_that_moved_is_looked_up_at_the_next_start(scene: Scene) -> None:
    human = scene.human
    other = await human.do(human.create)
    async with scene.bot().running() as bot:
        await bot.ready()
    await human.do(human.call, "DELETE", f"directory/room/%23{scene.alias}:{SERVER_NAME}")
    async with scene.bot().running() as bot:  # the id that was kept serves
        await bot.ready()
        assert bot.chat.status().rooms == {scene.room: "joined"}
        await bot.chat.say(post(scene.room, "by its id", "k1"))
    await human.do(human.call, "PUT", f"directory/room/%23{scene.alias}:{SERVER_NAME}", {"room_id": other})
    async with scene.bot().running() as bot:
        await bot.ready()
        await until(lambda: not members(scene, scene.room_id))
        await bot.chat.say(post(scene.room, "in the other", "k2"))
    assert await human.do(human.bodies, other, scene.user) == ["in the other"]
    assert await scene.said() == ["by its id"]


# -- upgrades -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [("10", "11"), ("11", "12"), ("12", "12")])
@pytest.mark.parametrize("by", ["id", "alias"])
async def test_an_upgraded_room_is_followed(
    scene: Scene, old: str, new: str, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    human = scene.human
    alias = f"{scene.alias}-up"
    room_id = await human.do(human.create, alias, room_version=old)
    room = f"net:{room_id}" if by == "id" else f"net:#{alias}:{SERVER_NAME}"
    async with scene.bot(room).running() as bot:
        await bot.ready()
        after = await human.do(human.upgrade, room_id, new)
        await until(lambda: members(scene, after))
        await bot.joined(room)
        await until(lambda: not members(scene, room_id))
        await bot.chat.say(post(room, "here now", "k"))
        await human.do(human.send, after, "!here")
        await until(lambda: [heard.room for heard in bot.heard] == [room])
    assert caplog.messages == []  # nothing is wrong
    assert await human.do(human.bodies, after, scene.user) == ["here now"]
    async with scene.bot(room).running() as bot:
        await bot.ready()
        await bot.chat.say(post(room, "still", "k2"))
    assert await human.do(human.bodies, after, scene.user) == ["here now", "still"]


@VERSIONS
async def test_alerts_wait_until_somebody_invites_the_bot(scene: Scene, version: str) -> None:
    human = scene.human
    room_id = await human.do(human.create, public=False, invite=scene.user, room_version="11")
    room = f"net:{room_id}"
    async with scene.bot(room, timings=SLOW).running() as bot:
        await bot.joined(room)
        after = await human.do(human.upgrade, room_id, version)
        sentence = f"the room moved to {after}, and the bot is not invited there: invite {scene.user}"
        await until(lambda: bot.chat.status().rooms[room] == sentence)
        with pytest.raises(TemporaryError, match="is not invited there"):
            await bot.chat.say(post(room, "alert", "k"))
    async with scene.bot(room, timings=SLOW).running() as bot:  # found at the start, too
        await bot.ready()
        await until(lambda: bot.chat.status().rooms[room] == sentence)
        await human.do(human.invite, after, scene.user)
        await bot.joined(room)
        await bot.chat.say(post(room, "alert", "k"))
    assert await human.do(human.bodies, after, scene.user) == ["alert"]


async def test_twice_upgraded_while_the_bot_was_away(scene: Scene) -> None:
    human = scene.human
    room_id = await human.do(human.create, room_version="10")
    room = f"net:{room_id}"
    async with scene.bot(room).running() as bot:
        await bot.ready()
    second = await human.do(human.upgrade, room_id, "11")
    third = await human.do(human.upgrade, second, "12")
    async with scene.bot(room).running() as bot:
        await until(lambda: members(scene, third))
        await bot.joined(room)
        await bot.chat.say(post(room, "caught up", "k"))
    assert await human.do(human.bodies, third, scene.user) == ["caught up"]


@pytest.mark.parametrize("fault", ["no predecessor", "other predecessor", "no power there", "no successor"])
async def test_a_room_that_does_not_follow_the_old_one_is_not_trusted(
    scene: Scene, people: tuple[Human, Human], fault: str
) -> None:
    ada, eve = people
    room_id = await ada.do(ada.create, room_version="11")
    room = f"net:{room_id}"
    predecessor = {"predecessor": {"room_id": "!other:x" if fault.startswith("other") else room_id, "event_id": "$x"}}
    content = {} if fault == "no predecessor" else predecessor
    owner = eve if fault == "no power there" else ada
    levels = {"invite": 50}
    false = await owner.do(
        owner.create, room_version="11", creation_content=content, power_level_content_override=levels
    )
    async with scene.bot(room).running() as bot:
        await bot.ready()
        stone = {"body": "moved", "replacement_room": "" if fault == "no successor" else false}
        await ada.do(ada.state, room_id, "m.room.tombstone", stone)
        wanted = "nothing took its place" if fault == "no successor" else f"{false} does not show"
        await until(lambda: wanted in bot.chat.status().rooms[room])
        with pytest.raises(TemporaryError, match=r"nothing took its place|not followed"):
            await bot.chat.say(post(room, "secret", "k"))
        assert scene.user not in await owner.do(owner.members, false)
        for _ in range(3):  # and it does not come back there
            bot.chat._rooms.invited(false)
            await asyncio.sleep(0)
        assert scene.user not in await owner.do(owner.members, false)
    assert await owner.do(owner.bodies, false, scene.user) == []


async def test_kept_successors_outlive_the_old_room(scene: Scene) -> None:
    """The bot is in the new room only, and the config file still has the old one's id."""
    human = scene.human
    room_id = await human.do(human.create, room_version="11")
    room = f"net:{room_id}"
    async with scene.bot(room).running() as bot:
        await bot.ready()
        after = await human.do(human.upgrade, room_id, "12")
        await until(lambda: members(scene, after))
        await until(lambda: not members(scene, room_id))
    await human.do(human.kick, after, scene.user)
    async with scene.bot(room).running() as bot:
        await bot.joined(room)
        assert await human.do(members, scene, after)
        assert not await human.do(members, scene, room_id)


async def test_a_server_that_lets_few_rooms_in_is_asked_seldom() -> None:
    far_end, rooms = FarEnd(), [f"net:!{number}:example.org" for number in range(40)]
    began, let_in, lifted = time.monotonic(), list[str](), list[bool]()

    async def one_in_a_while(request: web.Request) -> web.StreamResponse:
        if not lifted and time.monotonic() - began < 0.3 * (len(let_in) - 4):
            return await refuses("M_LIMIT_EXCEEDED", 429, retry_after_ms=300)(request)
        let_in.append(request.path)
        return web.json_response({"room_id": request.path.rpartition("/")[2]})

    far_end.answers["join"] = one_in_a_while
    async with far_end.serving():
        bot = Bot(config(far_end.url, USER), rooms, earlier_keep())
        async with bot.running():
            await bot.ready()
            assert set(bot.chat.status().rooms.values()) == {JOINED, NOT_YET}
            await until(lambda: len(let_in) >= 8)
            assert far_end.count("POST join") <= 8 + 8
            lifted.append(True)
            await until(lambda: set(bot.chat.status().rooms.values()) == {JOINED})
