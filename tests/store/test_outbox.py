"""The outbox: uniqueness, replacement, doubt, ends with a reason, expiry."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from bot.records import Delivery, Kind, Stage
from bot.store import Store
from bot.store.rows import new_delivery_row
from bot.store.tables import delivery
from bot.talk import Message, Picture, Said, room_address
from tests.store.making import (
    DAY,
    GLANCE,
    HOUR,
    MINUTE,
    NOVA,
    NOW,
    SECOND,
    claim,
    claimed,
    look,
    put_off,
    queue,
    said_in_order,
    say,
)

ENDS = (Stage.SAID, Stage.FAILED, Stage.EXPIRED, Stage.FOLDED)


def test_a_new_row_is_queued_with_what_was_given(store: Store) -> None:
    gap = (NOW - DAY, NOW - HOUR)
    row = store.write_now(lambda tx: tx.enqueue(Kind.CATCH_UP, "catch-up", NOVA, 0, None, NOW, gap=gap, loud=True))
    assert row == Delivery(row.id, Kind.CATCH_UP, "catch-up", NOVA, 0, NOW, None, loud=True, gap=gap)
    assert look(store, row.id) == row
    assert store.read_now(lambda tx: tx.delivery(999)) is None


def test_the_same_revision_again_only_moves(store: Store) -> None:
    row = queue(store, "bs1")
    again = queue(store, "bs1", due=NOW + MINUTE)
    assert again == replace(row, due=NOW + MINUTE)
    assert store.read_now(lambda tx: tx.waiting_by_network()) == {room_address(row.room)[0]: 1}
    assert store.read_now(lambda tx: tx.queued()) == [again]


@pytest.mark.parametrize("finish", [False, True])
def test_a_revision_that_was_claimed_is_not_queued_again(store: Store, finish: bool) -> None:
    queue(store, "bs1")
    row = claimed(store)
    if finish:
        say(store, row)
    with pytest.raises(ValueError, match="revision 0 of bs1"):
        queue(store, "bs1")
    assert store.read_now(lambda tx: tx.totals_by_stage())[Stage.QUEUED] == 0
    assert store.read_now(lambda tx: tx.waiting_by_network()) == ({} if finish else {room_address(row.room)[0]: 1})


def test_a_newer_revision_replaces_a_queued_one(store: Store) -> None:
    old = queue(store, "bs1", due=NOW - MINUTE)
    new = queue(store, "bs1", revision=1)
    ended = look(store, old.id)
    assert (ended.stage, ended.reason, ended.ended) == (Stage.FOLDED, "replaced by revision 1", NOW)
    assert ended.folded_into == new.id
    assert said_in_order(store) == ["bs1"]
    assert look(store, new.id).stage is Stage.SAID


def test_a_newer_revision_leaves_other_rooms_and_stories_alone(store: Store) -> None:
    queue(store, "bs1")
    queue(store, "bs1", GLANCE)
    queue(store, "bs2")
    queue(store, "bs1", revision=1)
    there = store.read_now(lambda tx: tx.queued())
    assert [(row.about, row.room, row.revision) for row in there] == [
        *(("bs1", GLANCE, 0), ("bs2", NOVA, 0), ("bs1", NOVA, 1))
    ]


def test_a_replaced_catch_up_hands_on_its_gap_and_what_was_folded_into_it(store: Store) -> None:
    gap = (NOW - DAY, NOW - HOUR)
    old = store.write_now(lambda tx: tx.enqueue(Kind.CATCH_UP, "catch-up", NOVA, 0, NOW + DAY, NOW, gap=gap))
    for n in range(3):
        queue(store, f"bs{n}")
    assert claim(store, NOW + HOUR, fold_over=2) is None
    new = queue(store, "catch-up", revision=1, kind=Kind.CATCH_UP)
    assert new.gap == gap
    folded = store.read_now(lambda tx: tx.folded(new.id))
    assert [row.about for row in folded] == ["bs0", "bs1", "bs2", "catch-up"]
    assert store.read_now(lambda tx: tx.folded(old.id)) == []


def test_the_tables_themselves_refuse_a_second_row(store: Store) -> None:
    row = queue(store, "bs1")
    same = {"kind": Kind.CHANGE, "about": "bs1", "room": NOVA, "created": NOW, "stage": Stage.QUEUED, "due": NOW}
    for revision in (row.revision, row.revision + 1):  # unique on (about, room, revision); one queued per (about, room)
        values = new_delivery_row(same | {"revision": revision})
        with pytest.raises(IntegrityError):
            store.write_now(lambda tx, values=values: tx._connection.execute(delivery.insert().values(values)))  # type: ignore[misc]


def test_doubt_keeps_key_text_and_what_was_spoken_of(store: Store) -> None:
    queue(store, "bs1")
    first = claimed(store)
    put_off(store, first, NOW + MINUTE, doubt=True)
    waiting = look(store, first.id)
    assert waiting == replace(first, stage=Stage.QUEUED, doubt=True, not_before=NOW + MINUTE, reason="connection reset")
    queue(store, "bs1", revision=1)  # does not replace it: the room may have it
    again = claimed(store, NOW + MINUTE, render=lambda _tx, _row, _now: "must not be rendered")
    assert again == replace(waiting, stage=Stage.SENDING, not_before=None, tries=2)
    put_off(store, again, NOW + 2 * MINUTE)  # without doubt this time, but there was one before
    assert look(store, first.id).key == first.key
    assert look(store, first.id).doubt


def test_without_doubt_a_row_goes_back_unfrozen(store: Store) -> None:
    row = queue(store, "bs1")
    put_off(store, claimed(store), NOW + MINUTE)
    assert look(store, row.id) == replace(row, tries=1, not_before=NOW + MINUTE, reason="connection reset")
    newer = queue(store, "bs1", revision=1, due=NOW + MINUTE)
    assert look(store, row.id).folded_into == newer.id


def test_a_row_put_off_after_a_newer_one_was_queued_is_folded_into_it(store: Store) -> None:
    queue(store, "bs1")
    row = claimed(store)
    newer = queue(store, "bs1", revision=1)
    put_off(store, row, NOW + MINUTE)
    assert (look(store, row.id).stage, look(store, row.id).folded_into) == (Stage.FOLDED, newer.id)
    assert claimed(store).id == newer.id


def test_said_keeps_what_the_far_end_called_it_and_leaves_no_doubt(store: Store) -> None:
    queue(store, "bs1")
    put_off(store, claimed(store), NOW, doubt=True)
    row = claimed(store)
    say(store, row, NOW + SECOND)
    there = look(store, row.id)
    assert there == replace(
        row, stage=Stage.SAID, said=Said(f"${row.id}"), ended=NOW + SECOND, reason="said", doubt=False
    )
    store.write_now(lambda tx: tx.said(row.id, Said("$other"), NOW + MINUTE))  # its record was tried twice
    store.write_now(lambda tx: tx.fail(row.id, "late", NOW + MINUTE))
    put_off(store, row, NOW + MINUTE)
    assert look(store, row.id) == there


def test_irc_gives_no_id_and_it_is_said_all_the_same(store: Store) -> None:
    queue(store, "bs1")
    row = claimed(store)
    store.write_now(lambda tx: tx.said(row.id, Said(), NOW))
    assert look(store, row.id).said == Said("")


def test_deliveries_and_queued_are_in_order(store: Store) -> None:
    queue(store, "bs1", NOVA, 0, NOW + HOUR)
    say(store, claimed(store, NOW + HOUR))
    queue(store, "bs1", NOVA, 1, NOW + HOUR)
    queue(store, "bs1", GLANCE, 0, None)
    queue(store, "bs2", NOVA, 0, NOW)
    rows = store.read_now(lambda tx: tx.deliveries(["bs1", "nothing"]))
    assert [(row.room, row.revision) for row in rows] == [(GLANCE, 0), (NOVA, 0), (NOVA, 1)]
    assert [row.about for row in store.read_now(lambda tx: tx.queued())] == ["bs2", "bs1", "bs1"]
    assert [row.about for row in store.read_now(lambda tx: tx.queued(GLANCE))] == ["bs1"]


def test_rows_are_unfinished_until_they_end(store: Store) -> None:
    for n in range(3):
        queue(store, f"bs{n}")
    queue(store, "undated", due=None)
    say(store, claimed(store), NOW - SECOND)
    say(store, claimed(store), NOW)
    claimed(store)
    assert [row.about for row in store.read_now(lambda tx: tx.unfinished())] == ["bs2", "undated"]
    assert [row.about for row in store.read_now(lambda tx: tx.ended_since(NOW))] == ["bs1"]


def test_set_due_moves_only_what_is_free(store: Store) -> None:
    row = queue(store, "bs1", due=None)
    assert claim(store) is None
    store.write_now(lambda tx: tx.set_due(row.id, NOW))
    frozen = claimed(store)
    store.write_now(lambda tx: tx.set_due(row.id, None))
    assert look(store, row.id) == frozen


def test_old_news_is_folded_and_its_rooms_are_named(store: Store) -> None:
    old = queue(store, "bs1", due=NOW - 3 * HOUR - SECOND)
    fresh = queue(store, "bs2", due=NOW - 3 * HOUR)
    other = queue(store, "bs3", GLANCE, due=None)
    digest = queue(store, "digest", GLANCE, due=NOW - DAY, kind=Kind.DIGEST)
    assert store.write_now(lambda tx: tx.expire_stale(NOW, 3 * HOUR)) == {NOVA}
    ended = look(store, old.id)
    assert (ended.stage, ended.reason, ended.ended) == (Stage.FOLDED, "old news", NOW)
    assert [look(store, row.id).stage for row in (fresh, other, digest)] == [Stage.QUEUED] * 3


def test_rows_in_doubt_expire_and_fold_into_nothing(store: Store) -> None:
    due = NOW - 3 * HOUR - SECOND
    queue(store, "bs1", due=due)
    row = claimed(store, due)
    put_off(store, row, NOW + HOUR, doubt=True)
    assert store.write_now(lambda tx: tx.expire_stale(NOW, 3 * HOUR)) == set()
    ended = look(store, row.id)
    assert (ended.stage, ended.reason, ended.doubt) == (Stage.EXPIRED, "in doubt too long", False)


def test_what_was_being_said_days_ago_is_not_said_now(store: Store) -> None:
    queue(store, "bs1", due=NOW - DAY)
    left = claimed(store, NOW - DAY)
    queue(store, "bs2", GLANCE, due=NOW - DAY)
    store.write_now(lambda tx: tx.expire_doubtful(NOW, 3 * HOUR))
    assert look(store, left.id).reason == "in doubt too long"
    in_flight = claimed(store)  # old, and being said right now: that is for its worker to end
    store.write_now(lambda tx: tx.expire_stale(NOW, 3 * HOUR))
    assert look(store, in_flight.id).stage is Stage.SENDING


def test_rows_of_a_feed_that_is_gone_expire(store: Store) -> None:
    kept = queue(store, "bs1", NOVA)
    gone = [queue(store, kind.value, GLANCE, kind=kind) for kind in (Kind.CHANGE, Kind.CATCH_UP, Kind.DIGEST)]
    words = store.write_now(lambda tx: tx.enqueue(Kind.SAY, "uuid", GLANCE, 0, NOW, NOW, message=Message("hi")))
    store.write_now(lambda tx: tx.expire_without_feed({NOVA}, NOW))
    assert {(look(store, row.id).stage, look(store, row.id).reason) for row in gone} == {(Stage.EXPIRED, "no feed")}
    assert [look(store, row.id).stage for row in (kept, words)] == [Stage.QUEUED] * 2


def test_an_operators_words_are_said_as_given_or_not_at_all(store: Store) -> None:
    def words(about: str) -> Delivery:
        return store.write_now(
            lambda tx: tx.enqueue(Kind.SAY, about, NOVA, 0, NOW, NOW, message=Message("hello"), loud=True)
        )

    def no_render(*_given: object) -> str:
        return "must not be rendered"

    said, late, stale = words("u1"), words("u2"), words("u3")
    row = claimed(store, render=no_render)
    assert (row.id, row.message, row.loud, len(row.key)) == (said.id, Message("hello"), True, 32)
    put_off(store, row, NOW + SECOND)
    again = claimed(store, NOW + SECOND, render=no_render)
    assert (again.message, again.key, again.tries) == (Message("hello"), row.key, 2)
    say(store, again)
    store.write_now(lambda tx: tx.set_due(stale.id, NOW + DAY))
    assert claim(store, NOW + 10 * MINUTE + SECOND) is None
    assert look(store, late.id).reason == "not said within 10 minutes"
    store.write_now(lambda tx: tx.expire_stale(NOW + 11 * MINUTE, 3 * HOUR))
    assert look(store, stale.id).stage is Stage.EXPIRED


def test_pictures_are_not_kept(store: Store) -> None:
    message = Message("words", "<b>words</b>", "changed", Picture(b"png", 2, 1, "a picture", "x.png"))
    row = store.write_now(lambda tx: tx.enqueue(Kind.SAY, "u1", NOVA, 0, NOW, NOW, message=message))
    assert row.message == Message("words", "<b>words</b>", "changed")


def test_an_unfinished_row_ends_once(store: Store) -> None:
    row = queue(store, "bs1")
    assert store.write_now(lambda tx: tx.end(row.id, Stage.EXPIRED, "nothing is left to say", NOW))
    assert not store.write_now(lambda tx: tx.end(row.id, Stage.FAILED, "again", NOW))
    assert look(store, row.id).reason == "nothing is left to say"
    with pytest.raises(ValueError, match="no row 999"):
        store.write_now(lambda tx: tx.put_off(999, NOW, False, "why"))


def walk(store: Store, dice: random.Random, now: datetime) -> None:
    """One step of a life that has everything in it."""
    about, room = f"bs{dice.randrange(12)}", dice.choice((NOVA, GLANCE))
    rows = [row for row in store.read_now(lambda tx: tx.deliveries([about])) if row.room == room]
    match dice.randrange(8):
        case 0 | 1 | 2:
            if not rows or rows[-1].stage is not Stage.SENDING:
                revision = rows[-1].revision + 1 if rows else 0
                store.write_now(lambda tx: tx.enqueue(Kind.CHANGE, about, room, revision, now, now))
        case 3 | 4:
            row = claim(store, now, fold_over=4)
            if row is not None:
                finish(store, dice, row, now)
        case 5:
            claim(store, now, fold_over=4)  # and the bot dies
        case 6:
            store.write_now(lambda tx: tx.expire_stale(now, HOUR))
        case 7:
            store.write_now(lambda tx: tx.expire_without_feed({NOVA, dice.choice((NOVA, GLANCE))}, now))


def finish(store: Store, dice: random.Random, row: Delivery, now: datetime) -> None:
    match dice.randrange(4):
        case 0:
            say(store, row, now)
        case 1:
            store.write_now(lambda tx: tx.fail(row.id, "banned", now))
        case 2:
            put_off(store, row, now + dice.randrange(40) * MINUTE)
        case 3:
            put_off(store, row, now + dice.randrange(40) * MINUTE, doubt=True)


@pytest.mark.parametrize("seed", range(3))
def test_said_folded_expired_and_failed_are_all(store: Store, seed: int) -> None:
    dice, now = random.Random(seed), NOW
    for _step in range(150):
        walk(store, dice, now)
        now += timedelta(minutes=dice.randrange(10))
    for _step in range(100):  # then nothing more happens, and all of it comes to an end
        now += 10 * MINUTE
        row = claim(store, now, fold_over=4)
        if row is not None:
            say(store, row, now)
    rows = store.read_now(lambda tx: [row for n in range(1, 500) if (row := tx.delivery(n)) is not None])
    totals = store.read_now(lambda tx: tx.totals_by_stage())
    assert {stage for stage, number in totals.items() if number} <= set(ENDS)
    assert sum(totals[stage] for stage in ENDS) == len(rows) > 20
    assert all(row.reason and row.ended is not None and not row.doubt for row in rows)
    assert all(row.folded_into for row in rows if row.stage is Stage.FOLDED and row.reason != "old news")
