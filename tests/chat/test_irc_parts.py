"""The parts of the IRC adapter that need no server."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bot.chat.irc.adapter import IrcChat
from bot.chat.irc.addressing import addressed, ctcp_answer
from bot.chat.irc.backoff import Backoff, unwanted
from bot.chat.irc.checks import LONGEST_REALNAME
from bot.chat.irc.config import IrcConfig, Timings, channel_fault
from bot.chat.irc.connection import Event
from bot.chat.irc.files import read_secrets
from bot.chat.irc.isupport import Isupport
from bot.chat.irc.pace import Bucket, Pace
from bot.errors import PermanentError


def least(low: float, high: float) -> float:
    return low


def most(low: float, high: float) -> float:
    return high


def server(*tokens: str) -> Isupport:
    isupport = Isupport()
    isupport.load(["nick", *tokens, "are supported by this server"])
    return isupport


def test_the_waits_grow_and_start_again() -> None:
    timings = Timings()
    backoff = Backoff(timings.reconnect, timings.reconnect_floor, most)
    assert [backoff.wait() for _ in range(9)] == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    backoff.reset()
    assert backoff.wait() == 5


def test_no_wait_is_shorter_than_the_floor() -> None:
    timings = Timings()
    assert Backoff(timings.reconnect, timings.reconnect_floor, least).wait() == 3
    assert Backoff(timings.long_wait, timings.long_wait[0], least).wait() == 300


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        ("Your host is trying to (re)connect too fast -- throttled.", True),
        ("Closing Link: x (Connection rejected - banned from server)", True),
        ("K-Lined", True),
        ("AKILLED: spam", True),
        ("Access denied: Bad password?", True),
        ("Too many host connections (local)", True),
        ("Too many user/host connections", True),
        ("You are listed in a DNSBL", True),
        ("Z-lined: abuse", True),
        ("the deadline has passed", False),
        ("Ping timeout: 121 seconds", False),
        ("Connection refused", False),
    ],
)
def test_last_words_that_ask_for_a_longer_wait(why: str, expected: bool) -> None:
    assert unwanted(why) is expected


def test_the_bucket_gives_a_burst_and_then_its_rate() -> None:
    bucket = Bucket(4, 1.0, now=0.0)
    assert [bucket.take(1, 0, now=0.0) for _ in range(5)] == [0, 0, 0, 0, 1.0]
    assert bucket.take(1, 0, now=1.0) == 0
    assert bucket.take(1, 0, now=100.0) == 0
    assert bucket.take(4, 0, now=100.0) == 1.0  # never more than its capacity


def test_what_cannot_wait_lets_others_wait_but_not_without_end() -> None:
    bucket = Bucket(4, 1.0, now=0.0)
    bucket.charge(6, now=0.0)
    assert bucket.take(1, 0, now=0.0) == 3
    bucket.charge(1000, now=0.0)
    assert bucket.take(1, 0, now=0.0) == 5


def test_an_announcement_leaves_two_for_a_reply() -> None:
    now = [0.0]
    pace = Pace(4, 1.0, lambda: now[0])
    assert pace.spare(2, Pace.ANNOUNCEMENT)
    assert not pace.spare(2, Pace.ANNOUNCEMENT)
    assert pace.spare(2, Pace.REPLY)
    assert not pace.spare(1, Pace.REPLY)
    now[0] = 3.9
    assert not pace.spare(2, Pace.ANNOUNCEMENT)
    now[0] = 4.0
    assert pace.spare(2, Pace.ANNOUNCEMENT)


def test_names_are_compared_as_the_server_does() -> None:
    assert server().same("#A[\\]", "#a{|}")
    assert server("CASEMAPPING=rfc1459").same("x~", "X^")
    assert not server("CASEMAPPING=strict-rfc1459").same("x~", "X^")
    assert not server("CASEMAPPING=ascii").same("#a[", "#a{")
    assert server("CASEMAPPING=ascii").same("#ABC", "#abc")
    assert not server("CASEMAPPING=ascii").same("#Ü", "#ü")


def test_malformed_tokens_harm_nothing() -> None:
    isupport = server("CHANLIMIT=#", "TARGMAX=a", "", "=", "LINELEN=big", "BOT=B", "CASEMAPPING=klingon")
    assert (isupport.linelen, isupport.bot_mode) == (512, "B")
    assert isupport.same("a[", "A{")
    isupport.load(["nick", "-BOT", "LINELEN=2048", "are supported by this server"])
    assert (isupport.linelen, isupport.bot_mode) == (2048, "")


def test_who_is_addressed() -> None:
    assert addressed("gatewatch: help", "gatewatch", server())
    assert addressed("GATEWATCH, help", "gatewatch", server())
    assert not addressed("gatewatch is down", "gatewatch", server())
    assert not addressed("gatewatch_: help", "gatewatch", server())
    assert not addressed("gatewatch", "gatewatch", server())


def settings(**overrides: Any) -> IrcConfig:
    values = {"type": "irc", "host": "irc.example.org", "nick": "gatewatch"}
    return IrcConfig.model_validate({**values, **overrides})


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        ({"username": "a b@c"}, "pattern"),
        ({"timings": {"idle": "soon"}}, "a duration is written"),
        ({"pace": {"burst": 3}}, "greater than or equal to 4"),
        ({"chanels": []}, "Extra inputs"),
    ],
)
def test_a_wrong_section_is_refused(overrides: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        settings(**overrides)


def test_a_section_takes_durations_and_hides_its_secrets() -> None:
    config = settings(timings={"idle": "2m", "reconnect": ["5s", 0.5]}, password="hunter2", keys={"#a": "sesame"})
    assert (config.timings.idle, config.timings.reconnect) == (120, (5, 0.5))
    secrets = read_secrets("oftc", config)
    assert (secrets.server, secrets.keys) == ("hunter2", {"#a": "sesame"})
    assert not [secret for secret in ("hunter2", "sesame") if secret in repr(config) + repr(secrets)]


def test_what_is_shown_of_the_bot_fits_everywhere() -> None:
    shown = IrcChat("oftc", settings(), [], prefix="::!")._config.realname
    assert shown == "gatewatch: CI gate failures; ask ::!help"
    assert len(shown.encode()) <= LONGEST_REALNAME


def test_rooms_go_by_another_connection_only_where_there_is_one(caplog: pytest.LogCaptureFixture) -> None:
    chat = IrcChat("oftc", settings(further_nicks=["gatewatch2"]), ["oftc:#gate"])
    chat._gone(0)
    chat._gone(1)
    assert [record.getMessage().partition(" network")[0] for record in caplog.records] == [
        "irc rooms go by other connections"
    ]


def test_all_nicks_log_in_to_the_same_account() -> None:
    config = settings(further_nicks=["gatewatch2"], nickserv={"password": "x"}, sasl={"password": "x"})
    second = config.of_nick("gatewatch2")
    assert second.nick == "gatewatch2" and second.nickserv is not None and second.sasl is not None
    assert (second.nickserv.account, second.sasl.account) == ("gatewatch", "gatewatch")
    named = settings(nickserv={"password": "x", "account": "ours"}).of_nick("other")
    assert named.nickserv is not None and named.nickserv.account == "ours" and named.sasl is None


def test_a_password_that_cannot_be_sent_is_named(tmp_path: Any) -> None:
    with pytest.raises(PermanentError, match=r"oftc: cannot read password_file .*none: No such file"):
        read_secrets("oftc", settings(password_file=tmp_path / "none"))
    (tmp_path / "two").write_text("two words\n")
    with pytest.raises(PermanentError, match="oftc: the nickserv password is empty or has a space") as refused:
        read_secrets("oftc", settings(nickserv={"password_file": tmp_path / "two"}))
    assert "two words" not in str(refused.value)


def test_channels() -> None:
    assert [name for name in ("#a", "&b", "#ü", "a", "#", "#a b", "#a,b", "#a\7") if not channel_fault(name)] == [
        "#a",
        "&b",
        "#ü",
    ]


def test_ctcp() -> None:
    def asked(*arguments: str) -> str:
        return ctcp_answer(Event("ctcp", "a!b@c", "gatewatch", arguments))

    assert asked("VERSION") == "VERSION gatewatch"
    assert asked("PING", "12\x0234") == "PING 1234"
    assert asked("ACTION", "waves") == ""
    assert asked() == ""
