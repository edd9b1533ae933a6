"""What a delivery says, from the state at its claim: the facts are gathered here, the words are formatting's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from weakref import WeakKeyDictionary

from bot.config import Announce
from bot.deliveries import Rules, since_of
from bot.formatting import Cause, Report, Summary, catch_up, change_message, corrected_message, digest
from bot.incidents import Judged, judge
from bot.links import Links
from bot.model import Signature
from bot.records import Delivery, Failure, Kind, Rendered, Stage, State
from bot.routing import NOTHING_LEFT, Room, passing, spoken, unsaid, wants
from bot.store import Tx

DAY = timedelta(hours=24)
WORST = 3


class Renderer:
    """Gives a claim its text. `announce`: which events may notify people in a room, and whom they mention."""

    def __init__(self, rules: Rules, signatures: Mapping[str, Signature], links: Links, announce: Announce) -> None:
        self._rules = rules
        self._rooms = {room.name: room for room in rules.rooms}
        self._signatures = signatures
        self._links = links
        self._announce = announce
        # A fold renders hundreds of rows in one transaction, in which the counts of a cause stand still.
        self._causes: WeakKeyDictionary[Tx, dict[tuple[str, str], Cause]] = WeakKeyDictionary()

    def __call__(self, tx: Tx, row: Delivery, now: datetime) -> Rendered | str:
        """The words of a row, or the reason for which it expires unsaid."""
        if row.kind is Kind.SAY:
            return Rendered(row.message) if row.message else "it has no words"
        room = self._rooms.get(row.room)
        if room is None:
            return "no feed"
        match row.kind:
            case Kind.CHANGE:
                return self._change(tx, row, room, now)
            case Kind.CATCH_UP:
                return self._catch_up(tx, row, room, now)
            case Kind.DIGEST:
                return self._digest(tx, row, room, now)

    def _change(self, tx: Tx, row: Delivery, room: Room, now: datetime) -> Rendered | str:
        since = since_of(tx, self._rules, room, now)
        judged = self._judged(tx.failures_in([row.about]), now)
        there = passing(room, judged, since)
        if not there:
            return NOTHING_LEFT
        others = sum(one.build.voting for one in judged) - sum(one.build.voting for one in there)
        ids = sorted({id for one in there for id in one.causes})
        causes = {id: self._cause(tx, id, room, now) for id in ids}
        report = Report(there, max(0, others), causes, len(self._signatures))
        said = [one for one in tx.deliveries([row.about]) if one.room == row.room and one.stage is Stage.SAID]
        loud, mentions = self._is_loud(row.room, there), self._mentions(row.room, there)
        if not said:
            return Rendered(change_message(report, self._links), spoken(there), loud, mentions=mentions)
        root = next(one for one in reversed(said) if one.replaces is None)
        further, explained = unsaid(said, there)
        changed = further + [one for one in explained if not one.quiet]
        message = corrected_message(report, changed, bool(further), self._links)
        wakes = self._is_loud(row.room, further)
        return Rendered(message, spoken(there), loud, root.said, mentions, wakes)

    def _is_loud(self, room: str, there: Iterable[Judged]) -> bool:
        loud = self._announce.loud_in(room)
        return any(loud.known if one.state is State.KNOWN else loud.unknown for one in there)

    def _mentions(self, room: str, there: Iterable[Judged]) -> tuple[str, ...]:
        mentions = self._announce.mentions_in(room)
        named = (mentions.known if one.state is State.KNOWN else mentions.unknown for one in there)
        return tuple(dict.fromkeys(chain.from_iterable(named)))

    def _catch_up(self, tx: Tx, row: Delivery, room: Room, now: datetime) -> Rendered | str:
        wanted = self._wanted(tx.failures_since(now - DAY), room, now)
        if not wanted and row.gap is None:
            return NOTHING_LEFT
        return Rendered(catch_up(self._summary(wanted, row.gap)))

    def _digest(self, tx: Tx, row: Delivery, room: Room, now: datetime) -> Rendered | str:
        folded = tx.folded(row.id)
        wanted = self._wanted(tx.failures_in(sorted({one.about for one in folded})), room, now)
        if not wanted:
            return NOTHING_LEFT
        seen = [one.failure.newest for one in wanted]
        message = digest(self._summary(wanted, None), len(folded), min(seen), max(seen))
        # Once for all those whom its changes would have told, each by itself.
        return Rendered(message, (), self._is_loud(row.room, wanted), mentions=self._mentions(row.room, wanted))

    def _judged(self, failures: Iterable[Failure], now: datetime) -> list[Judged]:
        return [judge(one, self._signatures, now, self._rules.waits) for one in failures]

    def _wanted(self, failures: Iterable[Failure], room: Room, now: datetime) -> list[Judged]:
        return [one for one in self._judged(failures, now) if wants(room, one)]

    def _summary(self, wanted: Sequence[Judged], gap: tuple[datetime, datetime] | None) -> Summary:
        counts = Counter(id for one in wanted for id in one.causes)
        worst = [Cause(id, count=count, total=count) for id, count in counts.most_common(WORST)]
        return Summary(len(wanted), sum(one.state is State.KNOWN for one in wanted), worst, gap)

    def _cause(self, tx: Tx, id: str, room: Room, now: datetime) -> Cause:
        counted = self._causes.setdefault(tx, {})
        if (id, room.name) not in counted:
            counted[id, room.name] = self._counted(tx, id, room, now)
        return counted[id, room.name]

    def _counted(self, tx: Tx, id: str, room: Room, now: datetime) -> Cause:
        """A signature with its builds of 24 h: those inside the room's filter, and all."""
        judged = self._judged(tx.hit_builds(id, now - DAY), now)
        hit = [one for one in judged if id in one.causes]
        signature = self._signatures.get(id, Signature(id, "", ""))
        count = sum(wants(room, one) for one in hit)
        return Cause(id, signature.title, signature.advice, self._links.cause(signature), count, len(hit))
