"""The outbox: rows are put in, moved, and end; `claim.py` takes them out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, select, update

from bot.records import Delivery, Kind, Stage
from bot.store.rows import delivery_of, message_row, new_delivery_row
from bot.store.tables import delivery
from bot.store.verbs import Verbs, chunks
from bot.talk import Message, Said

SAY_WITHIN = timedelta(minutes=10)  # an operator's own words are worth nothing later
UNFINISHED = (Stage.QUEUED, Stage.SENDING)
# A row that was put off in doubt is queued again, but its text stands.
FREE = (delivery.c.stage == Stage.QUEUED) & ~delivery.c.doubt
UNFROZEN: Mapping[str, Any] = {
    "key": "",
    "message": None,
    "loud": False,
    "mentions": [],
    "wakes": False,
    "spoke": [],
    "replaces": None,
}
IN_ORDER = (delivery.c.due.is_(None), delivery.c.due, delivery.c.id)


class OutboxVerbs(Verbs):
    """Rows as the poller and the command line see them."""

    def deliveries(self, abouts: Iterable[str]) -> list[Delivery]:
        """All rows about these, ordered by room and revision."""
        there: list[Delivery] = []
        for chunk in chunks(dict.fromkeys(abouts)):
            there += self._deliveries(select(delivery).where(delivery.c.about.in_(chunk)))
        return sorted(there, key=lambda one: (one.room, one.revision, one.about))

    def delivery(self, id: int) -> Delivery | None:
        return next(iter(self._deliveries(select(delivery).where(delivery.c.id == id))), None)

    def said_as(self, network: str, id: str) -> Delivery | None:
        """The row that the far end of the network calls so; the newest, where it gives an id twice."""
        wanted = select(delivery).where(delivery.c.network == network, delivery.c.said == id)
        return next(iter(self._deliveries(wanted.order_by(delivery.c.id.desc()).limit(1))), None)

    def folded(self, into: int) -> list[Delivery]:
        """The rows that a digest or catch-up stands for, in the order in which they would have been said."""
        return self._deliveries(select(delivery).where(delivery.c.folded_into == into).order_by(*IN_ORDER))

    def queued(self, room: str | None = None) -> list[Delivery]:
        """Queued rows (those in doubt too) in the order in which they are due, undated ones last."""
        wanted = select(delivery).where(delivery.c.stage == Stage.QUEUED).order_by(*IN_ORDER)
        return self._deliveries(wanted if room is None else wanted.where(delivery.c.room == room))

    def unfinished(self) -> list[Delivery]:
        """Rows that are queued or being said, in the order in which they are due."""
        return self._deliveries(select(delivery).where(delivery.c.stage.in_(UNFINISHED)).order_by(*IN_ORDER))

    def idle(self, network: str) -> bool:
        """Is no row of the network queued or being said? One short statement, for whoever asks every second."""
        mine = (delivery.c.network == network) & delivery.c.stage.in_(UNFINISHED)
        return not self._rows(select(delivery.c.id).where(mine).limit(1))

    def ended_since(self, at: datetime) -> list[Delivery]:
        """Rows that ended at that time or later, by id."""
        return self._deliveries(select(delivery).where(delivery.c.ended >= at).order_by(delivery.c.id))

    def totals_by_stage(self) -> dict[Stage, int]:
        """How many rows are in each stage; all stages are there."""
        rows = self._rows(select(delivery.c.stage, func.count().label("rows")).group_by(delivery.c.stage))
        return dict.fromkeys(Stage, 0) | {row.stage: row.rows for row in rows}

    def waiting_by_network(self) -> dict[str, int]:
        """How many rows are queued or being said, by network; none is there with 0."""
        waiting = select(delivery.c.network, func.count().label("rows")).where(delivery.c.stage.in_(UNFINISHED))
        return {row.network: row.rows for row in self._rows(waiting.group_by(delivery.c.network))}

    def due_changes(self, network: str, now: datetime) -> dict[str, int]:
        """By room, how many changes of the network could be said now; no room is there with 0."""
        mine = FREE & (delivery.c.network == network) & (delivery.c.kind == Kind.CHANGE) & (delivery.c.due <= now)
        counted = select(delivery.c.room, func.count().label("rows")).where(mine).group_by(delivery.c.room)
        return {row.room: row.rows for row in self._rows(counted)}

    def enqueue(
        self,
        kind: Kind,
        about: str,
        room: str,
        revision: int,
        due: datetime | None,
        now: datetime,
        *,
        message: Message | None = None,
        loud: bool = False,
        gap: tuple[datetime, datetime] | None = None,
    ) -> Delivery:
        """Queue a revision; one that is queued already for the same (about, room) is folded into it.

        The same revision queued again moves to `due`. `message` is for Kind.SAY: such a row is not rendered.
        Raises ValueError for a revision that was claimed or has ended.
        """
        there = self._deliveries(select(delivery).where(delivery.c.about == about, delivery.c.room == room))
        for one in there:
            if one.revision == revision:
                if one.stage is not Stage.QUEUED or one.doubt:
                    raise ValueError(f"revision {revision} of {about} in {room} is {one.stage.value}")
                self.set_due(one.id, due)
                return self._get(one.id)
        replaced = [one for one in there if one.stage is Stage.QUEUED and not one.doubt]
        for one in replaced:
            self.end(one.id, Stage.FOLDED, f"replaced by revision {revision}", now)
            gap = gap or one.gap
        values = {
            "kind": kind,
            "about": about,
            "room": room,
            "revision": revision,
            "created": now,
            "due": due,
            "stage": Stage.QUEUED,
            "message": message_row(message),
            "loud": loud,
            "gap_start": gap and gap[0],
            "gap_end": gap and gap[1],
        }
        id = self._insert(values)
        for one in replaced:
            self._hand_over(one.id, id)
        return self._get(id)

    def set_due(self, id: int, due: datetime | None) -> None:
        """Move a queued row; None: not yet to be claimed. A row whose text stands is not moved."""
        self._change((delivery.c.id == id) & FREE, due=due)

    def hurry(self, rooms: Collection[str], now: datetime) -> None:
        """What was put off in these rooms may be tried now."""
        waits = (delivery.c.stage == Stage.QUEUED) & (delivery.c.not_before > now)
        self._change(waits & delivery.c.room.in_(rooms), not_before=now)

    def end(self, id: int, stage: Stage, reason: str, now: datetime, folded_into: int | None = None) -> bool:
        """End a row that is unfinished, with a reason; False if it has ended before (that end stays)."""
        unfinished = (delivery.c.id == id) & delivery.c.stage.in_(UNFINISHED)
        return bool(self._end(unfinished, stage, reason, now, folded_into=folded_into))

    def said(self, id: int, said: Said, now: datetime) -> None:
        """The far end has it. Said again (its record was in doubt), nothing changes."""
        unfinished = (delivery.c.id == id) & delivery.c.stage.in_(UNFINISHED)
        alone = {"replaces": None} if said.anew else {}
        self._end(unfinished, Stage.SAID, "said", now, said=said.id, **alone)

    def fail(self, id: int, reason: str, now: datetime) -> None:
        """The far end refuses it."""
        self.end(id, Stage.FAILED, reason, now)

    def put_off(self, id: int, until: datetime, doubt: bool, reason: str) -> None:
        """Try again at `until`: with doubt as it is, without unfrozen. What was in doubt once stays so."""
        row = self._get(id)
        if row.stage is not Stage.SENDING:
            return
        if doubt or row.doubt:
            self._change(delivery.c.id == id, stage=Stage.QUEUED, not_before=until, reason=reason, doubt=True)
            return
        newer = select(delivery).where(FREE, delivery.c.about == row.about, delivery.c.room == row.room)
        for one in self._deliveries(newer):  # queued since the claim: it will say what this row would
            self.end(id, Stage.FOLDED, f"replaced by revision {one.revision}", until)
            self._hand_over(id, one.id)
            return
        unfrozen = {} if row.kind is Kind.SAY else UNFROZEN
        self._change(delivery.c.id == id, stage=Stage.QUEUED, not_before=until, reason=reason, **unfrozen)

    def expire_stale(self, now: datetime, say_within: timedelta) -> set[str]:
        """End what is too old to be said; returns the rooms of which queued changes were folded as old news.

        What `expire_doubtful` ends, ends too.
        """
        stale = FREE & (delivery.c.kind == Kind.CHANGE) & (delivery.c.due < now - say_within)
        rooms = {row.room for row in self._rows(select(delivery.c.room).where(stale).distinct())}
        self._end(stale, Stage.FOLDED, "old news", now)
        self.expire_doubtful(now, say_within)
        return rooms

    def expire_doubtful(self, now: datetime, say_within: timedelta) -> None:
        """End rows in doubt, rows left `sending` by a bot that died, and an operator's words, all when too old.

        To be called before the announcers start, too: they take up first what was left `sending`.
        """
        limit = now - say_within
        words = (delivery.c.kind == Kind.SAY) & (delivery.c.created < now - SAY_WITHIN)
        self._end(words & (delivery.c.stage == Stage.QUEUED), Stage.EXPIRED, "not said within 10 minutes", now)
        doubted = (delivery.c.stage == Stage.QUEUED) & delivery.c.doubt & (delivery.c.due < limit)
        left = (delivery.c.stage == Stage.SENDING) & (delivery.c.claimed < limit)
        left_words = words & (delivery.c.stage == Stage.SENDING) & (delivery.c.claimed < now - SAY_WITHIN)
        self._end(doubted | left | left_words, Stage.EXPIRED, "in doubt too long", now)

    def expire_without_feed(self, rooms: Iterable[str], now: datetime) -> None:
        """End the queued rows of rooms that no feed names; `rooms`: those that feeds do name."""
        routed = (delivery.c.stage == Stage.QUEUED) & (delivery.c.kind != Kind.SAY)
        there = {row.room for row in self._rows(select(delivery.c.room).where(routed).distinct())}
        for room in sorted(there - set(rooms)):
            self._end(routed & (delivery.c.room == room), Stage.EXPIRED, "no feed", now)

    # -- rows -----------------------------------------------------------------------------------------------------

    def _deliveries(self, wanted: Select[Any]) -> list[Delivery]:
        return [delivery_of(row) for row in self._rows(wanted)]

    def _get(self, id: int) -> Delivery:
        row = self.delivery(id)
        if row is None:
            raise ValueError(f"the outbox has no row {id}")
        return row

    def _insert(self, values: dict[str, Any]) -> int:
        inserted = self._connection.execute(insert(delivery).values(new_delivery_row(values))).inserted_primary_key
        assert inserted is not None
        return int(inserted[0])

    def _hand_over(self, old: int, new: int) -> None:
        """A row that is replaced, and what was folded into it, is told by the new one."""
        self._change((delivery.c.folded_into == old) | (delivery.c.id == old), folded_into=new)

    def _change(self, condition: ColumnElement[bool], **values: Any) -> int:
        return self._run(update(delivery).where(condition).values(**values))

    def _end(self, condition: ColumnElement[bool], stage: Stage, reason: str, now: datetime, **values: Any) -> int:
        """An end leaves no doubt behind: what the room may have got is in the reason."""
        return self._change(condition, stage=stage, reason=reason, ended=now, doubt=False, **values)
