"""A homeserver that misbehaves: few requests, the place in the stream kept, one sentence for the operator.

The far end is a fake, because a real one cannot be made to do this.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.chat.matrix.answers import Refusal, ask
from bot.chat.matrix.client import new_client
from bot.chat.matrix.login import log_in
from bot.chat.matrix.slowed import Slowed
from bot.errors import PermanentError, TemporaryError
from bot.talk import Said
from tests.chat.fake_matrix import (
    ROOM,
    USER,
    Answer,
    FarEnd,
    bad_gateway,
    bot_for,
    cut_off,
    earlier_keep,
    never,
    no_text,
    refuses,
    says,
)
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import Bot, MemoryKeep, config, milliseconds, post, timings
from tests.chat.matrix_faults import FAULTS
from tests.servers import program

# -- the stream -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAULTS)
async def test_broken_stream_is_asked_seldom_and_keeps_its_place(
    far_end: FarEnd, keep: MemoryKeep, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="bot")
    fault, healthy = FAULTS[name], far_end.answers["sync"]
    far_end.answers["sync"] = fault.answer
    short = timings(first_sync=milliseconds(200), pause=milliseconds(70), longest_pause=milliseconds(280))
    async with bot_for(far_end, keep, timings=short).running() as bot:
        await until(lambda: bot.chat.status().state == "broken")
        assert fault.sentence in bot.chat.status().trouble
        assert not bot.chat.status().ready
        await asyncio.sleep(0.4)  # the time in which the requests are counted
        asked = far_end.count("GET sync")
        assert asked == 1 if fault.asked else 2 <= asked <= 6 * fault.each
        assert keep.value(".since") == "tok1"
        far_end.answers["sync"] = healthy
        await bot.ready()
        assert bot.chat.status().trouble == ""
        await until(lambda: keep.value(".since") == "n1")
    assert set(far_end.since[: far_end.since.index("n1")]) == {"tok1"}
    assert far_end.at[asked] - far_end.at[asked - 1] >= fault.asked
    assert far_end.count("POST login") == 0
    states = [r.message.split()[1] for r in caplog.records if r.name == "bot.chat.matrix.adapter"]
    assert states == ["connecting", "broken", "connected", "stopped"]  # each said once


async def test_odd_events_do_not_stop_the_stream(far_end: FarEnd, keep: MemoryKeep) -> None:
    def event(kind: str, content: Any, **more: Any) -> dict[str, Any]:
        base = {"event_id": f"${len(odd)}", "sender": "@ada:example.org", "origin_server_ts": 4_000_000_000_000_000}
        return {"type": kind, "content": content, **base, **more}

    odd: list[Any] = []
    odd += [{"no": "type"}, event("m.room.message", {"msgtype": "m.text"}), event("m.room.message", None)]
    odd += [event("m.room.member", {"membership": "join", "displayname": 7}, state_key="@ada:example.org")]
    odd += [event("m.room.power_levels", {"users": {"@x": "high"}}, state_key="")]
    relates = {"msgtype": "m.text", "body": "!one", "m.relates_to": ["x"]}
    odd += [event("m.room.message", relates)]
    odd += [event("m.room.message", {"msgtype": "m.text", "body": "!two", "m.relates_to": {"m.in_reply_to": 1}})]
    rooms = {"join": {"!room:example.org": {"timeline": {"events": odd, "limited": False, "prev_batch": "p"}}}}

    async def once(request: web.Request) -> web.StreamResponse:
        if far_end.since[-1] == "tok1":
            return web.json_response({"next_batch": "n1", "rooms": rooms})
        return await far_end.quiet(request)

    far_end.answers["sync"] = once
    async with bot_for(far_end, keep).running() as bot:
        await until(lambda: keep.value(".since") == "n1")
        assert bot.texts() == ["!one", "!two"]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (refuses("M_FORBIDDEN", 403), Refusal, "^look: M_FORBIDDEN"),
        (refuses("M_NOT_FOUND", 404), Refusal, "^look: M_NOT_FOUND"),
        (bad_gateway, TemporaryError, "HTTP 502, an answer that is not Matrix's"),
    ],
)
async def test_a_refused_piece_of_state_has_its_code(
    far_end: FarEnd, answer: Answer, kind: type[Exception], words: str
) -> None:
    far_end.answers["/state/"] = answer
    client = new_client(config(far_end.url, USER), Slowed())
    client.open()
    client.access_token = "T"
    try:
        with pytest.raises(kind, match=words):
            await ask(client.room_get_state_event("!r:x", "m.room.member", USER), "look", milliseconds(2000))
    finally:
        await client.close()


# -- the token and the login ----------------------------------------------------------------------------------


async def test_refused_pasted_token_is_one_request_and_permanent(far_end: FarEnd) -> None:
    far_end.answers["whoami"] = refuses("M_UNKNOWN_TOKEN", 401)
    bot = bot_for(far_end, MemoryKeep(), token=SecretStr("s3cret"))
    with pytest.raises(PermanentError, match=r"refuses the token of @bot:example\.org: put a new one") as refused:
        await bot.chat.run(bot.hear)
    assert far_end.requests == ["GET whoami"]
    assert "s3cret" not in str(refused.value) + repr(bot.chat.status())


@pytest.mark.parametrize(
    "passing",
    [
        refuses("M_UNRECOGNIZED", 404),  # a proxy
        refuses("M_RESOURCE_LIMIT_EXCEEDED", 403),
        refuses("M_FORBIDDEN", 403),
        refuses("M_UNKNOWN", 400),
    ],
)
async def test_a_refusal_that_may_pass_does_not_stop_the_network(far_end: FarEnd, passing: Answer) -> None:
    well, far_end.answers["whoami"] = far_end.answers["whoami"], passing
    async with bot_for(far_end, earlier_keep()).running() as bot:
        await until(lambda: "does not let @bot:example.org in" in bot.chat.status().trouble)
        far_end.answers["whoami"] = well
        await bot.ready()


@pytest.mark.parametrize("code", ["M_UNKNOWN", "M_RESOURCE_LIMIT_EXCEEDED", "M_UNRECOGNIZED"])
async def test_a_message_that_is_refused_for_what_may_pass_is_said_later(far_end: FarEnd, code: str) -> None:
    async with bot_for(far_end, earlier_keep()).running() as bot:
        await bot.ready()
        far_end.answers["send"] = refuses(code, 403)
        with pytest.raises(TemporaryError, match=f"the homeserver refuses the message: {code}") as refused:
            await bot.chat.say(post(ROOM, "x", "k"))
        assert not refused.value.doubt


@pytest.mark.parametrize("code", ["M_BAD_JSON", "M_NOT_JSON", "M_INVALID_PARAM"])
async def test_a_message_that_no_server_takes_is_given_up(far_end: FarEnd, code: str) -> None:
    async with bot_for(far_end, earlier_keep()).running() as bot:
        await bot.ready()
        far_end.answers["send"] = refuses(code, 400)
        with pytest.raises(PermanentError, match=f"the homeserver refuses the message: {code}"):
            await bot.chat.say(post(ROOM, "x", "k"))


async def test_an_account_that_was_closed_stops_the_network(far_end: FarEnd) -> None:
    far_end.answers["whoami"] = far_end.answers["login"] = refuses("M_USER_DEACTIVATED", 403)
    bot = bot_for(far_end, earlier_keep())
    with pytest.raises(PermanentError, match=r"has closed @bot:example\.org"):
        await bot.chat.run(bot.hear)


class BrokenKeep(MemoryKeep):
    """Takes all but invitations."""

    def __init__(self, wrong: Exception) -> None:
        super().__init__()
        self.wrong = wrong

    async def put(self, name: str, value: str) -> None:
        if name.endswith(".invitations"):
            raise self.wrong
        await super().put(name, value)


@pytest.mark.parametrize(
    ("wrong", "seen", "state"),
    [(PermanentError("no store"), PermanentError, "refused"), (KeyError("x"), ExceptionGroup, "broken")],
)
async def test_what_ends_the_network_from_within_shows_in_its_status(
    far_end: FarEnd, wrong: Exception, seen: type[Exception], state: str
) -> None:
    member = {
        "type": "m.room.member",
        "state_key": USER,
        "sender": "@ada:example.org",
        "content": {"membership": "invite"},
    }
    invited = {"!new:example.org": {"invite_state": {"events": [member]}}}
    far_end.plays(n1=says({"next_batch": "n2", "rooms": {"invite": invited}}))
    bot = bot_for(far_end, BrokenKeep(wrong))
    with pytest.raises(seen):
        await bot.chat.run(bot.hear)
    status = bot.chat.status()
    assert (status.state, status.ready) == (state, False) and status.trouble


@pytest.mark.parametrize("soft", [False, True])
async def test_token_refused_in_the_stream_is_permanent_without_a_password(far_end: FarEnd, soft: bool) -> None:
    far_end.answers["sync"] = refuses("M_UNKNOWN_TOKEN", 401, soft_logout=soft)
    bot = bot_for(far_end, MemoryKeep(), token=SecretStr("s3cret"))
    with pytest.raises(PermanentError, match="put a new one"):
        await bot.chat.run(bot.hear)
    assert far_end.requests == ["GET whoami", "GET sync"]
    assert bot.chat.status().state == "refused"


async def test_device_is_kept_before_the_first_login(far_end: FarEnd) -> None:
    keep = MemoryKeep()
    far_end.answers["login"] = never
    async with bot_for(far_end, keep).running():
        await until(lambda: far_end.bodies)
        assert far_end.bodies[0]["device_id"] == keep.value(".device")
    device = keep.value(".device")
    far_end.answers["login"] = says({"user_id": USER, "device_id": device, "access_token": "T1"})
    async with bot_for(far_end, keep).running() as bot:
        await bot.ready()
    assert [body["device_id"] for body in far_end.bodies if "device_id" in body] == [device, device]
    assert keep.value(".token") == "T1"


async def test_server_without_passwords_is_said_to_whom_logs_in(far_end: FarEnd) -> None:
    far_end.answers["flows"] = says({"flows": [{"type": "m.login.sso"}, {"type": "m.login.token"}]})
    kept = MemoryKeep()
    with pytest.raises(PermanentError, match=r"takes no passwords.*give it with --token"):
        await log_in("net", config(far_end.url, USER), kept, "secret", by_token=False)
    assert kept.values == {}
    assert await log_in("net", config(far_end.url, USER), kept, "T9", by_token=True) == "D"
    assert (kept.value(".token"), kept.value(".device")) == ("T9", "D")
    far_end.answers["whoami"] = says({"user_id": USER})
    with pytest.raises(PermanentError, match="the token has no device"):
        await log_in("net", config(far_end.url, USER), kept, "T10", by_token=True)
    assert kept.value(".token") == "T9"
    assert far_end.requests == ["GET flows", "GET whoami", "GET whoami"]


async def test_a_token_whose_device_has_another_client_s_keys_is_not_taken_over(far_end: FarEnd) -> None:
    """The bot would stop at its first start: those keys it cannot have."""
    encrypts, kept = config(far_end.url, USER, encryption=True), MemoryKeep()
    far_end.answers["keys/query"] = says({"device_keys": {USER: {"D": {"keys": {"ed25519:D": "x"}}}}})
    with pytest.raises(PermanentError, match="device D of this token has keys of encryption"):
        await log_in("net", encrypts, kept, "T9", by_token=True)
    assert kept.values == {}
    assert await log_in("net", encrypts, earlier_keep(), "T9", by_token=True) == "D"  # they are ours
    far_end.answers["keys/query"] = says({"device_keys": {USER: {}}})
    assert await log_in("net", encrypts, kept, "T9", by_token=True) == "D"


@pytest.mark.parametrize(
    "name", ["502 of a proxy", "429, time in the header", "HTML", "half a body", "silence", "no HTTP", "redirected"]
)
@pytest.mark.parametrize("verb", ["login", "whoami"])
async def test_broken_start_is_tried_again_on_the_same_device(far_end: FarEnd, name: str, verb: str) -> None:
    keep = MemoryKeep() if verb == "login" else earlier_keep()
    fault, healthy = FAULTS[name], far_end.answers[verb]
    far_end.answers[verb] = fault.answer
    async with bot_for(far_end, keep, timings=timings(request=milliseconds(200))).running() as bot:
        await until(lambda: bot.chat.status().state == "broken")
        what = {"login": "log in", "whoami": "check the token"}[verb]
        trouble = bot.chat.status().trouble
        assert trouble.startswith(f"net: {what}: ") and fault.sentence in trouble
        await until(lambda: fault.asked or len(far_end.requests) >= 2)  # tried again while it lasts
        far_end.answers[verb] = healthy
        await bot.ready()
    assert {request.split()[1] for request in far_end.requests} <= {verb, "sync"}
    assert len({body["device_id"] for body in far_end.bodies if "device_id" in body}) == (verb == "login")
    assert keep.value(".token") == ("T1" if verb == "login" else "T0")


async def test_store_that_cannot_forget_a_refused_token_is_waited_for(far_end: FarEnd, keep: MemoryKeep) -> None:
    async def full_once(name: str, value: str) -> None:
        keep.put = healthy  # type: ignore[method-assign]
        raise TemporaryError("the disk is full")

    async def old_token(request: web.Request) -> web.StreamResponse:
        new = request.headers["Authorization"] == "Bearer T1"
        return await (far_end.quiet if new else refuses("M_UNKNOWN_TOKEN", 401))(request)

    healthy, far_end.answers["sync"] = keep.put, old_token
    async with bot_for(far_end, keep).running() as bot:
        keep.put = full_once  # type: ignore[method-assign]
        await bot.ready()
        assert "the disk is full" in bot.chat.status().error
    assert keep.value(".token") == "T1"


async def test_kept_token_of_another_device_is_not_used(far_end: FarEnd, keep: MemoryKeep) -> None:
    """A message is said once by the same device only."""
    far_end.answers["whoami"] = says({"user_id": USER, "device_id": "OTHER"})
    async with bot_for(far_end, keep).running() as bot:
        await bot.ready()
        assert bot.chat.status().device == "D"
    assert [body["device_id"] for body in far_end.bodies if "device_id" in body] == ["D"]
    assert keep.value(".token") == "T1"


@pytest.mark.parametrize(
    ("verb", "kept", "sentence"), [("login", False, "the login is for"), ("whoami", True, "the token is for")]
)
async def test_somebody_else_s_login_is_permanent(far_end: FarEnd, verb: str, kept: bool, sentence: str) -> None:
    far_end.answers[verb] = says({"user_id": "@eve:example.org", "device_id": "D", "access_token": "T1"})
    keep = earlier_keep() if kept else MemoryKeep()
    bot = bot_for(far_end, keep)
    with pytest.raises(PermanentError, match=f"{sentence} @eve:example.org, the config file says user: {USER}"):
        await bot.chat.run(bot.hear)
    assert len(far_end.requests) == 1
    assert keep.values.get(f"matrix.net.{USER}.token") == ("T0" if kept else None)


async def test_device_that_the_server_names_itself_is_kept(far_end: FarEnd) -> None:
    kept = MemoryKeep()
    async with bot_for(far_end, kept).running() as bot:
        await bot.ready()
    assert kept.value(".device") == "D"
    async with bot_for(far_end, kept).running() as bot:
        await bot.ready()
    assert far_end.count("POST login") == 1


async def test_login_waits_as_long_as_it_is_told(far_end: FarEnd) -> None:
    async def later(request: web.Request) -> web.StreamResponse:
        if far_end.count("POST login") == 1:
            return await refuses("M_LIMIT_EXCEEDED", 429, retry_after_ms=700)(request)
        return await says({"user_id": USER, "device_id": "D", "access_token": "T1"})(request)

    far_end.answers["login"] = later
    started = asyncio.get_running_loop().time()
    async with bot_for(far_end, MemoryKeep()).running() as bot:
        await until(lambda: bot.chat.status().state == "broken")
        assert "too many requests" in bot.chat.status().trouble
        await bot.ready()
    assert asyncio.get_running_loop().time() - started >= 0.7
    assert far_end.count("POST login") == 2


async def test_password_file_that_is_not_there_is_permanent(far_end: FarEnd, tmp_path: Any) -> None:
    bot = bot_for(far_end, MemoryKeep(), password_file=tmp_path / "none")
    with pytest.raises(PermanentError, match=r"password_file .*none cannot be read"):
        await bot.chat.run(bot.hear)


async def test_other_user_in_the_config_file_does_not_inherit(far_end: FarEnd) -> None:
    keep, other = MemoryKeep(), "@other:example.org"
    async with bot_for(far_end, keep).running() as bot:
        await bot.ready()
        await until(lambda: "n1" in keep.values.values())
    far_end.since.clear()
    far_end.answers["login"] = says({"user_id": other, "device_id": "E", "access_token": "T2"})
    async with Bot(config(far_end.url, other), [ROOM], keep).running() as bot:
        await bot.ready()
    assert far_end.since[0] == ""
    assert far_end.count("POST login") == 2
    one, two = (body["device_id"] for body in far_end.bodies if "device_id" in body)
    assert one != two


async def test_certificate_is_checked_and_ca_file_makes_it_good(keep: MemoryKeep, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, timeout=30)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    far_end = FarEnd()
    async with far_end.serving(tls):
        bot = bot_for(far_end, keep)
        with pytest.raises(PermanentError, match=r"the certificate of 127\.0\.0\.1 is not trusted.*set ca_file"):
            await bot.chat.run(bot.hear)
        assert far_end.requests == []
        async with bot_for(far_end, keep, ca_file=certificate).running() as bot:
            await bot.ready()
        bot = bot_for(far_end, keep, ca_file=tmp_path / "none")
        with pytest.raises(PermanentError, match=r"ca_file .*none cannot be used"):
            await bot.chat.run(bot.hear)


# -- saying ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "doubt", "retry_after"),
    [
        (refuses("M_LIMIT_EXCEEDED", 429, retry_after_ms=446), False, 0.446),
        (says({"errcode": "M_LIMIT_EXCEEDED", "error": "x"}, 429, **{"Retry-After": "1"}), False, 1.0),
        (refuses("M_UNKNOWN_TOKEN", 401), False, None),
        (bad_gateway, True, None),
        (refuses("M_UNKNOWN", 500), True, None),
        (cut_off, True, None),
        (no_text, True, None),
        (says({"ok": True}), True, None),
        (never, True, None),
    ],
)
async def test_what_may_have_arrived_is_in_doubt(
    far_end: FarEnd, keep: MemoryKeep, fault: Answer, doubt: bool, retry_after: float | None
) -> None:
    async with bot_for(far_end, keep, timings=timings(request=milliseconds(300))).running() as bot:
        await bot.ready()
        far_end.answers["send"] = fault
        with pytest.raises(TemporaryError, match=ROOM) as error:
            await bot.chat.say(post(ROOM, "x", "k"))
        assert (error.value.doubt, error.value.retry_after) == (doubt, retry_after)
        far_end.answers["send"] = says({"event_id": "$said"})
        assert (await bot.chat.say(post(ROOM, "x", "k"))).id == "$said"


@pytest.mark.parametrize("fault", [bad_gateway, cut_off, no_text])
async def test_a_question_before_a_correction_leaves_no_doubt_of_it(
    far_end: FarEnd, keep: MemoryKeep, fault: Answer
) -> None:
    """Whether the message is there that it replaces: nothing was said yet."""
    far_end.answers["/event/"] = fault
    async with bot_for(far_end, keep).running() as bot:
        await bot.ready()
        with pytest.raises(TemporaryError, match=ROOM) as error:
            await bot.chat.say(post(ROOM, "x", "k", replaces=Said("$said")))
    assert not error.value.doubt and far_end.count("PUT send") == 0


async def test_broken_connection_is_in_doubt_though_the_second_try_is_refused(keep: MemoryKeep) -> None:
    """aiohttp repeats a PUT when a kept-alive connection breaks; the far end has it by then, and is gone."""
    far_end = FarEnd()
    async with contextlib.AsyncExitStack() as stack:
        stop_listening = await stack.enter_async_context(far_end.serving())
        bot = await stack.enter_async_context(bot_for(far_end, keep).running())
        await bot.ready()
        await bot.chat.say(post(ROOM, "x", "k0"))

        async def break_off(request: web.Request) -> web.StreamResponse:
            await stop_listening()
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        far_end.answers["send"] = break_off
        with pytest.raises(TemporaryError) as error:
            await bot.chat.say(post(ROOM, "x", "k1"))
        assert error.value.doubt
        with pytest.raises(TemporaryError, match=r"cannot connect to 127\.0\.0\.1:\d+: Connection refused$") as error:
            await bot.chat.say(post(ROOM, "x", "k1"))
        assert not error.value.doubt


async def test_too_large_is_permanent_and_gone_from_the_room_is_not(far_end: FarEnd, keep: MemoryKeep) -> None:
    async with bot_for(far_end, keep).running() as bot:
        await bot.ready()
        far_end.answers["send"] = refuses("M_TOO_LARGE", 413)
        with pytest.raises(PermanentError, match=f"{ROOM}: the homeserver finds the message too large"):
            await bot.chat.say(post(ROOM, "x", "k"))
        far_end.answers["send"] = refuses("M_FORBIDDEN", 403)
        far_end.answers["joined_rooms"] = says({"joined_rooms": []})
        with pytest.raises(TemporaryError, match="not in the room any more") as error:
            await bot.chat.say(post(ROOM, "x", "k"))
        assert not error.value.doubt
        await until(lambda: far_end.count("POST join"))
        await bot.joined(ROOM)


async def test_status_tells_how_the_traffic_is(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.answers["send"] = refuses("M_LIMIT_EXCEEDED", 429, retry_after_ms=10)
    async with bot_for(far_end, keep).running() as bot:
        before = bot.chat.status()
        assert (before.synced, before.device, before.slowed, before.saying) == (None, "", 0, 0)
        await bot.ready()
        with pytest.raises(TemporaryError, match="too many requests"):
            await bot.chat.say(post(ROOM, "x", "k"))
        far_end.answers["send"] = never
        saying = [asyncio.create_task(bot.chat.say(post(ROOM, "x", f"k{number}"))) for number in range(3)]
        await until(lambda: far_end.count("PUT send") == 2)
        now = bot.chat.status()
        assert (now.device, now.slowed, now.saying) == ("D", 1, 3)
        assert now.synced is not None
        await until(lambda: bot.chat.status().synced != now.synced)
    await asyncio.gather(*saying, return_exceptions=True)
    assert bot.chat.status().saying == 0


def test_of_refusals_the_last_hour_counts() -> None:
    now = [0.0]
    slowed = Slowed(lambda: now[0])
    for moment in (0.0, 1000.0, 3000.0):
        now[0] = moment
        slowed.note()
    assert slowed.count() == 3
    now[0] = 4601.0
    assert slowed.count() == 1


async def test_before_and_after_it_runs_nothing_is_said(far_end: FarEnd, keep: MemoryKeep) -> None:
    bot = bot_for(far_end, keep)
    assert (bot.chat.status().state, bot.chat.status().ready) == ("stopped", False)
    with pytest.raises(TemporaryError, match="net is not connected") as error:
        await bot.chat.say(post(ROOM, "x", "k"))
    assert not error.value.doubt
    assert far_end.requests == []


async def test_leaving_while_posts_wait_ends_them(far_end: FarEnd, keep: MemoryKeep) -> None:
    far_end.answers["send"] = never
    async with bot_for(far_end, keep).running() as bot:
        await bot.ready()
        posts = [asyncio.create_task(bot.chat.say(post(ROOM, "x", f"k{number}"))) for number in range(3)]
        await until(lambda: far_end.count("PUT send"))
    ends = await asyncio.gather(*posts, return_exceptions=True)
    assert all(isinstance(end, TemporaryError) for end in ends)
    assert [end.doubt for end in ends if isinstance(end, TemporaryError)] == [True, False, False]
    assert far_end.count("PUT send") == 1
