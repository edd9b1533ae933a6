"""Which connection is in which channel: no server needed."""

from __future__ import annotations

import random

import pytest

from bot.app import named_rooms, open_chats
from bot.chat.irc.adapter import IrcChat
from bot.chat.irc.ejections import MOST, Ejections
from bot.chat.irc.spread import Spread
from bot.config import Config
from tests.chat.test_irc_parts import server

TEN = tuple(f"#c{number}" for number in range(10))


def places(spread: Spread, channels: tuple[str, ...]) -> list[int | None]:
    return [spread.where(channel) for channel in channels]


def test_one_connection_takes_all_until_its_limit_is_known() -> None:
    spread = Spread(TEN, 3)
    assert spread.of(0) == list(TEN)
    spread.back(0, {"#": 4})
    assert (spread.of(0), spread.of(1), spread.of(2)) == (list(TEN[:4]), list(TEN[4:]), [])
    spread.back(1, {"#": 4})
    assert (spread.of(1), spread.of(2)) == (list(TEN[4:8]), list(TEN[8:]))


def test_limits_count_by_the_signs_they_name() -> None:
    channels = ("#a", "&b", "#c", "+d", "+e")
    spread = Spread(channels, 2)
    spread.back(0, {"#&": 2, "+": 1})
    assert places(spread, channels) == [0, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("tokens", "limits"),
    [
        (["CHANLIMIT=#&:10,+:5"], {"#&": 10, "+": 5}),
        (["CHANLIMIT=#:"], {}),
        (["CHANLIMIT=#,:5,&:x"], {}),
        (["MAXCHANNELS=20"], {"#&+!": 20}),
        ([], {}),
    ],
)
def test_limits_are_read_from_what_a_server_names(tokens: list[str], limits: dict[str, int]) -> None:
    assert server(*tokens).chanlimits == limits


def test_a_channel_stays_where_it_is() -> None:
    spread = Spread(TEN, 2)
    spread.back(0, {"#": 5})
    spread.back(1, {"#": 5})
    before = places(spread, TEN)
    spread.back(1, {"#": 5})
    spread.back(0, {"#": 9})
    assert places(spread, TEN) == before


def test_the_others_take_the_channels_of_one_that_is_gone() -> None:
    spread = Spread(TEN, 2)
    spread.back(0, {"#": 5})
    spread.back(1, {"#": 8})
    spread.gone(0)
    assert spread.of(0) == [] and len(spread.of(1)) == 8
    assert [channel for channel in TEN if spread.where(channel) is None] == list(TEN[3:5])
    spread.back(0, {"#": 5})
    assert spread.of(0) == list(TEN[3:5])


def test_without_any_other_channels_stay_where_they_are() -> None:
    spread = Spread(TEN, 2)
    spread.back(0, {"#": 5})
    spread.back(1, {"#": 2})
    assert spread.gone(0) and [channel for channel in TEN if spread.is_spare(channel)] == list(TEN[:5] + TEN[7:])
    before = places(spread, TEN)
    assert not spread.gone(1)
    assert places(spread, TEN) == before and not any(map(spread.is_spare, TEN))
    spread.back(0, {"#": 5})
    assert (spread.of(0), spread.of(1)) == (list(TEN[:5]), [])


def test_a_refusal_teaches_a_lower_limit() -> None:
    spread = Spread(TEN, 2)
    spread.back(0, {"#": 10})
    spread.full(0, "#c7", joined=["#c0", "#c9"])
    assert spread.of(0) == ["#c0", "#c9"]
    unnamed = Spread(TEN, 1)
    unnamed.back(0, {})
    unnamed.full(0, "#c1", joined=["#c0"])
    assert places(unnamed, TEN) == [0, *[None] * 9]
    unnamed.back(0, {})  # a new connection is a new try
    assert unnamed.of(0) == list(TEN)
    unnamed.full(0, "#c1", joined=[])  # in none at all: that is no limit
    assert unnamed.of(0) == list(TEN)


def test_the_least_recently_used_makes_place() -> None:
    spread = Spread(TEN, 2)
    spread.back(0, {"#": 2})
    spread.back(1, {"#": 2})
    for now, channel in enumerate(("#c0", "#c2", "#c3"), start=1):
        spread.use(channel, now)
    assert spread.bring("#c9", [0, 1], ()) == 0
    assert places(spread, ("#c0", "#c1", "#c2", "#c3", "#c9")) == [0, None, 1, 1, 0]
    assert spread.bring("#c1", [1], ()) == 1
    assert spread.where("#c2") is None
    assert spread.bring("#c4", [0], ["#c0", "#c9"]) is None
    assert spread.bring("#c4", [], ()) is None


def test_the_room_of_the_operators_has_a_place_first_and_keeps_it() -> None:
    spread = Spread(TEN, 1, "#c9")
    spread.back(0, {"#": 2})
    assert spread.of(0) == ["#c9", "#c0"]
    assert spread.bring("#c4", [0], ()) == 0
    assert spread.bring("#c5", [0], ["#c4"]) is None
    assert spread.bring("#c5", [0], ()) == 0
    assert spread.of(0) == ["#c9", "#c5"]


def test_the_config_names_the_room_that_keeps_its_place() -> None:
    oftc = {"type": "irc", "host": "irc.example.org", "nick": "gatewatch"}
    values = {"search": {"url": "embedded", "path": "x"}, "store": "sqlite:///x", "networks": {"oftc": oftc}}
    config = Config.model_validate(values | {"operators": "oftc:#ops", "feeds": {"all": {"rooms": ["oftc:#gate"]}}})
    chat = open_chats(config, None, named_rooms(config))["oftc"]  # type: ignore[arg-type]
    assert isinstance(chat, IrcChat)
    assert chat._spread.of(0) == ["#ops", "#gate"]


@pytest.mark.parametrize("seed", range(20))
def test_no_connection_is_ever_over_its_limit(seed: int) -> None:
    """Whatever happens in whatever order; and no place is left empty while a channel waits for one."""
    chance = random.Random(seed)
    channels = tuple(f"{chance.choice('#&')}c{number}" for number in range(30))
    spread = Spread(channels, 3)
    limits: dict[int, int] = {}
    gone: set[int] = set()
    for now in range(200):
        number = chance.randrange(3)
        match chance.choice(["back", "gone", "full", "bring"]):
            case "back":
                spread.back(number, {"#&": chance.randrange(2, 12)})
                limits[number] = spread._limits[number]["#&"]
                gone.discard(number)
            case "gone":
                gone.add(number)
                assert spread.gone(number) == (len(gone) < 3)
            case "full" if number in limits and number not in gone and spread.of(number):
                joined = spread.of(number)[:2]
                spread.full(number, joined[0], joined)
                limits[number] = len(joined)
            case "bring":
                wanted = chance.choice(channels)
                spread.use(wanted, now)
                if spread.where(wanted) is None:
                    where = spread.bring(wanted, limits.keys() - gone, ())
                    assert where == spread.where(wanted)
        if len(gone) == 3:  # the last one keeps what it had
            assert all(len(spread.of(other)) <= most for other, most in limits.items())
            continue
        now_allowed = limits | dict.fromkeys(gone, 0)
        for other, most in now_allowed.items():
            assert len(spread.of(other)) <= most
        if len(now_allowed) == 3 and sum(len(spread.of(other)) for other in range(3)) < len(channels):
            assert all(len(spread.of(other)) == most for other, most in now_allowed.items())


def test_thrown_out_too_often_it_stays_out_until_it_is_invited() -> None:
    ejections = Ejections(forget=3600)
    assert [ejections.add("#gate", "kicked", now) for now in (0, 100, 200)] == [True] * MOST
    assert ejections.add("#gate", "kicked", 3601)  # the first is forgotten
    assert not ejections.add("#gate", "kicked", 3650)
    assert ejections.given_up("#gate").startswith("kicked; that was once too often")
    assert ejections.given_up("#other") == ""
    ejections.forgive("#gate")
    assert ejections.given_up("#gate") == "" and ejections.add("#gate", "kicked", 3700)
