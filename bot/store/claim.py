"""Taking the next row out of the outbox: order, freezing, folding."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, tuple_

from bot.records import Delivery, Kind, Rendered, Stage
from bot.store.outbox import FREE, IN_ORDER, SAY_WITHIN, OutboxVerbs
from bot.store.rows import frozen_row, spoke_row
from bot.store.tables import delivery

# So long do a room's changes wait for its catch-up, which is dated when the backlog is empty: it is the older news, and
# what is still too much then goes into it. Longer only where the index does not answer.
BACKLOG = timedelta(minutes=5)
# What a row says, or the reason for which it expires unsaid.
Render = Callable[[Delivery], Rendered | str]


def key_of(about: str, room: str, revision: int) -> str:
    """32 hex digits that are the same whenever this revision is said (Matrix: the transaction id)."""
    return hashlib.sha256(f"{about}\n{room}\n{revision}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


class ClaimVerbs(OutboxVerbs):
    """Rows as an announcer sees them."""

    def _claim(
        self, network: str, now: datetime, render: Render, fold_over: Callable[[str], int], only: int | None
    ) -> Delivery | None:
        for left in self._left(network, only):
            return self._take(left, now, {"doubt": True})
        while (row := self._next(network, now, only)) is not None:
            if only is None and self._fold(row.room, now, render, fold_over(row.room)):
                continue
            frozen = self._frozen(row, now, render)
            if not isinstance(frozen, str):
                return self._take(row, now, frozen)
            self.end(row.id, Stage.EXPIRED, frozen, now)
        return None

    def _left(self, network: str, only: int | None) -> list[Delivery]:
        sending = (delivery.c.network == network) & (delivery.c.stage == Stage.SENDING)
        wanted = select(delivery).where(sending, *_only(only)).order_by(*IN_ORDER).limit(1)
        return self._deliveries(wanted)

    def _next(self, network: str, now: datetime, only: int | None) -> Delivery | None:
        earlier = delivery.alias("earlier")
        waits = exists().where(
            earlier.c.stage == Stage.QUEUED,
            earlier.c.network == network,
            earlier.c.room == delivery.c.room,
            earlier.c.not_before > now,
            tuple_(earlier.c.due, earlier.c.id) < tuple_(delivery.c.due, delivery.c.id),
        )
        catching_up = delivery.alias("catching_up")
        backlog = exists().where(
            catching_up.c.stage == Stage.QUEUED,
            catching_up.c.kind == Kind.CATCH_UP,
            catching_up.c.network == network,
            catching_up.c.room == delivery.c.room,
            catching_up.c.due.is_(None),
            catching_up.c.created > now - BACKLOG,
        )
        ready = and_(delivery.c.due <= now, or_(delivery.c.not_before.is_(None), delivery.c.not_before <= now))
        due = and_(delivery.c.network == network, delivery.c.stage == Stage.QUEUED, ready)
        turn = [~waits, ~and_(delivery.c.kind == Kind.CHANGE, backlog)] if only is None else _only(only)
        return next(iter(self._deliveries(select(delivery).where(due, *turn).order_by(*IN_ORDER).limit(1))), None)

    def _frozen(self, row: Delivery, now: datetime, render: Render) -> dict[str, Any] | str:
        """What the claim writes into the row: nothing where text and key stand already."""
        if row.kind is Kind.SAY and now - row.created > SAY_WITHIN:
            return "not said within 10 minutes"
        if row.doubt:
            return {}
        key = {"key": key_of(row.about, row.room, row.revision)}
        if row.kind is Kind.SAY:
            return key
        rendered = render(row)
        return rendered if isinstance(rendered, str) else frozen_row(rendered) | key

    def _take(self, row: Delivery, now: datetime, values: dict[str, Any]) -> Delivery:
        taken = {"stage": Stage.SENDING, "claimed": now, "not_before": None, "tries": row.tries + 1}
        self._change(delivery.c.id == row.id, **taken, **values)
        return self._get(row.id)

    def _fold(self, room: str, now: datetime, render: Render, fold_over: int) -> bool:
        """Make one summary of a room's due changes if they are too many; was anything changed?"""
        changes = FREE & (delivery.c.room == room) & (delivery.c.kind == Kind.CHANGE) & (delivery.c.due <= now)
        rows = self._deliveries(select(delivery).where(changes).order_by(*IN_ORDER))
        if not 0 < fold_over < len(rows):
            return False
        kept = []
        for row in rows:
            rendered = render(row)
            if isinstance(rendered, str):
                self.end(row.id, Stage.EXPIRED, rendered, now)
            else:
                kept.append((row, rendered))
        if kept:
            into = self._summary(room, kept[0][0], now)
            for row, rendered in kept:
                reason = f"one of {len(kept)} in a {into.kind.value}"
                self._change(delivery.c.id == row.id, spoke=spoke_row(rendered.spoke))
                self.end(row.id, Stage.FOLDED, reason, now, folded_into=into.id)
        return True

    def _summary(self, room: str, first: Delivery, now: datetime) -> Delivery:
        """The room's catch-up if it is about to be said, or a new digest in the place of the first row folded.

        A catch-up without a date waits for the index to answer, perhaps for hours: changes must not wait inside it.
        """
        dated = FREE & delivery.c.due.is_not(None)
        catch_up = dated & (delivery.c.room == room) & (delivery.c.kind == Kind.CATCH_UP)
        for there in self._deliveries(select(delivery).where(catch_up)):
            return there
        return self.enqueue(Kind.DIGEST, f"digest-{first.id}", room, 0, first.due, now)


def _only(id: int | None) -> list[ColumnElement[bool]]:
    return [] if id is None else [delivery.c.id == id]
