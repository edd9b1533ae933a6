"""One tick: source -> builds -> classify -> incidents -> route -> store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.classify import Classifier, Patience, unsearched
from bot.deliveries import Rules, begin, deliver, finish
from bot.incidents import OPEN_STATES, judge, news, unit_base, unit_of
from bot.looking import Looked, Looker, needs
from bot.model import Build, Complete, Listed, Signature, Unknown
from bot.records import ALL, Failure, Found, SignatureState, Unanswered
from bot.sources import Source
from bot.store import Store, Tx
from bot.unanswered import IN_A_ROW, lasting

BATCH = 500  # new builds of one transaction
FIELDS = "index.fields"


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick did. `trouble`: why it was not complete, "" if it was; `off`: signatures switched off by it.

    `blind`: something was not answered at all. `lasting`: what has not been answered for several times, "" for nothing.
    """

    listed: int
    new: int
    trouble: str = ""
    off: Mapping[str, str] = field(default_factory=dict)
    blind: bool = False
    lasting: str = ""


@dataclass(slots=True)
class Look:
    """What one tick comes to. `passed`: the time since the last one, until it is forgiven.

    `blind`: something was not answered at all.
    """

    now: datetime
    passed: timedelta
    blind: bool = False
    troubles: list[str] = field(default_factory=list)
    off: dict[str, str] = field(default_factory=dict)


class Poller:
    """Looks at the index once a tick, and writes what follows from it in one transaction a batch."""

    def __init__(
        self,
        source: Source,
        store: Store,
        classifier: Classifier,
        signatures: Mapping[str, Signature],
        rules: Rules,
        every: timedelta,
    ) -> None:
        self._source = source
        self._store = store
        self._looker = Looker(source, classifier, rules.waits)
        self._signatures = signatures
        self._rules = rules
        self._every = every
        self._patience = Patience()

    async def tick(self, now: datetime) -> Ticked:
        """List, classify, decide. Searches fail into Ticked.trouble; the store raises TemporaryError."""
        look = Look(now, await self._store.write(lambda tx: begin(tx, self._every, now)))
        listing = await self._source.finished(now)
        if isinstance(listing, Unknown):
            await self._blind(look, listing.why)
        standing = await self._store.read(lambda tx: tx.standing([one.uuid for one in listing.found]))
        reasons = self._looker.reasons
        if isinstance(listing, Complete):
            reasons.keep({one.uuid for one in listing.found})
        needy = [one for one in listing.found if needs(one, standing.get(one.uuid), reasons.due(one.uuid, now), now)]
        work = sorted(needy, key=lambda one: one.newest)
        await self._sign_in(look, bool(work))
        for start in range(0, len(work), BATCH):
            await self._batch(work[start : start + BATCH], isinstance(listing, Complete), look)
        unanswered = await self._store.write(lambda tx: self._finish(tx, not look.blind, now))
        if any(one.retry is not None and one.retry > now for one in standing.values()):
            look.troubles.append("signatures that did not answer before wait for their turn to be asked again")
        if reasons.waits(now):
            look.troubles.append("searches for telling lines that did not answer before wait for their turn")
        new = sum(one.uuid not in standing for one in work)
        trouble = next(iter(look.troubles), "")
        return Ticked(len(listing.found), new, trouble, look.off, look.blind, self._lasting(unanswered))

    async def _batch(self, batch: Sequence[Listed], listed_all: bool, look: Look) -> None:
        uuids = [one.uuid for one in batch]
        before = await self._store.read(lambda tx: tx.failures(uuids))
        looked = await self._looker.look(batch, {one.build.uuid: one for one in before}, listed_all, look.now)
        await self._take(look, looked)
        await self._store.write(lambda tx: self._record(tx, looked, look.now))

    async def _sign_in(self, look: Look, work: bool) -> None:
        """Ask signatures that are new, changed, or may work again, of all builds that were asked before."""
        classifier, now = self._looker.classifier, look.now
        states, fields = await self._store.read(lambda tx: (tx.signature_states(), tx.get(FIELDS)))
        changed = {id for id, one in self._signatures.items() if id not in states or states[id].digest != one.digest}
        if work or changed or not classifier.fields:
            await classifier.prepare()
        off = {id for id, state in states.items() if state.off and id in self._signatures} - changed
        if classifier.fields not in ("", fields):
            await self._store.write(lambda tx: _switch_on(tx, off, classifier.fields))
            changed, off = changed | off, set()
        self._looker.off = frozenset(off)
        gone = states.keys() - self._signatures.keys()
        if gone:
            await self._store.write(lambda tx: tx.forget_signatures(gone))
        due = sorted(id for id in changed if self._patience.due(id, now))
        if not due:
            return
        window = self._source.window(now)
        before = await self._store.read(lambda tx: tx.failures_since(window.start))
        looked = await self._looker.look_again([one for one in before if one.asked >= 0], due, now)
        await self._take(look, looked)
        for id in due:
            self._patience.note(id, looked.answers.why_not(id), now)
        await self._store.write(lambda tx: self._record_changed(tx, looked, due, now))

    async def _take(self, look: Look, looked: Looked) -> None:
        look.troubles += looked.troubles
        look.off |= looked.answers.refused
        if looked.blind:
            await self._blind(look, "")

    async def _blind(self, look: Look, why: str) -> None:
        """No deadline passes in the time for which there was no answer; they move on once in a look."""
        look.blind = True
        look.troubles += [why] if why else []
        passed, look.passed = look.passed, timedelta(0)
        if passed:
            await self._store.write(lambda tx: tx.forgive(passed))

    def _lasting(self, unanswered: Sequence[Unanswered]) -> str:
        changed = [Unanswered(id, 0, one.tries, one.why) for id, one in self._patience.failed.items()]
        lines = {uuid: one.why for uuid, one in self._looker.reasons.failed.items() if one.tries >= IN_A_ROW}
        return lasting([*unanswered, *changed], lines)

    # -- the transactions -----------------------------------------------------------------------------------------

    def _record(self, tx: Tx, looked: Looked, now: datetime) -> None:
        """Builds, hits and what did not answer; then, on the state as it is now, incidents and routing."""
        self._write_builds(tx, looked, now)
        self._write_answers(tx, looked, now, quiet=False)
        self._decide(tx, {failure.unit for failure in tx.failures(list(looked.asked))}, now)

    def _record_changed(self, tx: Tx, looked: Looked, changed: Iterable[str], now: datetime) -> None:
        """What a new or changed signature finds in builds of before is not news for chat."""
        for id in changed:
            if looked.answers.answered(id):
                tx.drop_found(id, list(looked.asked))
            if looked.answers.settled(id):
                off = looked.answers.refused.get(id, "")
                tx.put_signature(SignatureState(id, self._signatures[id].digest, off))
        self._write_answers(tx, looked, now, quiet=True)
        self._decide(tx, {failure.unit for failure in tx.failures(list(looked.asked))}, now)

    def _decide(self, tx: Tx, units: Iterable[str], now: datetime) -> None:
        """Units that left the look-back are closed as they stand."""
        failures = tx.failures_in(list(units))
        seen_from = self._source.window(now).start
        there = {one.unit for one in failures if one.newest >= seen_from}
        judged = [judge(one, self._signatures, now, self._rules.waits) for one in failures if one.unit in there]
        tx.add_news(news(judged, now))
        tx.put([replace(one.failure, state=one.state) for one in judged if one.state is not one.failure.state])
        deliver(tx, judged, self._rules, now)

    def _finish(self, tx: Tx, complete: bool, now: datetime) -> list[Unanswered]:
        seen_from = self._source.window(now).start
        self._decide(tx, tx.restless(seen_from), now)
        finish(tx, self._rules, seen_from, complete, now)
        return tx.unanswered(seen_from)

    def _write_builds(self, tx: Tx, looked: Looked, now: datetime) -> None:
        # Read again: the listing was long ago, by the clock of an announcer.
        looked.before = {one.build.uuid: one for one in tx.failures([one.uuid for one in looked.listed])}
        written: list[Failure] = []
        for one in looked.listed:
            failure = self._looker.seen(looked, one, now)
            if failure is None:
                continue
            if one.uuid not in looked.before:
                failure = replace(failure, unit=self._unit(tx, failure.build, written))
            if one.uuid in looked.reasons:
                failure = replace(failure, reason=looked.reasons[one.uuid], reason_asked=True)
            asked = one.documents if self._looker.all_asked(looked, one.uuid) else failure.asked
            written.append(replace(failure, asked=asked))
        tx.put(written)

    @staticmethod
    def _unit(tx: Tx, build: Build, written: list[Failure]) -> str:
        """What a new build speaks with; without a buildset that depends on the builds `written` before it."""
        if build.buildset:
            return unit_of(build, [])
        tx.put(written)
        written.clear()
        return unit_of(build, tx.units_like(unit_base(build)))

    def _write_answers(self, tx: Tx, looked: Looked, now: datetime, quiet: bool) -> None:
        there = {one.build.uuid: one for one in tx.failures(list(looked.asked))}
        tx.add_found([Found(hit, now, quiet) for hit in looked.answers.hits if hit.build in there])
        for uuid, failure in there.items():
            why = looked.answers.why.get(uuid, {})
            if quiet and failure.state not in OPEN_STATES:
                why = {}  # what is decided stands; the signature itself is asked again
            if failure.unsearched or why:
                before = [row for row in failure.unsearched if row.signature in {*self._looker.on, ALL}]
                rows = unsearched(before, looked.asked[uuid], self._looker.on, why, now)
                tx.put_unsearched(uuid, rows)
        for id, sentence in looked.answers.refused.items():
            tx.put_signature(SignatureState(id, self._signatures[id].digest, sentence))


def _switch_on(tx: Tx, off: Iterable[str], fields: str) -> None:
    """What an index with other fields refused, this one may answer: it counts as changed until it did."""
    for id in off:
        tx.put_signature(SignatureState(id, "", ""))
    tx.put_value(FIELDS, fields)
