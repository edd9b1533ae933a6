"""What is no event is left out of an answer before nio reads it, and nothing else."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from bot.chat.matrix.sane import without_odd_events
from tests.chat.fake_matrix import FarEnd, bot_for, earlier_keep, line, stream
from tests.chat.human_matrix import until

SAID = line("hello")
ODD: list[Any] = [
    None, 7, "x", [], {}, {**SAID, "origin_server_ts": "now"}, {**SAID, "origin_server_ts": True},
    {**SAID, "origin_server_ts": -1}, {**SAID, "origin_server_ts": 10**300}, {**SAID, "content": []},
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
