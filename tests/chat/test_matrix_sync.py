"""The ten faults of nio's own loop (`sync_forever`), none of which ours may have; each was measured with nio 0.26.

The far end is a fake, as a real one cannot be made to do this; test_matrix.py has a real one killed, held and left.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.chat.matrix.progress import MOST_IN_HAND
from bot.chat.matrix.sync import OWN_SINCE_TRIES
from bot.chat.matrix.timeline import TRIES
from bot.errors import PermanentError, TemporaryError
from bot.talk import Heard
from tests.chat.fake_matrix import (
    ROOM,
    USER,
    FarEnd,
    bad_gateway,
    bot_for,
    cut_off,
    earlier_keep,
    line,
    never,
    no_text,
    own_join,
    refuses,
    says,
    stream,
)
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import Bot, MemoryKeep, config, milliseconds, post, timings


class Slow(Bot):
    """Deals with a line that begins with `!slow` only when it is let."""

    def __init__(self, far_end: FarEnd, keep: MemoryKeep) -> None:
        made = bot_for(far_end, keep)
        self.chat, self.heard, self.fails_on, self.task = made.chat, made.heard, "", None
        self.let = asyncio.Event()
        self.done: list[str] = []

    async def hear(self, heard: Heard) -> None:
        await super().hear(heard)
        if heard.text.startswith("!slow"):
            await self.let.wait()
        self.done.append(heard.text)


# 1: an error is answered with a storm of requests (3,552 in 3 s)


async def test_1_an_error_is_no_reason_for_a_storm(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.answers["sync"] = bad_gateway
    default = timings(pause=milliseconds(1000), longest_pause=milliseconds(60_000))
    async with bot_for(far_end, keep, timings=default).running() as bot:
        await until(lambda: bot.chat.status().state == "broken")
        await asyncio.sleep(2.0)  # the time in which the requests are counted
    assert 2 <= far_end.count("GET sync") <= 4
    assert len(far_end.requests) == far_end.count("GET sync") + 1  # whoami


# 2: a refused token is answered with a storm, a soft logout with an error that ends the loop


@pytest.mark.parametrize("soft", [False, True])
async def test_2_a_refused_token_is_asked_with_once(far_end: FarEnd, keep: MemoryKeep, soft: bool) -> None:
    refused = refuses("M_UNKNOWN_TOKEN", 401, soft_logout=soft)
    far_end.plays(tok1=stream("n1", line("!one")), n1=refused)
    bot = bot_for(far_end, keep)
    with pytest.raises(PermanentError, match="second bot"):
        await bot.chat.run(bot.hear)
    # One login, on the same device, that leads to the same: no more of that.
    assert far_end.requests == ["GET whoami", "GET sync", "GET sync", "POST login", "GET sync"]
    assert [body["device_id"] for body in far_end.bodies if "device_id" in body] == ["D"]
    assert bot.texts() == ["!one"]


# 3: when the first request fails, the place in the stream is lost


async def test_3_a_failed_first_request_does_not_lose_the_place(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.answers["sync"] = bad_gateway
    async with bot_for(far_end, keep).running() as bot:
        await until(lambda: far_end.count("GET sync") >= 3)
        far_end.plays(tok1=stream("n1", line("!missed?")))
        await until(lambda: bot.heard)
    assert far_end.since[:4] == ["tok1"] * 4


# 4: an error in a handler ends the loop, and what came behind it in the same answer is lost


async def test_4_an_error_in_a_handler_costs_one_event(
    far_end: FarEnd, keep: MemoryKeep, caplog: pytest.LogCaptureFixture
) -> None:
    far_end.plays(tok1=stream("n1", line("!bad"), line("!behind")), n1=stream("n2", line("!later")))
    bot = bot_for(far_end, keep)
    bot.fails_on = "!bad"
    async with bot.running():
        await until(lambda: keep.value(".since") == "n2")
    assert bot.texts() == ["!bad", "!behind", "!later"]
    assert "a defect in the command" in caplog.text


# 5: handlers are called one after the other: a slow one holds up all that comes behind it


async def test_5_a_slow_handler_holds_up_nobody_else(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.plays(
        tok1=stream("n1", line("!slow"), line("!same person"), line("!other", "@eve:example.org")),
        n1=stream("n2", line("!later", "@eve:example.org")),
    )
    bot = Slow(far_end, keep)
    async with bot.running():
        await until(lambda: "!later" in bot.done)
        assert bot.done == ["!other", "!later"]
        assert bot.chat.status().ready
        bot.let.set()
        await until(lambda: keep.value(".since") == "n2")
    assert bot.done == ["!other", "!later", "!slow", "!same person"]


async def test_5_more_than_can_be_in_hand_waits_at_the_server(far_end: FarEnd, keep: MemoryKeep) -> None:
    lines = [line(f"!slow {number}", f"@p{number}:example.org") for number in range(MOST_IN_HAND + 5)]
    far_end.plays(tok1=stream("n1", *lines), n1=stream("n2", line("!next")))
    bot = Slow(far_end, keep)
    async with bot.running():
        await until(lambda: len(bot.heard) == MOST_IN_HAND)
        asked = far_end.count("GET sync")
        bot.let.set()
        await until(lambda: keep.value(".since") == "n2")
        assert asked == 1
    assert bot.texts() == [*(f"!slow {number}" for number in range(MOST_IN_HAND + 5)), "!next"]


# 6: leaving waits for the end of the long poll (29 s)


async def test_6_leaving_does_not_wait_for_the_poll(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.plays(tok1=stream("n1", line("!slow")), n1=never)
    bot = Slow(far_end, keep)
    async with bot.running():
        await until(lambda: bot.heard and "n1" in far_end.since)
        left = time.monotonic()
    assert time.monotonic() - left < 1
    assert bot.task is not None and bot.task.cancelled()
    assert bot.done == []
    assert keep.value(".since") == "tok1"  # so the line comes again


# 7: the place is kept before the handlers were called


async def test_7_the_place_is_kept_when_all_before_it_was_handled(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.plays(
        tok1=stream("n1", line("!slow")), n1=stream("n2", line("!quick", "@eve:example.org")), n2=stream("n3")
    )
    bot = Slow(far_end, keep)
    async with bot.running():
        await until(lambda: "n3" in far_end.since)
        assert (bot.done, keep.value(".since")) == (["!quick"], "tok1")
    again = Slow(far_end, keep)
    again.let.set()
    async with again.running():
        await until(lambda: keep.value(".since") == "n3")
    assert again.texts() == ["!slow", "!quick"]


async def test_7_a_store_that_cannot_write_costs_no_line_and_repeats_none(far_end: FarEnd, keep: MemoryKeep) -> None:
    async def disk_full(name: str, value: str) -> None:
        raise TemporaryError("the disk is full")

    keep.put = disk_full  # type: ignore[method-assign]
    far_end.plays(tok1=stream("n1", line("!1")), n1=stream("n2", line("!2")), n2=stream("n3", line("!3")))
    async with bot_for(far_end, keep).running() as bot:
        await until(lambda: "n3" in far_end.since)
        assert bot.chat.status().state == "connected"
    assert bot.texts() == ["!1", "!2", "!3"]


# 8 and 9: with a place from before, nothing new or no full state, the rooms stay unknown


async def test_8_the_rooms_are_known_when_nothing_is_new(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.plays(tok1=stream("tok1"))
    async with bot_for(far_end, keep).running() as bot:
        await bot.ready()
        assert (await bot.chat.say(post(ROOM, "here", "k"))).id == "$said"
    assert far_end.count("POST join") == 0


async def test_9_the_whole_state_is_asked_for_once(far_end: FarEnd, keep: MemoryKeep) -> None:
    async def needs_full_state(request: web.Request) -> web.StreamResponse:
        whole.append(request.query.get("full_state"))
        return await far_end.quiet(request)

    whole: list[str | None] = []
    far_end.answers["sync"] = needs_full_state
    async with bot_for(far_end, keep).running() as bot:
        await bot.ready()
        await until(lambda: len(whole) == 3)
        assert bot.chat.status().rooms == {ROOM: "joined"}
    assert whole == ["true", None, None]


# 10: the first request has no end in time, and some errors of a broken body end the loop


@pytest.mark.parametrize("fault", [never, cut_off, no_text], ids=["no answer", "half a body", "no UTF-8"])
async def test_10_a_first_answer_that_does_not_come_whole_is_asked_for_again(
    far_end: FarEnd, keep: MemoryKeep, fault: web.StreamResponse
) -> None:
    far_end.answers["sync"] = fault  # type: ignore[assignment]
    async with bot_for(far_end, keep, timings=timings(first_sync=milliseconds(200))).running() as bot:
        await until(lambda: far_end.count("GET sync") >= 2)
        far_end.plays(tok1=stream("n1", line("!now")))
        await until(lambda: bot.heard)
        await bot.ready()


# -- gaps, and what was said before the bot came --------------------------------------------------------------


async def test_a_gap_is_filled_in_order(far_end: FarEnd, keep: MemoryKeep) -> None:
    async def messages(request: web.Request) -> web.StreamResponse:
        asked.append((request.query["from"], request.query["to"]))
        first = request.query["from"] == "gap"
        texts = ["!4", "!3"] if first else ["!2", "!1"]
        page = {"start": request.query["from"], "chunk": [line(text) for text in texts]}
        return web.json_response({**page, "end": "further"} if first else page)

    asked: list[tuple[str, str]] = []
    far_end.answers["messages"] = messages
    far_end.plays(tok1=stream("n1", line("!5"), line("!6"), gap="gap"))
    async with bot_for(far_end, keep).running() as bot:
        await until(lambda: keep.value(".since") == "n1")
    assert bot.texts() == ["!1", "!2", "!3", "!4", "!5", "!6"]
    assert asked == [("gap", "tok1"), ("further", "tok1")]


async def test_a_gap_that_breaks_goes_on_where_it_was(far_end: FarEnd, keep: MemoryKeep) -> None:
    """A server may also answer with an empty page and more behind it."""

    async def messages(request: web.Request) -> web.StreamResponse:
        asked.append(request.query["from"])
        if asked.count("g2") == 1 and asked[-1] == "g2":
            return await bad_gateway(request)
        texts, end = {"g1": (["!3"], "g2"), "g2": ([], "g3"), "g3": (["!2", "!1"], None)}[asked[-1]]
        page = {"start": asked[-1], "chunk": [line(text) for text in texts]}
        return web.json_response(page | ({"end": end} if end else {}))

    asked: list[str] = []
    far_end.answers["messages"] = messages
    far_end.plays(tok1=stream("n1", line("!4"), gap="g1"))
    async with bot_for(far_end, keep).running() as bot:
        await until(lambda: keep.value(".since") == "n1")
    assert bot.texts() == ["!1", "!2", "!3", "!4"]
    assert asked == ["g1", "g2", "g2", "g3"]


async def test_a_gap_that_is_hard_to_fill_is_tried_without_a_new_answer(far_end: FarEnd, keep: MemoryKeep) -> None:
    """nio takes an answer once only: asked for again, its encrypted events would stay so."""
    far_end.answers["messages"] = far_end.answers["whoami"] = bad_gateway
    async with bot_for(far_end, keep).running() as bot:
        far_end.answers["whoami"] = says({"user_id": bot.chat.status().who, "device_id": "D"})
        far_end.plays(tok1=stream("n1", line("!2"), gap="gap"))
        await until(lambda: far_end.count("GET messages") == 2)
        assert "read back in !room:example.org: HTTP 502" in bot.chat.status().trouble
        far_end.answers["messages"] = says({"start": "gap", "chunk": [line("!1")]})
        await bot.ready()
        await until(lambda: keep.value(".since") == "n1")
    assert bot.texts() == ["!1", "!2"]
    assert far_end.since.count("tok1") == 1


async def test_a_room_that_cannot_be_read_does_not_hold_up_the_others(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.answers["messages"] = refuses("M_UNKNOWN", 500)
    far_end.plays(tok1=stream("n1", line("!behind"), gap="gap"))
    async with bot_for(far_end, keep).running() as bot:
        await until(lambda: keep.value(".since") == "n1")
        await bot.ready()
    assert bot.texts() == ["!behind"]
    assert far_end.count("GET messages") == TRIES


async def test_a_gap_is_kept_while_the_server_answers_nothing(far_end: FarEnd, keep: MemoryKeep) -> None:
    async def goes_down(request: web.Request) -> web.StreamResponse:
        far_end.answers["whoami"] = bad_gateway
        return await bad_gateway(request)

    healthy, far_end.answers["messages"] = far_end.answers["whoami"], goes_down
    far_end.plays(tok1=stream("n1", line("!2"), gap="gap"))
    async with bot_for(far_end, keep).running() as bot:
        await until(lambda: far_end.count("GET messages") > TRIES)
        assert bot.heard == []
        far_end.answers["whoami"] = healthy
        far_end.answers["messages"] = says({"start": "gap", "chunk": [line("!1")]})
        await until(lambda: keep.value(".since") == "n1")
    assert bot.texts() == ["!1", "!2"]


async def test_nothing_from_before_the_bot_joined_is_heard(far_end: FarEnd, keep: MemoryKeep) -> None:
    """A room that was just joined shows some of what was said before; a new name of the bot's is no joining."""
    far_end.plays(
        tok1=stream("n1", line("!before"), own_join(), line("!after")),
        n1=stream("n2", line("!then"), own_join("join"), line("!still")),
    )
    async with bot_for(far_end, keep).running() as bot:
        await until(lambda: keep.value(".since") == "n2")
    assert bot.texts() == ["!after", "!then", "!still"]


async def test_nothing_from_before_the_bot_joined_is_heard_in_a_gap(far_end: FarEnd, keep: MemoryKeep) -> None:
    back = [line("!2"), own_join(), line("!before")]
    far_end.answers["messages"] = says({"start": "gap", "chunk": back, "end": "more"})
    far_end.plays(tok1=stream("n1", line("!3"), gap="gap"))
    async with bot_for(far_end, keep).running() as bot:
        await until(lambda: keep.value(".since") == "n1")
    assert bot.texts() == ["!2", "!3"]
    assert far_end.count("GET messages") == 1


async def test_the_first_start_has_no_history(far_end: FarEnd) -> None:
    far_end.plays(start=stream("n1", line("!before")), n1=stream("n2", line("!now")))
    async with bot_for(far_end, MemoryKeep()).running() as bot:
        await until(lambda: bot.heard)
    assert bot.texts() == ["!now"]


# -- requests in general --------------------------------------------------------------------------------------


async def test_while_nothing_is_answered_only_the_stream_asks(far_end: FarEnd, keep: MemoryKeep) -> None:
    """Thirty rooms that wait to be joined would be thirty requests each time."""
    healthy, far_end.answers["join"] = far_end.answers["join"], refuses("M_FORBIDDEN", 403)
    rooms = [ROOM, *(f"net:!r{number}:example.org" for number in range(30))]
    bot = Bot(config(far_end.url, USER), rooms, keep)
    async with bot.running():
        await bot.ready()
        await until(lambda: far_end.count("POST join") > 30)
        quiet = far_end.answers["sync"]
        far_end.answers["sync"] = far_end.answers["join"] = bad_gateway
        await until(lambda: bot.chat.status().state == "broken")
        await until(lambda: far_end.requests[-1] == "GET sync")
        before = len(far_end.requests)
        await asyncio.sleep(1.0)  # the time in which the requests are counted
        assert set(far_end.requests[before:]) == {"GET sync"}
        far_end.answers["sync"], far_end.answers["join"] = quiet, healthy
        await bot.joined(rooms[-1])


async def test_back_again_is_known_at_once_though_polls_are_long(far_end: FarEnd, keep: MemoryKeep) -> None:
    async def holds(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(int(request.query["timeout"]) / 1000)
        return web.json_response({"next_batch": f"n{len(far_end.requests)}"})

    async with bot_for(far_end, keep, timings=timings(sync=milliseconds(5000))).running() as bot:
        await bot.ready()
        far_end.answers["sync"] = bad_gateway
        await until(lambda: bot.chat.status().state == "broken")
        asked = len(far_end.since)
        far_end.answers["sync"] = holds
        await until(lambda: len(far_end.since) > asked)
        async with asyncio.timeout(2.5):
            await bot.ready()


async def test_server_that_has_always_something_new_is_not_hammered(far_end: FarEnd, keep: MemoryKeep) -> None:
    async def at_once(request: web.Request) -> web.StreamResponse:
        return web.json_response({"next_batch": f"n{len(far_end.since)}"})

    far_end.answers["sync"] = at_once
    async with bot_for(far_end, keep, timings=timings(pause=milliseconds(400))).running() as bot:
        await bot.ready()
        await asyncio.sleep(1.0)  # the time in which the requests are counted
    assert 6 <= far_end.count("GET sync") <= 12


async def test_an_idle_poll_is_followed_by_the_next_at_once(far_end: FarEnd, keep: MemoryKeep) -> None:
    async def idle(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        ended.append(time.monotonic())
        return web.json_response({"next_batch": "tok1"})

    ended: list[float] = []
    far_end.answers["sync"] = idle
    async with bot_for(far_end, keep, timings=timings(pause=milliseconds(250))).running():
        await until(lambda: len(far_end.at) == 4)
    assert min(came - end for came, end in zip(far_end.at[1:], ended, strict=False)) < 0.1


async def test_server_that_answers_at_once_with_nothing_new_is_not_hammered(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.answers["sync"] = says({"next_batch": "tok1"})
    async with bot_for(far_end, keep, timings=timings(pause=milliseconds(250))).running() as bot:
        await bot.ready()
        await asyncio.sleep(1.0)  # the time in which the requests are counted
    assert far_end.count("GET sync") <= 6


# -- another server in the old one's place, and a store that fails ---------------------------------------------


async def test_a_server_that_was_restored_under_a_running_bot_is_followed(far_end: FarEnd, keep: MemoryKeep) -> None:
    """It refuses the place that it gave us before; a refusal that passes loses nothing."""
    far_end.plays(
        tok1=stream("n1", line("!one")),
        n1=refuses("M_UNKNOWN", 400),
        start=stream("m1"),
        m1=stream("m2", line("!two")),
    )
    async with bot_for(far_end, keep).running() as bot:
        await until(lambda: bot.texts() == ["!one", "!two"])
        assert bot.chat.status().ready
    assert far_end.since.count("n1") == OWN_SINCE_TRIES


async def test_a_store_that_fails_takes_nothing_from_the_pause_after_a_kick(far_end: FarEnd) -> None:
    class Failing(MemoryKeep):
        fails = 1

        async def put(self, name: str, value: str) -> None:
            if name.endswith(".invitations") and self.fails:
                self.fails -= 1
                raise TemporaryError("disk full")
            await super().put(name, value)

    def member(sender: str, membership: str) -> dict[str, Any]:
        return line(membership, sender) | {
            "type": "m.room.member",
            "state_key": USER,
            "content": {"membership": membership},
        }

    keep = Failing()
    keep.values = earlier_keep().values
    keep.values[f"matrix.net.{USER}.accepted"] = '["!room:example.org"]'
    timeline = {"events": [member("@mod:example.org", "leave")], "limited": False, "prev_batch": "p"}
    answer = {"next_batch": "n2", "rooms": {"leave": {"!room:example.org": {"timeline": timeline}}}}
    far_end.plays(n1=says(answer), n2=never)
    long = timings(join_pause=timedelta(seconds=30), longest_join_pause=timedelta(seconds=60))
    async with bot_for(far_end, keep, timings=long).running() as bot:
        await until(lambda: keep.value(".since") == "n2")
        assert keep.fails == 0
        assert "removed by @mod" in bot.chat.status().rooms[ROOM]
    assert far_end.count("POST join") == 0
