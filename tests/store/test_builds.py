"""Failures, hits and what could not be asked."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import event

from bot.model import Build, Line, Ran
from bot.records import ALL, Failure, Kind, News, Standing, State, Unanswered, Unsearched
from bot.store import Store
from tests.store.making import DAY, HOUR, MINUTE, NOVA, NOW, SECOND, claimed, failure, found, news_there, queue, say


def put(store: Store, *failures: Failure) -> None:
    store.write_now(lambda tx: tx.put(failures))


def uuids(failures: list[Failure]) -> list[str]:
    return [one.build.uuid for one in failures]


def test_a_failure_comes_back_as_it_was(store: Store) -> None:
    build = Build(
        *("u1", "job", "TIMED_OUT", "openstack/nova", "gate", "stable/2026.1", "refs/changes/45/912345/3", "912345"),
        *("3", "bs1", False, "https://logs.example.org/u1/", "openstack"),
    )
    reason = Line(NOW - SECOND, "it broke \u2603", "job-output.txt", "https://logs.example.org/u1/job-output.txt")
    whole = Failure(
        *(build, "bs1", NOW, NOW + MINUTE, NOW + SECOND / 3, 2**40, NOW + HOUR, True, True, 7, State.NOT_READY),
        *(reason, True, (found("1", "u1", 2**40), found("2", "u1", 1, quiet=True))),
        (Unsearched("3", "shards failed", 2, NOW), Unsearched(ALL, "time-out", 1, NOW, 657)),
    )
    put(store, whole)
    store.write_now(lambda tx: tx.add_found(whole.found))
    store.write_now(lambda tx: tx.put_unsearched("u1", whole.unsearched))
    assert store.read_now(lambda tx: tx.failures(["u1", "nowhere"])) == [whole]


def test_times_are_utc_and_never_naive(store: Store) -> None:
    put(store, failure("u1", first_seen=NOW.astimezone(timezone(timedelta(hours=9)))))
    (there,) = store.read_now(lambda tx: tx.failures(["u1"]))
    assert there.first_seen == NOW
    assert there.first_seen.utcoffset() == timedelta(0)
    with pytest.raises(Exception, match="without a time zone"):
        put(store, failure("u2", first_seen=datetime(2026, 3, 1)))


def test_put_overwrites_the_build_and_leaves_its_hits(store: Store) -> None:
    put(store, failure("u1"))
    store.write_now(lambda tx: tx.add_found([found("1", "u1")]))
    put(store, failure("u1", documents=9, settled=True, state=State.KNOWN))
    (there,) = store.read_now(lambda tx: tx.failures(["u1"]))
    assert there == failure("u1", documents=9, settled=True, state=State.KNOWN, found=(found("1", "u1"),))


def test_failures_are_found_by_how_their_uuid_begins(store: Store) -> None:
    put(store, *[failure(uuid) for uuid in ("38bf2cdc", "38bf2cdd", "38BF2CDE", "138bf2cd", "38%f2cdc")])
    assert uuids(store.read_now(lambda tx: tx.failures_like("38bf2cd"))) == ["38bf2cdc", "38bf2cdd"]
    assert uuids(store.read_now(lambda tx: tx.failures_like("38%f2"))) == ["38%f2cdc"]


def test_the_first_that_was_seen_of_those_that_ended_since(store: Store) -> None:
    assert store.read_now(lambda tx: tx.first_seen(NOW)) is None
    put(store, failure("u1", newest=NOW - DAY, first_seen=NOW - DAY), failure("u2", first_seen=NOW + MINUTE))
    put(store, failure("u3", newest=NOW + HOUR, first_seen=NOW + HOUR))
    firsts = [store.read_now(lambda tx, since=since: tx.first_seen(since)) for since in (NOW - DAY, NOW)]  # type: ignore[misc]
    assert firsts == [NOW - DAY, NOW + MINUTE]
    assert firsts[0] is not None and firsts[0].utcoffset() == timedelta(0)


def test_a_hit_found_again_follows_and_stays_as_old_as_it_is(store: Store) -> None:
    put(store, failure("u1"))
    again = found("1", "u1", 5, NOW + HOUR, quiet=True)
    later = replace(again.hit, last=NOW + MINUTE, first=NOW - HOUR, sample=Line(NOW, "another"))
    store.write_now(lambda tx: tx.add_found([found("1", "u1", 2)]))
    store.write_now(lambda tx: tx.add_found([replace(again, hit=later)]))
    (there,) = store.read_now(lambda tx: tx.failures(["u1"]))
    assert there.found == (replace(found("1", "u1"), hit=later),)


def test_dropped_hits_are_gone_for_that_signature_and_those_builds(store: Store) -> None:
    put(store, failure("u1"), failure("u2"), failure("u3"))
    store.write_now(lambda tx: tx.add_found(found(id, build) for id in ("1", "2") for build in ("u1", "u2", "u3")))
    store.write_now(lambda tx: tx.drop_found("1", ["u1", "u2"]))
    left = store.read_now(lambda tx: tx.counts(NOW))
    assert sorted(left) == [("1", "u3"), ("2", "u1"), ("2", "u2"), ("2", "u3")]


def test_unsearched_rows_are_replaced(store: Store) -> None:
    put(store, failure("u1"), failure("u2"))
    row = Unsearched("1", "time-out", 1, NOW)
    for uuid in ("u1", "u2"):
        store.write_now(lambda tx, uuid=uuid: tx.put_unsearched(uuid, [row, replace(row, signature="2")]))  # type: ignore[misc]
    store.write_now(lambda tx: tx.put_unsearched("u1", [replace(row, tries=2)]))
    one, two = store.read_now(lambda tx: tx.failures(["u1", "u2"]))
    assert one.unsearched == (replace(row, tries=2),)
    assert two.unsearched == (row, replace(row, signature="2"))


def test_failures_are_found_by_unit_change_time_and_signature(store: Store) -> None:
    early = failure("u1", "bs1", newest=NOW - DAY)
    late = failure("u2", "bs1", first_seen=NOW + SECOND)
    other = replace(failure("u3", "bs2"), build=replace(failure("u3").build, change="9"))
    put(store, early, late, other)
    store.write_now(lambda tx: tx.add_found([found("1", "u1"), found("1", "u3"), found("2", "u2")]))
    assert uuids(store.read_now(lambda tx: tx.failures_in(["bs1"]))) == ["u1", "u2"]
    assert uuids(store.read_now(lambda tx: tx.failures_of("912345"))) == ["u1", "u2"]
    assert uuids(store.read_now(lambda tx: tx.failures_of("9"))) == ["u3"]
    assert uuids(store.read_now(lambda tx: tx.failures_since(NOW))) == ["u3", "u2"]
    assert uuids(store.read_now(lambda tx: tx.failures_since(NOW + SECOND))) == []
    assert uuids(store.read_now(lambda tx: tx.hit_builds("1", NOW))) == ["u3"]
    assert uuids(store.read_now(lambda tx: tx.hit_builds("1", NOW - DAY))) == ["u1", "u3"]
    assert sorted(store.read_now(lambda tx: tx.counts(NOW))) == [("1", "u3"), ("2", "u2")]


def test_units_of_a_base_have_their_jobs(store: Store) -> None:
    base = "openstack/nova|master||912345|3|check"
    put(
        store,
        failure("u1", base, "a"),
        failure("u2", base, "b"),
        *(failure(f"n{n}", f"{base}#{n}", "a") for n in range(2, 12)),
        failure("u3", f"{base}-other", "a"),
        failure("u4", f"{base}#2x", "a"),
        failure("u5", base.upper(), "a"),
    )
    like = store.read_now(lambda tx: tx.units_like(base))
    assert like == [(base, frozenset("ab")), *((f"{base}#{n}", frozenset("a")) for n in range(2, 12))]
    assert store.read_now(lambda tx: tx.units_like("nothing")) == []
    # A base that ends like a second run is no second run of another.
    assert store.read_now(lambda tx: tx.units_like(f"{base}#2")) == [(f"{base}#2", frozenset("a"))]


def test_standing_tells_what_a_tick_needs(store: Store) -> None:
    settled = failure("u1", documents=9, settled=True, asked=9, state=State.UNKNOWN, reason_asked=True, old=True)
    put(store, settled, failure("u2"))
    rows = [Unsearched("1", "time-out", 1, NOW + HOUR), Unsearched("2", "time-out", 1, NOW + MINUTE)]
    store.write_now(lambda tx: tx.put_unsearched("u1", rows))
    assert store.read_now(lambda tx: tx.standing(["u1", "u2", "u3"])) == {
        "u1": Standing(9, True, 9, State.UNKNOWN, True, True, NOW + MINUTE),
        "u2": Standing(3, False, -1, State.PENDING, False),
    }


def test_restless_units_are_open_or_being_said_or_just_said(store: Store) -> None:
    put(
        store,
        failure("u1", "open"),
        failure("u2", "not ready", state=State.NOT_READY, settled=True),
        *(failure(f"k{unit}", unit, state=State.KNOWN, settled=True) for unit in ("long said", "queued", "said")),
        failure("u4", "quiet", state=State.KNOWN, settled=True),
    )
    queue(store, "long said")
    say(store, claimed(store), NOW - 2 * HOUR)
    queue(store, "said")
    say(store, claimed(store), NOW)
    queue(store, "queued")
    assert store.read_now(lambda tx: tx.restless(NOW - HOUR)) == ["not ready", "open", "queued", "said"]
    assert store.read_now(lambda tx: tx.restless(NOW + SECOND)) == ["queued", "said"]


def test_no_deadline_passes_while_nothing_answers(store: Store) -> None:
    waiting = [
        failure("u1"),
        failure("u2", settled=True),
        failure("u3", state=State.UNKNOWN),
        failure("u4", settled=True, state=State.NOT_READY),
    ]
    done = failure("u5", settled=True, state=State.KNOWN)
    gone = failure("u6", newest=NOW - DAY)
    put(store, *waiting, done, gone)
    store.write_now(lambda tx: tx.forgive(HOUR, NOW))
    moved = {one.build.uuid: one.waits_from - NOW for one in store.read_now(lambda tx: tx.failures_since(NOW - DAY))}
    zero = timedelta(0)
    assert moved == {"u1": HOUR, "u2": HOUR, "u3": HOUR, "u4": HOUR, "u5": zero, "u6": zero}
    store.write_now(lambda tx: tx.forgive(MINUTE))
    (there,) = store.read_now(lambda tx: tx.failures(["u6"]))
    assert there == replace(gone, waits_from=NOW + MINUTE)


def test_pruned_builds_take_all_of_theirs_along(store: Store) -> None:
    put(store, failure("old", newest=NOW - DAY), failure("new"))
    for uuid in ("old", "new"):
        store.write_now(lambda tx, uuid=uuid: tx.add_found([found("1", uuid)]))  # type: ignore[misc]
        row = [Unsearched("2", "time-out", 1, NOW)]
        store.write_now(lambda tx, uuid=uuid, row=row: tx.put_unsearched(uuid, row))  # type: ignore[misc]
        news = [News(NOW, uuid, uuid, State.KNOWN, "1")]
        store.write_now(lambda tx, news=news: tx.add_news(news))  # type: ignore[misc]
    queue(store, "old")
    say(store, claimed(store), NOW - DAY)
    queue(store, "catch-up", kind=Kind.CATCH_UP)
    say(store, claimed(store), NOW - DAY)
    queue(store, "unsaid", due=NOW - 2 * DAY)
    for at in (NOW - DAY, NOW):
        store.write_now(lambda tx, at=at: tx.add_ran(at, 6, (Ran("gate", "", "", "FAILURE", 1),)))  # type: ignore[misc]
    assert store.write_now(lambda tx: tx.prune(NOW - HOUR)) == 1
    assert [at for at, _ in store.read_now(lambda tx: tx.ran_since(NOW - 2 * DAY))] == [NOW]
    assert uuids(store.read_now(lambda tx: tx.failures(["old", "new"]))) == ["new"]
    assert [one.build for one in news_there(store)] == ["new"]
    left = store.read_now(lambda tx: tx.deliveries(["old", "catch-up", "unsaid"]))
    assert [row.about for row in left if row.room == NOVA] == ["catch-up", "unsaid"]
    put(store, failure("old"))
    (there,) = store.read_now(lambda tx: tx.failures(["old"]))
    assert (there.found, there.unsearched) == ((), ())


def test_a_chunk_of_failures_costs_three_statements(store: Store) -> None:
    put(store, *(failure(f"u{n}") for n in range(400)))
    statements: list[str] = []

    def counted(*call: object) -> None:
        statements.append(str(call[2]))

    engine = store._engines._reader
    event.listen(engine, "before_cursor_execute", counted)
    assert len(store.read_now(lambda tx: tx.failures(f"u{n}" for n in range(400)))) == 400
    assert sum(statement.startswith("SELECT") for statement in statements) == 3


def test_ten_thousand_failures_are_put_and_read_at_once(store: Store) -> None:
    many = [failure(f"{n:032x}", f"bs{n // 3}") for n in range(10_000)]
    began = time.process_time()
    put(store, *many)
    store.write_now(lambda tx: tx.add_found(found("1", one.build.uuid) for one in many))
    there = store.read_now(lambda tx: tx.failures(one.build.uuid for one in many))
    took = time.process_time() - began
    assert [one.build for one in there] == [one.build for one in many]
    assert all(len(one.found) == 1 for one in there)
    assert took < 4, f"{took:.1f} s: twice what it may take on an idle machine"


def test_what_is_unanswered_is_told_per_signature_for_builds_that_are_still_looked_at(store: Store) -> None:
    put(store, failure("u1"), failure("u2"), failure("u3", newest=NOW - DAY))
    rows = {
        "u1": [Unsearched("1", "timed out", 1, NOW), Unsearched("2", "timed out", 3, NOW)],
        "u2": [Unsearched("1", "timed out", 2, NOW), Unsearched(ALL, "refused", 2, NOW, 12)],
        "u3": [Unsearched("3", "timed out", 9, NOW)],
    }
    for uuid, own in rows.items():
        store.write_now(lambda tx, uuid=uuid, own=own: tx.put_unsearched(uuid, own))
    assert store.read_now(lambda tx: tx.unanswered(NOW - HOUR)) == [
        Unanswered("2", 1, 3, "timed out"),
        Unanswered("1", 2, 2, "timed out"),
        Unanswered(ALL, 1, 2, "refused", 12),
    ]
