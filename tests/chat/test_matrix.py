"""Whole conversations between the adapter and a human's client, on a real Synapse."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from pydantic import SecretStr

from bot.errors import PermanentError, TemporaryError
from bot.talk import Post
from tests.chat.human_matrix import Human, until
from tests.chat.matrix_bot import Bot, MemoryKeep, config, milliseconds, post, timings
from tests.chat.matrix_scene import Scene
from tests.servers.synapse import SERVER_NAME

pytestmark = pytest.mark.xdist_group("synapse")


# -- saying ---------------------------------------------------------------------------------------------------


async def test_announcement_is_seen_once_with_html_and_nobody_is_pinged_by_accident(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        quiet = post(scene.room, "ada: job\x03 failed\x00", "k/1:a", html="<b>ada</b>: job failed")
        loud = post(scene.room, "unknown", "k/2", loud=True, mentions=(scene.human.id,))
        first = await bot.chat.say(quiet)
        again = await bot.chat.say(quiet)
        await bot.chat.say(loud)
    assert first.id == again.id
    one, two = await scene.human.do(scene.human.messages, scene.room_id, scene.user)
    assert one["event_id"] == first.id
    assert one["content"] == {
        "msgtype": "m.notice",
        "body": "ada: job failed",
        "format": "org.matrix.custom.html",
        "formatted_body": "<b>ada</b>: job failed",
        "m.mentions": {},
        "org.gatewatch.key": "k/1:a",
    }
    mentioned = {"m.mentions": {"user_ids": [scene.human.id]}}
    assert two["content"] == {"msgtype": "m.text", "body": "unknown", **mentioned, "org.gatewatch.key": "k/2"}


async def test_correction_replaces_what_was_said(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        said = await bot.chat.say(post(scene.room, "2 jobs failed", "d1r0"))
        await bot.chat.say(post(scene.room, "3 jobs failed", "d1r1", html="<b>3</b> jobs failed", replaces=said))
    original = await scene.human.do(scene.human.call, "GET", f"rooms/{scene.room_id}/event/{said.id}")
    replaced = original["unsigned"]["m.relations"]["m.replace"]["content"]["m.new_content"]
    assert (replaced["body"], replaced["formatted_body"]) == ("3 jobs failed", "<b>3</b> jobs failed")
    assert await scene.said() == ["2 jobs failed", "* 3 jobs failed"]


async def test_reply_refers_to_the_question_and_stays_in_its_thread(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        root = await scene.say("shall we look?")
        in_thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}
        plain, threaded = await scene.say("!top"), await scene.say("!top", **in_thread)
        await until(lambda: len(bot.heard) == 2)
        for number, heard in enumerate(bot.heard):
            await bot.chat.say(post(heard.room, "nothing", f"reply{number}", answers=heard))
    one, two = await scene.human.do(scene.human.messages, scene.room_id, scene.user)
    assert one["content"]["m.relates_to"] == {"m.in_reply_to": {"event_id": plain}}
    assert two["content"]["m.relates_to"] == {
        "rel_type": "m.thread",
        "event_id": root,
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": threaded},
    }


async def test_ten_kilobytes_of_anything_arrive_cut(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        await bot.chat.say(post(scene.room, "€\\" * 40_000, "big", html="<b>\\</b>" * 40_000))
        said = await bot.chat.say(post(scene.room, "x", "big0"))
        await bot.chat.say(post(scene.room, "\"'\\\n" * 40_000, "big1", html="\\" * 3990, replaces=said))
    bodies = await scene.said()
    assert [body[-1] for body in bodies] == ["…", "x", "…"]
    assert all(len(body) < 8000 for body in bodies)


async def test_unknown_room_is_permanent_and_says_what_to_do(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        with pytest.raises(PermanentError, match="the config file does not name it"):
            await bot.chat.say(post("net:!elsewhere:x", "x", "k"))
        assert bot.chat.status().ready


async def test_replies_overtake_announcements(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        await scene.say("!top")
        await until(lambda: bot.heard)
        posts = [post(scene.room, f"news {number}", f"n{number}") for number in range(5)]
        posts.append(post(scene.room, "reply", "r", answers=bot.heard[0]))
        await asyncio.gather(*(bot.chat.say(each) for each in posts))
    assert await scene.said() == ["news 0", "reply", "news 1", "news 2", "news 3", "news 4"]


# -- hearing --------------------------------------------------------------------------------------------------


async def test_hears_what_is_meant_for_it_and_nothing_else(scene: Scene) -> None:
    name = scene.user[1:].partition(":")[0]
    pill = f'<a href="https://matrix.to/#/{scene.user}">Gate Watch</a>: top'
    async with scene.bot().running() as bot:
        await bot.ready()
        before = await bot.chat.say(post(scene.room, "!not for itself", "own", loud=True))
        for text in ("hello", "!why 912345", f"{name}: help", f"{scene.user} status", f"{name}s are fine", "! no"):
            await scene.say(text)
        await scene.say("Gate Watch: top", format="org.matrix.custom.html", formatted_body=pill)
        await scene.say("!a notice", msgtype="m.notice")
        typo = await scene.say("oops")
        edit = {"m.new_content": {"msgtype": "m.text", "body": "!edit"}}
        await scene.say("!edit", **edit, **{"m.relates_to": {"rel_type": "m.replace", "event_id": typo}})
        await scene.say("> <@x> quote\n\n!bug 1", **{"m.relates_to": {"m.in_reply_to": {"event_id": before.id}}})
        reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": before.id, "key": "👀"}}
        await scene.human.do(scene.human.put, scene.room_id, "m.reaction", reaction)
        last = await scene.say("!last")
        await until(lambda: "!last" in bot.texts())
    assert bot.texts() == [
        "!why 912345",
        f"{name}: help",
        f"{scene.user}: status",
        "Gate Watch: top",
        "!bug 1",
        "",
        "!last",
    ]
    bug, seen, end = bot.heard[-3:]
    assert (bug.about, seen.about, seen.reaction) == (before.id, before.id, "👀")
    assert (end.id, end.network, end.room, end.private) == (last, "net", scene.room, False)
    assert (end.person.account, end.person.name) == (scene.human.id, "ada")


async def test_error_of_the_caller_costs_neither_connection_nor_later_lines(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    bot = scene.bot()
    bot.fails_on = "!bad"
    async with bot.running():
        await bot.ready()
        await scene.say("!bad")
        await scene.say("!good")
        await until(lambda: "!good" in bot.texts())
        await bot.chat.say(post(scene.room, "still here", "k"))
    assert "a defect in the command" in caplog.text
    assert await scene.said() == ["still here"]


async def test_restart_keeps_device_and_token_and_hears_what_was_said_meanwhile_once(scene: Scene) -> None:
    await scene.say("!before the bot came")
    async with scene.bot().running() as bot:
        await bot.ready()
        await scene.say("!first")
        await until(lambda: bot.heard)
        said = await bot.chat.say(post(scene.room, "once", "same key"))
        await until(lambda: scene.keep.value(".since"))
    assert bot.texts() == ["!first"]
    token, device = scene.keep.value(".token"), scene.keep.value(".device")
    # More than one answer of the server holds, with a profile change of the bot's own in between.
    for number in range(70):
        await scene.say(f"!c{number}")
    async with scene.bot().running() as bot:
        await bot.ready()
        await until(lambda: "!c69" in bot.texts())
        assert (await bot.chat.say(post(scene.room, "once", "same key"))).id == said.id
    heard = [text for text in bot.texts() if text != "!first"]
    assert heard == [f"!c{number}" for number in range(70)]
    assert (scene.keep.value(".token"), scene.keep.value(".device")) == (token, device)
    whoami = await asyncio.to_thread(_whoami, scene.synapse.url, token)
    assert whoami == device
    async with scene.bot().running() as bot:
        await bot.ready()
        await scene.say("!end")
        await until(lambda: "!end" in bot.texts())
    assert [text for text in bot.texts() if text not in ("!c69",)] == ["!end"]
    assert await scene.said() == ["once"]


def _whoami(url: str, token: str) -> str:
    import json
    import urllib.request

    request = urllib.request.Request(
        f"{url}/_matrix/client/v3/account/whoami", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["device_id"])


async def test_bot_that_lost_its_place_does_not_answer_what_was_said_before(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
    await scene.say("!while it was away")
    scene.keep = MemoryKeep()
    async with scene.bot().running() as bot:
        await bot.ready()
        await scene.say("!now")
        await until(lambda: bot.heard)
    assert bot.texts() == ["!now"]


async def test_what_is_too_old_is_not_heard(scene: Scene) -> None:
    async with scene.bot(timings=timings(oldest=milliseconds(1500))).running() as bot:
        await bot.ready()
    await scene.say("!stale")
    await asyncio.sleep(1.6)
    async with scene.bot(timings=timings(oldest=milliseconds(1500))).running() as bot:
        await bot.ready()
        await scene.say("!fresh")
        await until(lambda: "!fresh" in bot.texts())
    assert bot.texts() == ["!fresh"]


# -- rooms ----------------------------------------------------------------------------------------------------


async def test_not_invited_is_a_sentence_and_an_invitation_opens_the_room(scene: Scene) -> None:
    private = await scene.human.do(scene.human.create, f"{scene.alias}-private", public=False)
    room = f"net:#{scene.alias}-private:{SERVER_NAME}"
    gone = f"net:#nowhere:{SERVER_NAME}"
    slow = timings(join_pause=timedelta(seconds=60), longest_join_pause=timedelta(seconds=60))
    unmet = "net:!unmet:example.org"
    async with scene.bot(room, f"net:{private}", gone, unmet, timings=slow).running() as bot:
        await bot.ready()
        assert bot.chat.status().rooms == {
            unmet: "no server is known that has !unmet:example.org: check the id, use an alias, or invite the bot",
            scene.room: "joined",
            room: f"not invited to #{scene.alias}-private:{SERVER_NAME}: invite {scene.user}",
            f"net:{private}": f"not invited to {private}: invite {scene.user}",
            gone: f"there is no room #nowhere:{SERVER_NAME}: check the config file, or create it",
        }
        with pytest.raises(TemporaryError, match=rf"not invited.*invite {scene.user}"):
            await bot.chat.say(post(room, "x", "k"))
        await scene.human.do(scene.human.send, private, "!before")
        await scene.human.do(scene.human.invite, private, scene.user)
        await bot.joined(room)
        await scene.human.do(scene.human.send, private, "!after")
        await until(lambda: bot.heard)
        await bot.chat.say(post(room, "here", "k"))
    assert [(heard.text, heard.room) for heard in bot.heard] == [("!after", room)]
    assert await scene.human.do(scene.human.bodies, private, scene.user) == ["here"]


async def test_removed_from_a_room_says_so_and_comes_back(scene: Scene) -> None:
    slow = timings(join_pause=milliseconds(1500), longest_join_pause=milliseconds(1500))
    async with scene.bot(timings=slow).running() as bot:
        await bot.ready()
        await scene.human.do(scene.human.kick, scene.room_id, scene.user, "too loud")
        await until(lambda: bot.chat.status().rooms[scene.room] != "joined")
        assert bot.chat.status().rooms[scene.room] == f"removed by {scene.human.id} (too loud)"
        with pytest.raises(TemporaryError, match="removed by"):
            await bot.chat.say(post(scene.room, "x", "k"))
        await bot.joined(scene.room)
        await bot.chat.say(post(scene.room, "back", "k2"))
    assert await scene.said() == ["back"]


async def test_private_talk_with_who_shares_a_room_and_with_nobody_else(
    scene: Scene, people: tuple[Human, Human]
) -> None:
    stranger = people[1]
    async with scene.bot().running() as bot:
        await bot.ready()
        strange = await stranger.do(stranger.create, public=False, invite=scene.user, direct=True)
        room_id = await scene.human.do(scene.human.create, public=False, invite=scene.user, direct=True)
        await until(lambda: scene.user in scene.human.members(room_id))
        await scene.human.do(scene.human.send, room_id, "top")
        await until(lambda: bot.heard)
        heard = bot.heard[0]
        assert (heard.text, heard.private, heard.room) == ("top", True, f"net:{room_id}")
        await bot.chat.say(post(heard.room, "nothing failed", "k", answers=heard))
        assert await stranger.do(stranger.members, strange) == {stranger.id}
    assert await scene.human.do(scene.human.bodies, room_id, scene.user) == ["nothing failed"]


# -- the server breaks ----------------------------------------------------------------------------------------


async def test_killed_server_is_waited_for_and_everything_arrives(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
        await asyncio.to_thread(scene.synapse.kill)
        with pytest.raises(TemporaryError) as refused:
            await _until_refused(bot, scene.room)
        assert not refused.value.doubt
        await until(lambda: "net: sync: cannot connect" in bot.chat.status().trouble)
        assert bot.chat.status().state == "broken"
        assert not bot.chat.status().ready
        await asyncio.to_thread(scene.synapse.start)
        await bot.ready()
        assert bot.chat.status().trouble == ""
        await scene.say("!still there?")
        await until(lambda: bot.heard)
        await bot.chat.say(post(scene.room, "yes", "k"))
    assert [body for body in await scene.said() if body != "probe"] == ["yes"]


async def _until_refused(bot: Bot, room: str) -> None:
    """Say it until the connection is refused outright: the first try may meet a connection that was still open."""
    while True:
        try:
            await bot.chat.say(post(room, "probe", "probe"))
        except TemporaryError as error:
            if not error.doubt:
                raise


async def test_stopped_between_put_and_answer_is_in_doubt_and_the_same_key_is_one_event(scene: Scene) -> None:
    async with scene.bot(timings=timings(request=milliseconds(1000))).running() as bot:
        await bot.ready()
        await bot.chat.say(post(scene.room, "before", "k0"))
        scene.synapse.hold()
        try:
            with pytest.raises(TemporaryError, match="no answer within 1 s") as held:
                await bot.chat.say(post(scene.room, "in doubt", "k1"))
        finally:
            scene.synapse.go_on()
        assert held.value.doubt
        await _say_until_said(bot, post(scene.room, "in doubt", "k1"))
        await _say_until_said(bot, post(scene.room, "in doubt", "k1"))
    assert await scene.said() == ["before", "in doubt"]


async def _say_until_said(bot: Bot, what: Post) -> None:
    async def once() -> bool:
        try:
            await bot.chat.say(what)
        except TemporaryError:
            return False
        return True

    await until(once)


async def test_leaves_at_once_in_a_long_poll(scene: Scene) -> None:
    async with scene.bot(timings=timings(sync=timedelta(seconds=30))).running() as bot:
        await bot.ready()
        started = time.monotonic()
    assert time.monotonic() - started < 1
    assert bot.task is not None and bot.task.cancelled()
    assert bot.chat.status().state == "stopped"
    with pytest.raises(TemporaryError, match="net is not connected"):
        await bot.chat.say(post(scene.room, "x", "k"))


# -- login ----------------------------------------------------------------------------------------------------


async def test_wrong_password_is_permanent(scene: Scene) -> None:
    bot = scene.bot(password=SecretStr("wrong"))
    with pytest.raises(PermanentError, match=f"refuses the password of {scene.user}"):
        await bot.chat.run(bot.hear)
    assert bot.chat.status().state == "refused"


async def test_token_made_void_leads_to_one_login_on_the_same_device(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
    token, device = scene.keep.value(".token"), scene.keep.value(".device")
    await asyncio.to_thread(_logout, scene.synapse.url, token)
    async with scene.bot().running() as bot:
        await bot.ready()
        assert scene.keep.value(".device") == device
        assert scene.keep.value(".token") != token
        # Void again so soon: a second bot may be at it, so no login after login.
        await asyncio.to_thread(_logout, scene.synapse.url, scene.keep.value(".token"))
        await scene.say("!wake")
        assert bot.task is not None
        with pytest.raises(PermanentError, match="second bot"):
            await asyncio.wait_for(asyncio.shield(bot.task), 20)


def _logout(url: str, token: str) -> None:
    import urllib.request

    request = urllib.request.Request(
        f"{url}/_matrix/client/v3/logout", data=b"{}", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=10):
        pass


async def test_pasted_token_is_used_as_it_is(scene: Scene) -> None:
    async with scene.bot().running() as bot:
        await bot.ready()
    token, device = scene.keep.value(".token"), scene.keep.value(".device")
    scene.keep = MemoryKeep()
    async with scene.bot(token=SecretStr(token)).running() as bot:
        await bot.ready()
        await bot.chat.say(post(scene.room, "by token", "k"))
    assert scene.keep.value(".device") == device
    scene.keep = MemoryKeep()
    other = scene.human.id
    bot = Bot(config(scene.synapse.url, other, token=SecretStr(token)), [], scene.keep)
    with pytest.raises(PermanentError, match=f"the token is for {scene.user}, the config file says user: {other}"):
        await bot.chat.run(bot.hear)
