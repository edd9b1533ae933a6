"""The claim: order per room, what was being said first, freezing, folding."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot.records import Delivery, Kind, Rendered, Spoke, Stage, State
from bot.store import Store, Tx
from bot.store.claim import BACKLOG, key_of
from bot.talk import Message, Said
from tests.store.making import (
    GLANCE,
    HOUR,
    MINUTE,
    NOVA,
    NOW,
    SECOND,
    claim,
    claimed,
    failure,
    look,
    put_off,
    queue,
    said_in_order,
    say,
    speaks,
)


def test_a_claim_freezes_text_and_key(store: Store) -> None:
    row = queue(store, "bs1")
    taken = claimed(store)
    assert taken == replace(
        row,
        stage=Stage.SENDING,
        tries=1,
        key=key_of("bs1", NOVA, 0),
        message=Message("bs1 r0", "<b>html</b>", "also"),
        loud=True,
        spoke=(Spoke("bs1", State.KNOWN, ("1234567",)),),
        replaces=Said("$before"),
    )
    assert look(store, row.id) == taken


def test_keys_are_the_same_for_the_same_thing_only() -> None:
    keys = {key_of(about, room, revision) for about in ("a", "b") for room in (NOVA, GLANCE) for revision in (0, 1)}
    assert len(keys) == 8
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)


def test_the_oldest_due_row_of_the_network_goes_first(store: Store) -> None:
    queue(store, "later", due=NOW + SECOND)
    queue(store, "second")
    queue(store, "third")
    queue(store, "first", due=NOW - SECOND)
    queue(store, "undated", due=None)
    queue(store, "elsewhere", "opendev:#nova:example.org")
    assert said_in_order(store) == ["first", "second", "third"]
    assert claim(store, NOW, network="nowhere") is None
    assert claimed(store, network="opendev").about == "elsewhere"
    assert said_in_order(store, NOW + SECOND) == ["later"]


def test_a_room_that_is_put_off_keeps_its_order_and_holds_up_nobody(store: Store) -> None:
    for about in ("n1", "n2"):
        queue(store, about, NOVA)
    for about in ("g1", "g2"):
        queue(store, about, GLANCE)
    put_off(store, claimed(store), NOW + MINUTE)
    queue(store, "g3", GLANCE, due=NOW + SECOND)
    assert said_in_order(store, NOW + SECOND) == ["g1", "g2", "g3"]
    assert said_in_order(store, NOW + MINUTE) == ["n1", "n2"]


def test_a_row_in_doubt_holds_up_its_room_too(store: Store) -> None:
    queue(store, "n1")
    queue(store, "n2")
    put_off(store, claimed(store), NOW + MINUTE, doubt=True)
    assert claim(store) is None
    assert said_in_order(store, NOW + MINUTE) == ["n1", "n2"]


def test_after_a_crash_what_was_being_said_goes_first_and_as_it_is(store: Store) -> None:
    queue(store, "older", due=NOW - HOUR)
    left = claimed(store)
    queue(store, "oldest", due=NOW - 2 * HOUR)
    again = claimed(store, render=lambda _tx, _row, _now: "must not be rendered")
    assert again == replace(left, tries=2, doubt=True)  # nobody knows how far it came
    put_off(store, again, NOW + MINUTE)
    assert look(store, left.id).message == left.message
    assert said_in_order(store) == ["oldest"]
    assert claimed(store, NOW + MINUTE).key == left.key


def test_the_text_is_made_from_what_the_store_has_at_the_claim(store: Store) -> None:
    def counts(tx: Tx, row: Delivery, _now: object) -> Rendered:
        return Rendered(Message(f"{len(tx.failures_in([row.about]))} jobs"))

    queue(store, "bs1")
    store.write_now(lambda tx: tx.put([failure("u1", "bs1")]))
    put_off(store, claimed(store, render=counts), NOW)
    store.write_now(lambda tx: tx.put([failure("u2", "bs1")]))
    assert claimed(store, render=counts).message == Message("2 jobs")


def test_a_row_with_nothing_to_say_expires_with_the_reason(store: Store) -> None:
    gone, there = queue(store, "gone"), queue(store, "there")
    taken = claimed(store, render=lambda tx, row, now: "nothing left" if row.about == "gone" else speaks(tx, row, now))
    assert taken.id == there.id
    ended = look(store, gone.id)
    assert (ended.stage, ended.reason, ended.ended) == (Stage.EXPIRED, "nothing left", NOW)


def test_what_a_render_raises_leaves_the_row_queued(store: Store) -> None:
    def broken(*_given: object) -> Rendered:
        raise KeyError("a defect")

    row = queue(store, "bs1")
    with pytest.raises(KeyError):
        claim(store, render=broken)
    assert look(store, row.id) == row


def test_too_many_changes_of_a_room_become_one_digest(store: Store) -> None:
    rows = [queue(store, f"n{n}", due=NOW - MINUTE + n * SECOND) for n in range(4)]
    other = [queue(store, f"g{n}", GLANCE) for n in range(3)]
    later = queue(store, "later", due=NOW + SECOND)
    digest = claimed(store, fold_over=3)
    assert (digest.kind, digest.room, digest.due, digest.message) == (
        *(Kind.DIGEST, NOVA, rows[0].due, Message(f"digest-{rows[0].id} r0", "<b>html</b>", "also")),
    )
    folded = store.read_now(lambda tx: tx.folded(digest.id))
    assert [row.about for row in folded] == ["n0", "n1", "n2", "n3"]
    for row in folded:
        assert (row.stage, row.reason, row.ended) == (Stage.FOLDED, "one of 4 in a digest", NOW)
        assert row.spoke == (Spoke(row.about, State.KNOWN, ("1234567",)),)
    say(store, digest)
    assert said_in_order(store, NOW + SECOND, fold_over=3) == ["g0", "g1", "g2", "later"]
    assert [look(store, row.id).stage for row in (*other, later)] == [Stage.SAID] * 4


def test_as_many_as_fold_over_are_said_singly_and_zero_means_never(store: Store) -> None:
    for n in range(3):
        queue(store, f"n{n}")
    put_off(store, claimed(store, fold_over=3), NOW)
    assert said_in_order(store, fold_over=0) == ["n0", "n1", "n2"]


def test_a_queued_catch_up_takes_the_changes_in(store: Store) -> None:
    catch_up = queue(store, "catch-up", due=None, kind=Kind.CATCH_UP)
    for n in range(3):
        queue(store, f"n{n}")
    store.write_now(lambda tx: tx.set_due(catch_up.id, NOW))
    assert claimed(store, fold_over=2).id == catch_up.id
    assert [row.about for row in store.read_now(lambda tx: tx.folded(catch_up.id))] == ["n0", "n1", "n2"]


def test_changes_wait_for_a_catch_up_that_is_being_made_but_not_for_ever(store: Store) -> None:
    queue(store, "catch-up", due=None, kind=Kind.CATCH_UP)
    queue(store, "n")
    queue(store, "g", GLANCE)
    assert said_in_order(store) == ["g"]
    assert said_in_order(store, NOW + BACKLOG) == ["n"]


def test_changes_are_not_folded_into_a_catch_up_that_is_still_being_made(store: Store) -> None:
    queue(store, "catch-up", due=None, kind=Kind.CATCH_UP)
    for n in range(3):
        queue(store, f"n{n}")
    digest = claimed(store, NOW + BACKLOG, fold_over=2)
    assert digest.kind is Kind.DIGEST
    assert [row.about for row in store.read_now(lambda tx: tx.folded(digest.id))] == ["n0", "n1", "n2"]


def test_rows_in_doubt_are_never_folded(store: Store) -> None:
    queue(store, "doubtful", due=NOW - MINUTE)
    put_off(store, claimed(store), NOW, doubt=True)
    for n in range(3):
        queue(store, f"n{n}")
    doubtful = claimed(store, fold_over=2)
    assert (doubtful.about, doubtful.message) == ("doubtful", Message("doubtful r0", "<b>html</b>", "also"))
    say(store, doubtful)
    assert claimed(store, fold_over=2).kind is Kind.DIGEST


def test_what_has_nothing_to_say_is_not_in_the_digest(store: Store) -> None:
    for n in range(4):
        queue(store, f"n{n}")
    row = claimed(
        store, fold_over=2, render=lambda tx, row, now: "nothing left" if row.about == "n0" else speaks(tx, row, now)
    )
    assert [one.about for one in store.read_now(lambda tx: tx.folded(row.id))] == ["n1", "n2", "n3"]
    totals = store.read_now(lambda tx: tx.totals_by_stage())
    assert (totals[Stage.EXPIRED], totals[Stage.FOLDED], totals[Stage.SENDING]) == (1, 3, 1)


def test_nothing_left_of_too_many_makes_no_digest(store: Store) -> None:
    for n in range(4):
        queue(store, f"n{n}")
    assert claim(store, fold_over=2, render=lambda _tx, _row, _now: "nothing left") is None
    assert store.read_now(lambda tx: tx.totals_by_stage())[Stage.EXPIRED] == 4


def test_say_takes_its_own_row_and_no_other(store: Store) -> None:
    queue(store, "bs1")
    left = claimed(store)
    queue(store, "bs2")
    own = store.write_now(lambda tx: tx.enqueue(Kind.SAY, "uuid", NOVA, 0, NOW, NOW, message=Message("hi")))
    assert claimed(store, only=own.id).id == own.id
    say(store, own)
    assert claim(store, only=own.id) is None
    assert look(store, left.id) == left
