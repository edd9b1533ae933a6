"""The IRC adapter on a real ircd-hybrid with TLS, as a person in the channel sees it."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import PermanentError, TemporaryError
from bot.talk import Heard, Message, Post, Said
from tests.chat.human_irc import Human, human
from tests.chat.irc_bot import TIMINGS, chat_for, post, question, running
from tests.servers.daemon import openssl
from tests.servers.ircd import Ircd
from tests.servers.link import link_to

pytestmark = pytest.mark.xdist_group("ircd")


@pytest.fixture
async def ann(ircd: Ircd) -> AsyncIterator[Human]:
    async with human("ann", ircd.tls_port, ircd.ca_file) as person:
        yield person


async def test_an_announcement_and_a_reply_arrive_whole(ircd: Ircd, ann: Human) -> None:
    await ann.join("#gate")
    async with running(ircd, "#gate") as bot:
        await bot.ready()
        assert await bot.chat.say(post("#gate", "known: 2098765 in nova-tox https://zuul.example.org/b/1")) == Said()
        await bot.chat.say(post("#gate", "one\r\ntwo\nthree", **question("#gate")))
        await ann.hears("#gate", "three")
        status = bot.chat.status()
    assert ann.heard("#gate", "gatewatch") == [
        "known: 2098765 in nova-tox https://zuul.example.org/b/1",
        "one",
        "two",
        "three",
    ]
    assert (status.name, status.state, status.trouble, status.rooms) == ("test", "ready", "", {"test:#gate": "joined"})


async def test_a_channel_that_the_bot_makes_itself_may_be_misspelt(
    ircd: Ircd, ann: Human, caplog: pytest.LogCaptureFixture
) -> None:
    await ann.join("#gate")
    async with running(ircd, "#gate", "#gatte") as bot:
        await bot.ready()
        await bot.until(lambda: "irc room was not there" in caplog.text)
    assert [one.getMessage().rpartition(" ")[2] for one in caplog.records if "was not there" in one.getMessage()] == [
        "room=#gatte"
    ]


async def test_it_says_goodbye(ircd: Ircd, ann: Human) -> None:
    await ann.join("#gate")
    async with running(ircd, "#gate", pace={}) as bot:
        await bot.ready()
        # At the real pace this takes a second, before which ircd-hybrid keeps the reason to itself.
        await bot.chat.say(post("#gate", "news"))
    await ann.wait_for(lambda line: line.startswith(":gatewatch!") and "QUIT" in line and "shutting down" in line)
    assert bot.chat.status().state == "stopped"


async def test_a_line_is_cut_where_the_server_would_cut_it(ircd: Ircd, ann: Human) -> None:
    await ann.join("#gate")
    link = "https://zuul.example.org/t/openstack/build/0123456789abcdef0123456789abcdef"
    async with running(ircd, "#gate") as bot:
        await bot.ready()
        echo = await ann.wait_for(lambda line: line.startswith(":gatewatch!") and "JOIN" in line)
        room = 510 - len(f"{echo.split()[0]} PRIVMSG #gate :".encode())
        exact = "ü" * (room // 2) + "x" * (room % 2)
        await bot.chat.say(post("#gate", exact))
        await bot.chat.say(post("#gate", exact + "y"))
        await bot.chat.say(post("#gate", f"unknown: {'wörter ' * 100}{link}"))
        await ann.until(lambda: len(ann.heard("#gate")) == 3)
    whole, over, long = ann.heard("#gate")
    assert whole == exact
    assert over == exact[: (room - 3) // 2] + "…"
    assert long.startswith("unknown: wörter") and long.endswith(f"wörter… {link}")
    assert room - len("wörter ".encode()) <= len(long.encode()) <= room


async def test_a_line_break_in_a_text_starts_no_command(ircd: Ircd, ann: Human) -> None:
    await ann.join("#gate")
    async with running(ircd, "#gate") as bot:
        await bot.ready()
        await bot.chat.say(
            post("#gate", "one\rQUIT :gone\nPRIVMSG #gate :two\0\x01\x0304red\x03 \x1b[31mansi\x1b[0m end")
        )
        await bot.chat.say(post("#gate", "\x01ACTION\x01 dances\x01"))
        await ann.hears("#gate", "ACTION dances")
    assert ann.heard("#gate") == ["one | QUIT :gone | PRIVMSG #gate :two red ansi end", "ACTION dances"]


async def test_what_is_heard(ircd: Ircd, ann: Human) -> None:
    await ann.join("#Gate")
    async with running(ircd, "#gate") as bot:
        await bot.ready()
        ann.say("#Gate", "just talk about gatewatch: nothing")
        ann.send("NOTICE #Gate :!notice")
        ann.send("PRIVMSG gatewatch :\x01VERSION\x01")
        ann.say("#Gate", "\x02!why\x02 912345")
        ann.say("#Gate", "GateWatch, help")
        ann.say("#Gate", "gatewatch: top")
        ann.say("gatewatch", "bug 2098765")
        await bot.until(lambda: len(bot.heard) == 4)
        await ann.wait_for(lambda line: "NOTICE ann :\x01VERSION gatewatch\x01" in line)
    assert [(line.room, line.private, line.text) for line in bot.heard] == [
        ("test:#gate", False, "!why 912345"),
        ("test:#gate", False, "GateWatch, help"),
        ("test:#gate", False, "gatewatch: top"),
        ("test:ann", True, "bug 2098765"),
    ]
    assert {(line.network, line.person.name, line.person.account) for line in bot.heard} == {("test", "ann", "")}
    assert len({line.id for line in bot.heard}) == 4
    assert all(line.at.utcoffset() is not None for line in bot.heard)


async def test_a_private_question_is_answered_in_private(ircd: Ircd, ann: Human) -> None:
    async with running(ircd, "#gate") as bot:
        await bot.ready()
        ann.say("gatewatch", "top")
        await bot.until(lambda: len(bot.heard) == 1)
        await bot.chat.say(Post(bot.heard[0].room, "1", Message("here"), answers=bot.heard[0]))
        await ann.hears("ann", "here")


async def test_bytes_that_are_no_utf8_cost_nothing(ircd: Ircd, ann: Human) -> None:
    await ann.join("#gate")
    async with running(ircd, "#gate") as bot:
        await bot.ready()
        since = bot.chat.status().since
        ann.send_bytes(b"PRIVMSG #gate :!caf\xe9")
        await bot.until(lambda: len(bot.heard) == 1)
        assert bot.heard[0].text == "!café"
        assert bot.chat.status().since == since


async def test_a_killed_server_is_found_again(ircd: Ircd, ann: Human) -> None:
    async with running(ircd, "#gate") as bot:
        await bot.ready()
        ircd.daemon.kill()
        await bot.not_ready()
        with pytest.raises(TemporaryError, match="test:#gate: ") as refused:
            await bot.chat.say(post("#gate", "lost?"))
        assert not refused.value.doubt
        assert "localhost" in bot.chat.status().trouble
        ircd.daemon.start()
        await bot.ready()
        async with human("bea", ircd.tls_port, ircd.ca_file) as bea:
            await bea.join("#gate")
            await bot.chat.say(post("#gate", "found again"))
            await bea.hears("#gate", "found again")
        assert bot.chat.status().trouble == ""


async def test_a_server_that_stops_before_the_answer_leaves_doubt(ircd: Ircd, ann: Human) -> None:
    async with running(ircd, "#gate") as bot:
        await bot.ready()
        ircd.daemon.freeze()
        with pytest.raises(TemporaryError, match="said, but not confirmed") as unsure:
            await bot.chat.say(post("#gate", "did it arrive?"))
        assert unsure.value.doubt
        await bot.not_ready()
        ircd.daemon.thaw()
        await bot.ready()
        await bot.chat.say(post("#gate", "again"))


async def test_the_watchdog_leaves_a_silent_server(ircd: Ircd) -> None:
    async with running(ircd, "#gate", timings={**TIMINGS, "idle": 0.5, "dead": 0.5}) as bot:
        await bot.ready()
        since = bot.chat.status().since
        await asyncio.sleep(2.2)  # more than twice idle and dead: a server that answers the PING is not left
        assert bot.chat.status().since == since
        ircd.daemon.freeze()
        await bot.not_ready()
        assert "has said nothing" in bot.chat.status().trouble
        ircd.daemon.thaw()
        await bot.ready()


@pytest.mark.parametrize(
    ("tls", "hint"), [(True, "is that its TLS port?"), (False, "if that is its TLS port, set tls: true")]
)
async def test_tls_to_a_plain_port_and_the_other_way_round_are_told(ircd: Ircd, tls: bool, hint: str) -> None:
    port = ircd.port if tls else ircd.tls_port
    timings = {**TIMINGS, "connect": 1}
    async with running(ircd, "#gate", timings=timings, port=port, tls=tls) as bot:
        await bot.until(lambda: hint in bot.chat.status().trouble)


async def test_a_server_that_lets_nobody_in_is_tried_again(ircd: Ircd) -> None:
    ircd.daemon.freeze()
    timings = {**TIMINGS, "connect": 0.4, "registration": 0.4}
    async with running(ircd, "#gate", timings=timings) as bot:
        await bot.until(lambda: "did not answer within 0.4 s" in bot.chat.status().trouble)
        ircd.daemon.thaw()
        await bot.ready()
    ircd.daemon.freeze()
    async with running(ircd, "#gate", timings=timings, port=ircd.port, tls=False) as bot:
        await bot.until(lambda: "did not let the bot in within 0.4 s" in bot.chat.status().trouble)
        ircd.daemon.thaw()
        await bot.ready()


async def test_kicked_it_comes_back(ircd: Ircd, ann: Human) -> None:
    await ann.join("#kicks")
    async with running(ircd, "#kicks", "#calm") as bot:
        await bot.ready()
        ann.send("KICK #kicks gatewatch :too loud")
        await bot.until(lambda: bot.chat.status().rooms["test:#kicks"] != "joined")
        assert bot.chat.status().rooms == {"test:#kicks": "kicked by ann (too loud)", "test:#calm": "joined"}
        with pytest.raises(TemporaryError, match="kicked by ann"):
            await bot.chat.say(post("#kicks", "still here?"))
        assert bot.chat.status().ready
        await bot.joined("test:#kicks")
        await bot.chat.say(post("#kicks", "back"))
        await ann.hears("#kicks", "back")


async def test_a_closed_channel_is_named_and_joined_when_it_opens(ircd: Ircd, ann: Human) -> None:
    await ann.join("#closed")
    ann.send("MODE #closed +i")
    await ann.wait_for(lambda line: "MODE #closed +i" in line)
    async with running(ircd, "#closed", "#open", "#bad,name") as bot:
        await bot.ready()
        rooms = bot.chat.status().rooms
        assert rooms["test:#closed"].startswith("the channel is by invitation only (+i): invite the bot (473: ")
        assert rooms["test:#open"] == "joined"
        assert "is no channel" in rooms["test:#bad,name"]
        await bot.chat.say(post("#open", "the others work"))
        ann.send("MODE #closed -i")
        await bot.joined("test:#closed")


async def test_an_invitation_is_taken_at_once(ircd: Ircd, ann: Human) -> None:
    await ann.join("#invites")
    ann.send("MODE #invites +i")
    await ann.wait_for(lambda line: "MODE #invites +i" in line)
    async with running(ircd, "#invites", timings={**TIMINGS, "join_again": [60]}) as bot:
        await bot.ready()
        ann.send("INVITE gatewatch #invites")
        await bot.joined("test:#invites")


async def test_a_key_opens(ircd: Ircd, ann: Human) -> None:
    await ann.join("#keyed")
    ann.send("MODE #keyed +k sesame")
    await ann.wait_for(lambda line: "MODE #keyed +k" in line)
    async with running(ircd, "#keyed") as bot:
        await bot.ready()
        assert "put it under the network's `keys`" in bot.chat.status().rooms["test:#keyed"]
    async with running(ircd, "#keyed", keys={"#Keyed": "sesame"}) as bot:
        await bot.joined("test:#keyed")


async def test_a_channel_that_refuses_speech_is_permanent(ircd: Ircd, ann: Human) -> None:
    await ann.join("#quiet")
    async with running(ircd, "#quiet") as bot:
        await bot.ready()
        ann.send("MODE #quiet +m")
        await ann.wait_for(lambda line: "MODE #quiet +m" in line)
        with pytest.raises(PermanentError, match=r"test:#quiet: the channel does not let the bot speak .*404"):
            await bot.chat.say(post("#quiet", "hush"))
        with pytest.raises(PermanentError, match="test:nobody: there is nobody of that name"):
            await bot.chat.say(post("nobody", "hello"))
        assert bot.chat.status().ready


async def test_a_taken_nick_is_got_back(ircd: Ircd, ann: Human) -> None:
    async with human("gatewatch", ircd.tls_port, ircd.ca_file):
        async with running(ircd, "#gate") as bot:
            await bot.ready()
            await ann.join("#gate")
            assert "the nick gatewatch is taken; the bot is gatewatch_" in bot.chat.status().trouble
            ann.say("#gate", "gatewatch_: help")
            await bot.until(lambda: len(bot.heard) == 1)
        async with human("gatewatch_", ircd.tls_port, ircd.ca_file), running(ircd, "#gate") as bot:
            await bot.ready()
            assert "the bot is gatewatch__" in bot.chat.status().trouble
    async with human("gatewatch", ircd.tls_port, ircd.ca_file) as holder, running(ircd, "#gate") as bot:
        await bot.ready()
        holder.send("NICK somebody")  # nobody tells the bot: it tries now and then
        await bot.until(lambda: bot.chat.status().trouble == "")


async def test_a_nick_is_taken_when_its_holder_is_seen_to_leave_it(ircd: Ircd, ann: Human) -> None:
    await ann.join("#gate")
    async with (
        human("gatewatch", ircd.tls_port, ircd.ca_file) as holder,
        running(ircd, "#gate", nick="GateWatch", timings={**TIMINGS, "regain": 60}) as bot,
    ):
        await bot.ready()
        await holder.join("#gate")
        holder.send("NICK somebody")
        await bot.until(lambda: bot.chat.status().trouble == "")
        await bot.chat.say(post("#gate", "me again"))
        await ann.hears("#gate", "me again")
        assert ann.heard("#gate", "GateWatch") == ["me again"]


async def test_a_flood_is_delivered_whole_and_in_order(ircd: Ircd, ann: Human) -> None:
    """As fast as the server takes it: never so fast that it hangs up."""
    await ann.join("#flood")
    lines = [f"{number} {'x' * 400}" for number in range(4)]
    async with running(ircd, "#flood", pace={}) as bot:
        await bot.ready()
        since = bot.chat.status().since
        await asyncio.gather(*(bot.chat.say(post("#flood", line)) for line in lines))
        assert bot.chat.status().since == since
        await ann.hears("#flood", lines[-1])
    assert ann.heard("#flood") == lines


async def test_announcements_are_notices_where_asked(ircd: Ircd, ann: Human) -> None:
    await ann.join("#gate")
    async with running(ircd, "#gate", notice=True) as bot:
        await bot.ready()
        await bot.chat.say(post("#gate", "news"))
        await bot.chat.say(post("#gate", "answer", **question("#gate")))
        await ann.hears("#gate", "answer")
    assert [(command, text) for command, _, text in ann.messages("#gate")] == [
        ("NOTICE", "news"),
        ("PRIVMSG", "answer"),
    ]


async def test_a_correction_says_what_changed_or_nothing(ircd: Ircd, ann: Human) -> None:
    await ann.join("#gate")
    async with running(ircd, "#gate") as bot:
        await bot.ready()
        room = "test:#gate"
        await bot.chat.say(Post(room, "1", Message("whole text", changed=""), replaces=Said()))
        await bot.chat.say(Post(room, "2", Message("whole text", changed="also: nova-grenade"), replaces=Said()))
        await ann.hears("#gate", "also: nova-grenade")
    assert ann.heard("#gate") == ["also: nova-grenade"]


async def test_a_file_that_is_not_there_is_permanent(ircd: Ircd) -> None:
    with pytest.raises(PermanentError, match=r"cannot use ca_file /nowhere\.pem: No such file"):
        await chat_for(ircd, "#gate", ca_file="/nowhere.pem").run(nobody_hears)


async def test_a_key_with_a_password_asks_nobody_for_it(ircd: Ircd, tmp_path: Path) -> None:
    openssl(tmp_path, "genrsa", "-aes256", "-passout", "pass:sesame", "-out", "locked.key", "2048")
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        ircd.client_pem.with_suffix(".certificate").read_bytes() + (tmp_path / "locked.key").read_bytes()
    )
    with pytest.raises(PermanentError, match=r"cannot use certfp .*locked\.pem"):
        await chat_for(ircd, "#gate", certfp=locked).run(nobody_hears)


async def test_a_file_that_is_away_later_is_waited_for(ircd: Ircd, tmp_path: Path) -> None:
    """Somebody puts a new certificate there just as the connection breaks."""
    trusted = Path(shutil.copy(ircd.ca_file, tmp_path))
    async with running(ircd, "#gate", ca_file=trusted) as bot:
        await bot.ready()
        trusted.rename(tmp_path / "away")  # noqa: ASYNC240
        ircd.daemon.kill()
        ircd.daemon.start()
        await bot.until(lambda: f"cannot use ca_file {trusted}" in bot.chat.status().trouble)
        shutil.copy(ircd.ca_file, trusted)
        await bot.ready()


async def test_a_wrong_server_password_is_not_tried_again_soon(ircd: Ircd) -> None:
    locked = {"username": "locked", "timings": {**TIMINGS, "long_wait": [60]}}
    async with (
        link_to(ircd.tls_port) as link,
        running(ircd, "#gate", **locked, port=link.port, password="wrong") as bot,
    ):
        await bot.until(lambda: "the server does not accept the bot's password" in bot.chat.status().trouble)
        await asyncio.sleep(0.5)  # more than twice the usual wait
        assert (bot.chat.status().state, len(link.attempts)) == ("waiting", 1)
        assert "wrong" not in bot.chat.status().trouble
    async with running(ircd, "#gate", username="locked", password="letmein") as bot:
        await bot.ready()


async def test_a_port_without_tls_says_so_and_is_tried_again(ircd: Ircd) -> None:
    async with running(ircd, "#gate", port=ircd.port) as bot:
        await bot.until(lambda: "is that its TLS port?" in bot.chat.status().trouble)


async def test_the_bot_is_marked_as_one(ircd: Ircd, ann: Human) -> None:
    async with running(ircd, "#gate") as bot:
        await bot.ready()
        ann.send("WHOIS gatewatch")
        await ann.wait_for(lambda line: " 335 " in line and "gatewatch" in line)


async def test_a_defect_in_what_hears_costs_only_that_line(
    ircd: Ircd, ann: Human, caplog: pytest.LogCaptureFixture
) -> None:
    await ann.join("#gate")

    def defect(heard: Heard) -> None:
        raise ValueError(f"a defect at {heard.text}")

    async with running(ircd, "#gate", on_heard=defect) as bot:
        await bot.ready()
        since = bot.chat.status().since
        ann.say("#gate", "!one")
        ann.say("#gate", "!two")
        await bot.until(lambda: "a defect at !two" in caplog.text)
        assert "a defect at !one" in caplog.text
        assert bot.chat.status().since == since


async def test_no_password_is_logged(ircd: Ircd, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service = {"password": "hunter2"}
    secrets = {"password": "letmein", "nickserv": service, "keys": {"#gate": "sesame"}}
    async with running(ircd, "#gate", username="locked", **secrets) as bot:
        await bot.ready()
        assert "NickServ is not there" in bot.chat.status().trouble
        shown = caplog.text + repr(bot.chat.status()) + repr(bot.chat._config)
    assert not [secret for secret in ("letmein", "hunter2", "sesame") if secret in shown]


async def nobody_hears(line: object) -> None:
    raise AssertionError(line)
