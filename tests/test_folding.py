"""When a queue is too long for the pace, and what each room's share of it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.folding import Shares, too_slow

FIVE, NONE = timedelta(seconds=5), timedelta(0)


def ten(room: str) -> int:
    return 10


def never(room: str) -> int:
    return 0


@pytest.mark.parametrize(
    ("waiting", "pace", "slow"),
    [({"a": 500}, NONE, False), ({"a": 24}, FIVE, False), ({"a": 25}, FIVE, True), ({"a": 20, "b": 5}, FIVE, True)],
)
def test_two_minutes_of_all_rooms_are_the_limit(waiting: dict[str, int], pace: timedelta, slow: bool) -> None:
    assert too_slow(waiting, pace) is slow


@pytest.mark.parametrize(
    ("waiting", "own", "limits"),
    [
        ({"a": 8, "b": 16}, ten, {"a": 10, "b": 10}),
        ({"a": 8, "b": 16}, never, {"a": 0, "b": 0}),
        ({"a": 500, "b": 3}, ten, {"a": 10, "b": 10}),
        ({"a": 500, "b": 3}, never, {"a": 12, "b": 12}),
        ({"a": 500, "b": 3, "c": 3}, ten, {"a": 8, "b": 8, "c": 8}),
        ({f"r{number}": 10 for number in range(60)}, ten, {"r0": 1, "r59": 1}),
        ({}, never, {"a": 0}),
    ],
)
def test_each_room_has_its_share_of_what_goes_out_in_time(waiting: dict[str, int], own, limits: dict[str, int]) -> None:  # type: ignore[no-untyped-def]
    found = Shares().limits(waiting, FIVE, own)
    assert {room: found(room) for room in limits} == limits


def test_the_last_rooms_are_folded_as_the_first_though_what_is_left_goes_out_in_time() -> None:
    shares, waiting, folded = Shares(), {f"r{number}": 10 for number in range(9)}, []
    while waiting:
        room = next(iter(waiting))
        limit = shares.limits(waiting, FIVE, never)(room)
        folded += [room] if 0 < limit < waiting[room] else []
        del waiting[room]
    assert len(folded) == 9


def test_a_share_is_over_when_no_more_waits_than_that_or_there_is_no_pace() -> None:
    shares = Shares()
    assert shares.limits({"a": 500, "b": 500}, FIVE, never)("a") == 12
    assert shares.limits({"a": 13}, FIVE, never)("a") == 12
    assert shares.limits({"a": 12}, FIVE, never)("a") == 0
    assert shares.limits({"a": 500}, FIVE, never)("a") == 24
    shares.forget()
    assert shares.limits({"a": 24}, FIVE, never)("a") == 0
