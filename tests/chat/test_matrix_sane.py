"""What is no event is left out of an answer before nio reads it, and nothing else."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from bot.chat.matrix.sane import without_odd_events
from bot.errors import TemporaryError
from tests.chat.fake_matrix import ROOM, Answer, FarEnd, bot_for, earlier_keep, line, says, stream
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import MemoryKeep, post

SAID = line("hello")
ADA, ROOM_ID = "@ada:example.org", "!room:example.org"
ODD_TIMES: list[Any] = [-1, 2**53 + 1, 2**70, 1.5, True, "now", None]
ODD: list[Any] = [
    None, 7, "x", [], {}, {**SAID, "origin_server_ts": "now"}, {**SAID, "origin_server_ts": True},
    {**SAID, "origin_server_ts": 1.5}, {**SAID, "content": []},
    {**SAID, "sender": {}}, {**SAID, "event_id": 7}, {**SAID, "type": None}, {**SAID, "state_key": []},
    *({name: value for name, value in SAID.items() if name != gone} for gone in SAID),
]  # fmt: skip


def answer(*events: Any) -> dict[str, Any]:
    room = {"timeline": {"events": list(events)}, "state": {"events": list(events)}}
    return {"next_batch": "n", "rooms": {"join": {"!r": room}}, "chunk": list(events), "device_lists": {"left": [1]}}


def test_a_sound_answer_stays_as_it_is() -> None:
    sound = answer(SAID, {**SAID, "state_key": "", "unsigned": {"events": ["x", 7]}, "content": {"events": [1]}})
    sound["to_device"] = {"events": [{"type": "m.room_key", "sender": "@a:x", "content": {}}]}
    sound["account_data"] = {"events": [{"type": "m.direct", "content": {}}]}
    sound["rooms"]["invite"] = {"!r": {"invite_state": {"events": [{"type": "m.x", "sender": "@a:x", "content": {}}]}}}
    before = deepcopy(sound)
    assert without_odd_events(sound) == 0
    assert sound == before


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_event_goes_from_what_is_said(odd: Any) -> None:
    body = answer(SAID, odd, SAID)
    assert without_odd_events(body) >= 2
    assert body["rooms"]["join"]["!r"]["timeline"]["events"] == body["chunk"] == [SAID, SAID]


@pytest.mark.parametrize("body", [None, [], "x", 7, {}, {"rooms": None}, {"chunk": {}}, {"events": 7}])
def test_answers_that_are_none(body: Any) -> None:
    assert without_odd_events(body) == 0


async def test_one_that_is_none_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    far_end, keep = FarEnd(), earlier_keep()
    far_end.plays(tok1=stream("n1", *ODD, line("!heard")))
    async with far_end.serving(), bot_for(far_end, keep).running() as bot:
        await until(lambda: keep.value(".since") == "n1")
        assert bot.texts() == ["!heard"]
        assert bot.chat.status().error == ""
    assert f"left out events that are none count={len(ODD)}" in caplog.text


def state(kind: str, content: dict[str, Any], at: Any) -> dict[str, Any]:
    event = line(kind) | {"type": kind, "content": content, "state_key": ""}
    return event | {"origin_server_ts": at} if at is not None else without(event, "origin_server_ts")


def without(event: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != name}


@pytest.mark.parametrize("at", ODD_TIMES)
def test_no_state_is_left_out_for_its_time(at: Any) -> None:
    body = answer(state("m.room.encryption", {}, at))
    assert without_odd_events(body) == 0
    for event in (*body["rooms"]["join"]["!r"]["timeline"]["events"], *body["chunk"]):
        assert 0 <= event["origin_server_ts"] <= 2**53


@pytest.mark.parametrize("unsigned", [None, 7, 1.5, "x", []])
def test_what_is_added_to_an_event_and_cannot_be_goes_alone(unsigned: Any) -> None:
    """nio would look into it, also in an invitation, which another server may send."""
    invitation = {"type": "m.room.member", "sender": ADA, "content": {}, "state_key": ADA}
    body = answer({**SAID, "unsigned": unsigned})
    body["rooms"]["invite"] = {"!r": {"invite_state": {"events": [{**invitation, "unsigned": unsigned}]}}}
    assert without_odd_events(body) == 0
    assert body["chunk"] == [SAID]
    assert body["rooms"]["invite"]["!r"]["invite_state"]["events"] == [invitation]


@pytest.mark.parametrize("place", ["state", "timeline"])
@pytest.mark.parametrize("at", ODD_TIMES)
async def test_a_room_is_encrypted_whenever_its_state_says_that_it_became_so(place: str, at: Any) -> None:
    encryption = state("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}, at)
    far_end = FarEnd()
    far_end.plays(start=room_of(place, encryption))
    async with far_end.serving(), bot_for(far_end, earlier_keep_without_place()).running() as bot:
        await bot.ready()
        with pytest.raises(TemporaryError, match="the room is encrypted: set encryption: true"):
            await bot.chat.say(post(ROOM, "secret", "d1r0"))
    assert far_end.count("PUT send") == 0


@pytest.mark.parametrize("place", ["state", "timeline"])
async def test_who_was_demoted_at_an_odd_time_is_no_operator(place: str) -> None:
    before = state("m.room.power_levels", {"users": {ADA: 100}}, 1)
    after = state("m.room.power_levels", {"users": {}}, -1)
    far_end = FarEnd()
    far_end.plays(start=room_of(place, before, after), n1=stream("n2", line("!mute")))
    async with far_end.serving(), bot_for(far_end, earlier_keep_without_place()).running() as bot:
        await until(lambda: bot.texts() == ["!mute"])
        assert bot.heard[0].person.level == 0


def room_of(place: str, *events: dict[str, Any]) -> Answer:
    """A first answer with these events in the room's `state` or `timeline`."""
    room = {place: {"events": list(events)}}
    room.setdefault("timeline", {"events": []}).update({"limited": False, "prev_batch": "p"})
    return says({"next_batch": "n1", "rooms": {"join": {ROOM_ID: room}}})


def earlier_keep_without_place() -> MemoryKeep:
    keep = earlier_keep()
    keep.values = {name: value for name, value in keep.values.items() if not name.endswith(".since")}
    return keep
