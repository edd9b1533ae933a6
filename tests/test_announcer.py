"""LIFE 4 by example: how rows of the outbox are said, put off, taken up again, folded. Ticks are a minute apart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.announcer import Announcer
from bot.config import Announce, Feed
from bot.errors import PermanentError, TemporaryError
from bot.records import Delivery, Kind, Rendered, Stage
from bot.sections import Mentions, RoomManner
from bot.store import Store, Tx
from bot.talk import JOINED, Message
from tests.fakes import IRC, MATRIX, MINUTE, START, Gate, until

Gates = Callable[..., Gate]
OTHER = "oftc:#glance"
HEAD = "[nova] gate 900001,1 failed: "
BOOMS = "#1001 It booms (x1/24h, recheck ok)"


async def failed(gate: Gate, changes: int = 1) -> None:
    """Changes whose messages are due, and not yet said."""
    for number in range(changes):
        gate.fails(f"u{number}", "boom", change=f"90000{number + 1}")
    await gate.look()
    gate.now += 2 * MINUTE


async def test_what_is_said_is_recorded_with_what_the_far_end_called_it(gate: Gate) -> None:
    await failed(gate)
    await gate.speak()
    (row,) = await gate.rows(MATRIX)
    assert (row.stage, row.reason, row.ended) == (Stage.SAID, "said", gate.now)
    assert row.said is not None and row.said.id == "$1"
    assert [spoke.build for spoke in row.spoke] == ["u0"]


async def test_without_doubt_a_row_waits_and_says_what_is_known_then(gate: Gate) -> None:
    await failed(gate)
    gate.irc.faults = [TemporaryError("not connected")]
    await gate.speak()
    (row,) = await gate.rows()
    assert (row.stage, row.doubt, row.message, row.key) == (Stage.QUEUED, False, None, "")
    assert row.not_before == gate.now + timedelta(seconds=5)
    gate.grows("u0", "bang")
    await gate.tick(2)
    assert gate.irc.told == [HEAD + f"tempest: {BOOMS} #1002 It bangs (x1/24h)"]


async def test_in_doubt_a_row_keeps_text_and_key_and_is_corrected_afterwards(gate: Gate) -> None:
    await failed(gate)
    gate.matrix.faults = [TemporaryError("connection reset", doubt=True)]
    await gate.speak()
    gate.grows("u0", "bang")
    await gate.tick(3)
    first, again, edit = gate.matrix.posts
    assert (first.key, first.message) == (again.key, again.message)
    assert (first.doubt_since, edit.doubt_since) == (None, None)
    assert again.doubt_since is not None and again.doubt_since <= START + 2 * MINUTE  # not later than the first try
    assert edit.key != first.key
    assert gate.matrix.told == [
        HEAD + f"tempest: {BOOMS}",
        f"edit of $1: {HEAD}tempest: {BOOMS} #1002 It bangs (x1/24h)",
    ]


async def test_the_far_end_says_when_to_try_again(gate: Gate) -> None:
    await failed(gate)
    gate.irc.faults = [TemporaryError("slow down", retry_after=42.0)]
    await gate.speak()
    (row,) = await gate.rows()
    assert row.not_before == gate.now + timedelta(seconds=42)


async def test_why_nothing_can_be_said_is_logged_once_a_room_and_reason(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    await failed(gate, 2)
    banned, full = TemporaryError("banned (+b)"), TemporaryError("full (+l)")
    gate.irc.faults = [banned, banned, banned, full]
    await gate.tick(9)
    assert len(gate.irc.told) == 2
    warned = [record.getMessage() for record in caplog.records if record.getMessage().startswith("not said")]
    assert [line.partition("why=")[2] for line in warned] == ["'banned (+b)'", "'full (+l)'"]


async def test_it_is_tried_later_and_later_and_at_last_every_5_minutes(gate: Gate) -> None:
    await failed(gate)
    gate.irc.faults = [TemporaryError("not joined") for _ in range(9)]
    waits = []
    for _ in range(9):
        await gate.speak()
        (row,) = await gate.rows()
        assert row.not_before is not None
        waits.append((row.not_before - gate.now).total_seconds())
        gate.now = row.not_before
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]


async def test_a_far_end_that_says_at_once_is_asked_less_and_less_often(gate: Gate) -> None:
    await failed(gate)
    gate.irc.faults = [TemporaryError("slow down", retry_after=asked) for asked in (0.0, 0.4, 0.0, 60.0, 0.0)]
    waits = []
    for _ in range(5):
        await gate.speak()
        (row,) = await gate.rows()
        assert row.not_before is not None
        waits.append((row.not_before - gate.now).total_seconds())
        gate.now = row.not_before
    assert waits == [0.25, 0.4, 1, 60, 4]


async def test_a_room_that_is_put_off_holds_up_no_other_and_keeps_its_order(gates: Gates) -> None:
    gate = gates(feeds={"one": Feed(rooms=(IRC,)), "two": Feed(rooms=(OTHER,))})
    await failed(gate, changes=2)
    gate.irc.faults = [TemporaryError("not joined")]
    await gate.speak()
    assert [post.room for post in gate.irc.posts[1:]] == [OTHER, OTHER]
    gate.now += MINUTE
    await gate.speak()
    assert [post.room for post in gate.irc.posts[3:]] == [IRC, IRC]
    assert [" 900001," in text for text in gate.irc.told] == [True, False, True, False]


async def test_what_waited_for_a_room_is_said_as_soon_as_the_bot_is_in_it(gate: Gate) -> None:
    await failed(gate, changes=2)
    gate.irc.rooms = {IRC: "banned"}
    gate.irc.faults = [TemporaryError("banned")]
    await gate.speak()
    assert gate.irc.told == []
    gate.irc.rooms = {IRC: JOINED}
    await gate.speak()
    assert len(gate.irc.told) == 2


async def test_a_room_that_stays_joined_hurries_nothing(gate: Gate) -> None:
    gate.irc.rooms = {IRC: JOINED}
    await gate.speak()
    await failed(gate)
    gate.irc.faults = [TemporaryError("slow down", retry_after=42.0)]
    await gate.speak()
    await gate.speak()
    assert gate.irc.told == []


async def test_what_is_refused_has_failed_and_its_corrections_are_dropped(gate: Gate) -> None:
    await failed(gate)
    gate.irc.faults = [PermanentError("cannot send to #nova: banned")]
    await gate.speak()
    gate.fails("u9", "bang", job="unit")
    await gate.tick(4)
    assert await gate.stages() == [(0, Stage.FAILED, "cannot send to #nova: banned")]
    assert gate.irc.told == []


async def test_nothing_is_claimed_while_a_network_is_not_ready(gate: Gate) -> None:
    await failed(gate)
    gate.irc.ready = False
    stop = asyncio.Event()
    worker = asyncio.create_task(gate.announcers["oftc"].run(stop))
    await asyncio.sleep(0.02)
    assert [row.stage for row in await gate.rows()] == [Stage.QUEUED]
    gate.irc.ready = True
    await until(lambda: bool(gate.irc.told))
    stop.set()
    await worker


async def test_a_network_is_idle_when_nothing_is_queued_or_being_said(gate: Gate) -> None:
    idle = [await gate.store.read(lambda tx: tx.idle("oftc"))]
    await failed(gate)
    idle.append(await gate.store.read(lambda tx: tx.idle("oftc")))
    await gate.store.write(lambda tx: tx.claim("oftc", gate.now, gate.render, lambda _: 0))
    idle.append(await gate.store.read(lambda tx: tx.idle("oftc")))
    await gate.speak()
    idle.append(await gate.store.read(lambda tx: tx.idle("oftc")))
    assert idle == [True, False, False, True]


async def test_a_worker_that_starts_takes_up_first_what_was_being_said(gate: Gate) -> None:
    await failed(gate, changes=2)
    claimed = await gate.store.write(lambda tx: tx.claim("oftc", gate.now, gate.render, lambda _: 0))
    assert claimed is not None and claimed.message is not None
    gate.start()
    await gate.speak()
    assert gate.irc.posts[0].key == claimed.key
    assert gate.irc.told[0] == claimed.message.text
    assert [stage for _, stage, _ in await gate.stages()] == [Stage.SAID, Stage.SAID]


async def test_a_message_that_is_out_is_recorded_before_anything_else_is_claimed(gate: Gate) -> None:
    await failed(gate, changes=2)
    broken = Recording(gate.store)
    announcer = Announcer(
        gate.irc, broken, gate.render, gate.troubles, lambda: gate.now, lambda _: 0, gate.waits.say_within, every=0.001
    )
    broken.full_after(1)  # the claim works, the record does not
    working = asyncio.create_task(announcer.step())
    await until(lambda: broken.refused > 3)
    assert len(gate.irc.told) == 1
    assert [one.part for one in gate.troubles.open] == ["store"]
    assert [row.stage for row in await gate.rows()] == [Stage.SENDING, Stage.QUEUED]
    broken.full_after(None)
    assert await working
    assert [row.stage for row in await gate.rows()] == [Stage.SAID, Stage.QUEUED]
    assert gate.troubles.open == []
    assert len(gate.irc.told) == 1


async def test_a_store_that_cannot_be_read_is_a_trouble_and_no_end(gate: Gate) -> None:
    await failed(gate)
    broken = Recording(gate.store)
    broken.full_after(0)
    announcer = Announcer(
        gate.irc, broken, gate.render, gate.troubles, lambda: gate.now, lambda _: 0, gate.waits.say_within, every=0.001
    )
    stop = asyncio.Event()
    worker = asyncio.create_task(announcer.run(stop))
    await until(lambda: broken.refused > 2)
    assert [one.sentence for one in gate.troubles.open] == ["disk full"]
    broken.full_after(None)
    await until(lambda: bool(gate.irc.told))
    stop.set()
    await worker


async def test_a_row_that_breaks_its_rendering_is_given_up_and_the_others_go_on(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    await failed(gate, changes=3)

    def renders(tx: Tx, row: Delivery, now: object) -> Rendered | str:
        if row.about != "set-900003":
            raise ValueError("no such thing")
        return Rendered(Message("all well"))

    announcer = Announcer(
        gate.irc, gate.store, renders, gate.troubles, lambda: gate.now, lambda _: 0, gate.waits.say_within, every=0.001
    )
    stop = asyncio.Event()
    worker = asyncio.create_task(announcer.run(stop))
    await until(lambda: gate.irc.told == ["all well"])
    stop.set()
    await worker
    assert [(stage, reason) for _, stage, reason in await gate.stages()] == [
        (Stage.FAILED, "internal error"),
        (Stage.FAILED, "internal error"),
        (Stage.SAID, "said"),
    ]
    assert caplog.text.count("delivery failed network=oftc") == 2
    assert caplog.text.count("trouble part='deliveries to oftc'") == 1


async def test_more_than_fold_over_that_wait_are_one_digest(gates: Gates) -> None:
    gate = gates(fold_over=3)
    await failed(gate, changes=4)
    await gate.speak()
    digest = "digest: 4 changes failed 11:59 to 11:59 UTC: 4 failed builds, 100 % known, worst #1001 x4"
    assert gate.irc.told == gate.matrix.told == [digest]
    stages = [row.stage for row in await gate.rows()]
    assert stages == [Stage.FOLDED] * 4 + [Stage.SAID]
    assert all(row.reason == "one of 4 in a digest" for row in await gate.rows() if row.stage is Stage.FOLDED)


@pytest.mark.parametrize(("fold_over", "changes"), [(4, 4), (0, 12)])
async def test_as_many_as_fold_over_are_said_singly_and_0_folds_never(
    gates: Gates, fold_over: int, changes: int
) -> None:
    gate = gates(fold_over=fold_over)
    await failed(gate, changes=changes)
    await gate.speak()
    assert len(gate.irc.told) == changes


async def test_what_a_slow_network_would_take_too_long_for_is_a_digest_there_and_told_once(
    gates: Gates, caplog: pytest.LogCaptureFixture
) -> None:
    gate = gates(fold_over=0)
    gate.matrix.pace = timedelta(seconds=50)  # two fit into two minutes
    await failed(gate, changes=3)
    await gate.speak()
    assert (len(gate.irc.told), len(gate.matrix.told)) == (3, 1)
    assert gate.matrix.told[0].startswith("digest: 3 changes failed")
    for number in (3, 4):
        gate.fails(f"u{number}", "boom", change=f"90000{number + 1}")
    await gate.tick(3)
    assert (len(gate.irc.told), len(gate.matrix.told)) == (5, 3)
    for number in (5, 6, 7):
        gate.fails(f"u{number}", "boom", change=f"90000{number + 1}")
    await gate.tick(3)
    assert (len(gate.irc.told), len(gate.matrix.told)) == (8, 4)
    assert caplog.text.count("its server takes one message in 50.0 s, and 3 wait") == 1


async def test_an_unknown_that_was_folded_and_turns_out_known_is_a_new_message(gates: Gates) -> None:
    gate = gates(fold_over=1)
    for number in (1, 2):
        gate.fails(f"u{number}", "Error: odd", change=f"90000{number}")
    await gate.tick(4)
    gate.grows("u1", "boom")
    await gate.tick(3)
    digest = "digest: 2 changes failed 11:59 to 11:59 UTC: 2 failed builds, 0 % known"
    assert gate.irc.told == gate.matrix.told == [digest, HEAD + f"tempest: {BOOMS}"]


@pytest.mark.parametrize(("line", "loud"), [("boom", False), ("Error: odd", True)])
async def test_a_digest_tells_whom_its_changes_would_have_told(gates: Gates, line: str, loud: bool) -> None:
    mentions = Mentions(unknown=("@ada:x",))
    gate = gates(fold_over=1, announce=Announce(rooms={MATRIX: RoomManner(mentions=mentions)}))
    for number in (1, 2):
        gate.fails(f"u{number}", line, change=f"90000{number}")
    await gate.tick(4)
    (post,) = gate.matrix.posts
    assert post.message.text.startswith("digest: 2 changes failed")
    assert (post.loud, post.mentions) == (loud, ("@ada:x",) if loud else ())


async def test_of_what_was_folded_nothing_else_is_corrected(gates: Gates) -> None:
    gate = gates(fold_over=1)
    await failed(gate, changes=2)
    await gate.speak()
    gate.grows("u0", "bang")
    gate.fails("u9", "bang", job="unit")
    await gate.tick(5)
    assert len(gate.irc.told) == len(gate.matrix.told) == 1


async def test_an_operators_own_words_are_said_as_they_are(gate: Gate) -> None:
    words = Message("the mirror is back")
    await gate.store.write(lambda tx: tx.enqueue(Kind.SAY, "say-1", IRC, 0, START, START, message=words))
    await gate.speak()
    assert gate.irc.told == ["the mirror is back"]


# -- a store that is full, for a while ------------------------------------------------------------------------


class Recording(Store):
    """A store whose writes fail after some."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._left: int | None = None
        self.refused = 0

    def full_after(self, writes: int | None) -> None:
        self._left = writes

    async def write(self, work):  # type: ignore[no-untyped-def]
        if self._left == 0:
            self.refused += 1
            raise TemporaryError("disk full")
        self._left = None if self._left is None else self._left - 1
        return await self._store.write(work)
