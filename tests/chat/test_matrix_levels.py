"""Who has which power in a room, from the state as the server gives it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.chat.matrix.levels import MOST, NOBODY, Creation, Levels, creation_of
from bot.chat.matrix.roomstate import RoomStates, Tombstone
from bot.talk import CREATOR_LEVEL

ADA, BOB = "@ada:example.org", "@bob:example.org"


def create(version: Any = "12", sender: Any = ADA, **content: Any) -> dict[str, Any]:
    if version is not None:
        content["room_version"] = version
    return {"type": "m.room.create", "state_key": "", "sender": sender, "content": content}


def levels(content: Any, version: str = "11") -> Levels:
    return Levels(creation_of(create(version)), content)


# -- what nio has wrong ---------------------------------------------------------------------------------------


def test_who_made_a_room_of_version_12_stands_above_all_and_is_not_listed() -> None:
    found = Levels(creation_of(create(additional_creators=[BOB, 7])), {"users": {"@eve:x": MOST}, "users_default": 0})
    assert found.of(ADA) == found.of(BOB) == CREATOR_LEVEL > found.of("@eve:x") == MOST
    assert found.of("@carl:x") == 0


def test_who_is_taken_out_of_the_list_has_the_default_again() -> None:
    states = RoomStates()
    states.see("!r", [create("11")])
    for users in ({ADA: 100, BOB: 50}, {ADA: 100}):
        states.see("!r", [{"type": "m.room.power_levels", "state_key": "", "content": {"users": users}}])
    assert (states.of("!r").levels.of(ADA), states.of("!r").levels.of(BOB)) == (100, 0)


def test_who_is_listed_may_do_what_the_level_says_and_no_more() -> None:
    found = levels({"users": {BOB: 10}, "events": {"m.room.message": 50, "m.reaction": 5}, "events_default": 10})
    assert found.of(BOB) < found.needed("m.room.message")
    assert found.of(BOB) >= found.needed("m.reaction") == 5
    assert (found.needed("m.sticker"), found.needed("m.room.topic", state=True)) == (10, 50)


# -- by the letter --------------------------------------------------------------------------------------------


def test_without_the_event_the_creator_has_100_and_everybody_may_speak() -> None:
    found = levels(None)
    assert (found.of(ADA), found.of(BOB)) == (100, 0)
    assert (found.needed("m.room.message"), found.needed("m.room.tombstone", state=True)) == (0, 0)


def test_with_an_empty_event_the_creator_is_nobody_before_version_12() -> None:
    assert levels({}).of(ADA) == 0
    assert levels({}, "12").of(ADA) == CREATOR_LEVEL


@pytest.mark.parametrize(("act", "needed"), [("invite", 0), ("kick", 50), ("ban", 50), ("redact", 50)])
def test_acts_have_defaults(act: str, needed: int) -> None:
    assert levels({}).needed_to(act) == needed
    assert levels({act: 7}).needed_to(act) == 7


def test_up_to_version_10_the_creator_is_named_and_later_it_is_the_sender() -> None:
    for version in ("10", None):
        assert creation_of(create(version, creator=BOB)).creators == {BOB}
    for version in ("11", "12", "org.example.odd"):
        assert creation_of(create(version, creator=BOB)).creators == {ADA}
    assert creation_of(create("11", additional_creators=[BOB])).creators == {ADA}


# -- what may not be there ------------------------------------------------------------------------------------

ODD = ["100", 100.0, 99.5, True, None, [], {}, [100], {"level": 100}, 2**53, -(2**53), 10**400, "high", "1e3", ""]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("version", ["10", "11", "12"])
def test_what_is_no_level_gives_nobody_power(odd: Any, version: str) -> None:
    found = levels({"users": {BOB: odd}, "users_default": 50, "events": {"m.x": odd}, "ban": odd}, version)
    assert found.of(BOB) == 0
    assert found.needed("m.x") == found.needed_to("ban") == NOBODY > CREATOR_LEVEL
    found = levels({"users_default": odd, "events_default": odd, "state_default": odd}, version)
    assert found.of(BOB) == 0
    assert found.needed("m.y") == found.needed("m.y", state=True) == NOBODY


@pytest.mark.parametrize("odd", ODD)
def test_lists_that_are_none_are_empty(odd: Any) -> None:
    found = levels({"users": odd, "events": odd})
    assert (found.of(BOB), found.needed("m.x"), found.needed("m.x", state=True)) == (0, 0, 50)


def test_old_rooms_may_write_a_level_as_text() -> None:
    for text, level in (("100", 100), (" +7 ", 7), ("-3", -3), ("0100", 100)):
        assert levels({"users": {BOB: text}}, "9").of(BOB) == level
    for text in ("", "high", "1_000", "１００", "9" * 17, "99999999999999999", "1.5", "0x10"):
        assert levels({"users": {BOB: text}}, "9").of(BOB) == 0


@pytest.mark.parametrize("odd", [None, [], "x", 7, {"room_version": 12}, {"room_version": ["12"]}])
def test_odd_creations(odd: Any) -> None:
    made = creation_of({"content": odd, "sender": 7})
    assert (made.creators, made.endless, made.predecessor) == (frozenset(), False, "")


@pytest.mark.parametrize("version", ["１２", "-12", "12.0", " 12", "99999", "9" * 5000])
def test_versions_that_only_look_like_one_give_nobody_endless_power(version: str) -> None:
    assert not creation_of(create(version)).endless


# -- what is kept of a room -----------------------------------------------------------------------------------


def test_state_is_what_has_an_empty_key_and_comes_last() -> None:
    states = RoomStates()
    closed = {"type": "m.room.tombstone", "sender": ADA, "content": {"replacement_room": "!new"}}
    said = {"type": "m.room.power_levels", "content": {"users": {BOB: 100}}}
    states.see("!r", [create(predecessor={"room_id": "!old"}), closed, said, {**said, "state_key": BOB}])
    assert states.of("!r").tombstone is None
    assert states.of("!r").levels == Levels(Creation(frozenset({ADA}), "12", "!old"))
    states.see("!r", [{**closed, "state_key": ""}, {**said, "state_key": ""}])
    assert states.of("!r").tombstone == Tombstone(ADA, "!new")
    assert states.of("!r").levels.of(BOB) == 100
    assert states.of("!r").message == "m.room.message"
    states.see("!r", [{"type": "m.room.encryption", "state_key": "", "content": {}}])
    assert states.of("!r").message == "m.room.encrypted"
    states.forget("!r")
    assert states.of("!r").levels.of(ADA) == 0


@pytest.mark.parametrize("odd", [{}, {"replacement_room": 7}, {"replacement_room": None}])
def test_a_tombstone_without_a_successor(odd: Any) -> None:
    states = RoomStates()
    states.see("!r", [{"type": "m.room.tombstone", "state_key": "", "content": odd}])
    assert states.of("!r").tombstone == Tombstone("", "")
