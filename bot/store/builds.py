"""Failed builds, what was found in them, and what could not be asked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, or_, select, update

from bot.records import Failure, Found, Kind, Stage, Standing, State, Unanswered, Unsearched
from bot.store.columns import as_key
from bot.store.rows import base_of, build_row, failure_of, found_of, hit_row, unsearched_of
from bot.store.tables import build, delivery, hit, news, ran, unsearched
from bot.store.verbs import Verbs, chunks

OPEN_STATES = (State.PENDING, State.NOT_READY)
JUST_ENDED = timedelta(hours=1)


class BuildVerbs(Verbs):
    """Failures are read whole (with found, by time, and unsearched) and ordered by first_seen and uuid."""

    def failures(self, uuids: Iterable[str]) -> list[Failure]:
        """Those of these builds that are there."""
        return self._in_chunks(build.c.uuid, uuids)

    def failures_in(self, units: Iterable[str]) -> list[Failure]:
        """All failures of these units."""
        return self._in_chunks(build.c.unit, units)

    def failures_of(self, change: str) -> list[Failure]:
        """All failures of a Gerrit change, by its number."""
        return self._failures(build.c.change == change)

    def failures_since(self, at: datetime) -> list[Failure]:
        """Those whose newest line is of `at` or later."""
        return self._failures(build.c.newest >= at)

    def hit_builds(self, signature: str, since: datetime) -> list[Failure]:
        """Those in which a signature was found, and whose newest line is of `since` or later."""
        there = select(hit.c.build).where(hit.c.signature == signature)
        return self._failures(build.c.uuid.in_(there) & (build.c.newest >= since))

    def failures_like(self, prefix: str) -> list[Failure]:
        """Those whose uuid begins so, upper and lower case told apart."""
        # Not LIKE: SQLite's takes a for A, PostgreSQL's does not.
        return self._failures(func.substr(build.c.uuid, 1, len(prefix)) == prefix)

    def first_seen(self, since: datetime) -> datetime | None:
        """When the first of the failures whose newest line is of `since` or later was seen, None if there is none."""
        first = func.min(build.c.first_seen, type_=build.c.first_seen.type)
        found: datetime | None = self._connection.scalar(select(first).where(build.c.newest >= since))
        return found

    def _in_chunks(self, column: ColumnElement[str], values: Iterable[str]) -> list[Failure]:
        there = [one for chunk in chunks(dict.fromkeys(values)) for one in self._failures(column.in_(chunk))]
        return sorted(there, key=lambda one: (one.first_seen, one.build.uuid))

    def _failures(self, condition: ColumnElement[bool]) -> list[Failure]:
        """Three statements, however many they are."""
        meant = select(build.c.uuid).where(condition)
        found: defaultdict[str, list[Found]] = defaultdict(list)
        for row in self._rows(select(hit).where(hit.c.build.in_(meant)).order_by(hit.c.at, hit.c.signature)):
            found[row.build].append(found_of(row))
        unasked: defaultdict[str, list[Unsearched]] = defaultdict(list)
        for row in self._rows(select(unsearched).where(unsearched.c.build.in_(meant)).order_by(unsearched.c.signature)):
            unasked[row.build].append(unsearched_of(row))
        rows = self._rows(select(build).where(condition).order_by(build.c.first_seen, build.c.uuid))
        return [failure_of(row, tuple(found[row.uuid]), tuple(unasked[row.uuid])) for row in rows]

    def standing(self, uuids: Iterable[str]) -> dict[str, Standing]:
        """Per build that is there, what tells whether a tick has anything to do for it."""
        there: dict[str, Standing] = {}
        retry = select(func.min(unsearched.c.next_try, type_=unsearched.c.next_try.type))
        retry = retry.where(unsearched.c.build == build.c.uuid)
        wanted = select(
            build.c.uuid,
            build.c.documents,
            build.c.settled,
            build.c.asked,
            build.c.state,
            build.c.reason_asked,
            build.c.old,
            retry.scalar_subquery().label("retry"),
        )
        for chunk in chunks(dict.fromkeys(uuids)):
            there |= {row[0]: Standing(*row[1:]) for row in self._rows(wanted.where(build.c.uuid.in_(chunk)))}
        return there

    def unanswered(self, since: datetime) -> list[Unanswered]:
        """What did not answer for builds whose newest line is of `since` or later, the most tried first."""
        joined = unsearched.join(build, unsearched.c.build == build.c.uuid)
        tries, own = func.max(unsearched.c.tries), unsearched.c
        wanted = select(own.signature, func.count(), tries, func.max(own.why), func.max(own.count))
        grouped = wanted.select_from(joined).where(build.c.newest >= since).group_by(own.signature)
        return [Unanswered(*row) for row in self._rows(grouped.order_by(tries.desc(), own.signature))]

    def restless(self, since: datetime) -> list[str]:
        """The units that may have something to say though no search has news of them.

        A build of theirs is open, its newest line of `since` or later (what left the look-back stays as it is), or
        their row in the outbox is unfinished, or ended lately (what came while it was being said had to wait for its
        end).
        """
        changes = delivery.c.kind == Kind.CHANGE
        unfinished = delivery.c.stage.in_((Stage.QUEUED, Stage.SENDING))
        last = self._connection.scalar(select(func.max(delivery.c.ended, type_=delivery.c.ended.type)).where(changes))
        lately = [] if last is None else [delivery.c.ended >= last - JUST_ENDED]
        spoken = select(delivery.c.about).where(changes, or_(unfinished, *lately))
        waiting = select(build.c.unit).where(build.c.state.in_(OPEN_STATES), build.c.newest >= since)
        return [row.unit for row in self._rows(waiting.union(spoken).order_by("unit"))]

    def units_like(self, base: str) -> list[tuple[str, frozenset[str]]]:
        """The units that are `base` or `base#N`, in that order, with the names of their failed jobs."""
        same = re.compile(re.escape(as_key(base)) + r"(#\d+)?")
        jobs: defaultdict[str, set[str]] = defaultdict(set)
        for unit, job in self._rows(select(build.c.unit, build.c.job).where(build.c.base == base_of(base))):
            if same.fullmatch(unit):
                jobs[unit].add(job)
        return [(unit, frozenset(jobs[unit])) for unit in sorted(jobs, key=lambda unit: (len(unit), unit))]

    def counts(self, since: datetime) -> list[tuple[str, str]]:
        """(signature, build uuid) of every hit in a build whose newest line is of `since` or later."""
        joined = hit.join(build, hit.c.build == build.c.uuid)
        wanted = select(hit.c.signature, hit.c.build).select_from(joined).where(build.c.newest >= since)
        return [(row.signature, row.build) for row in self._rows(wanted)]

    def put(self, failures: Iterable[Failure]) -> None:
        """Insert or overwrite the builds' own columns; found and unsearched have their own verbs."""
        self._upsert(build, [build_row(one) for one in failures])

    def add_found(self, found: Iterable[Found]) -> None:
        """What is found again follows in count, first, last and sample; `at` and `quiet` stay as they first were."""
        self._upsert(hit, [hit_row(one) for one in found], kept=("at", "quiet"))

    def drop_found(self, signature: str, builds: Iterable[str]) -> None:
        """Forget that a signature was found in these builds (it was changed)."""
        for chunk in chunks(builds):
            self._run(delete(hit).where(hit.c.signature == signature, hit.c.build.in_(chunk)))

    def put_unsearched(self, uuid: str, rows: Iterable[Unsearched]) -> None:
        """Replace the build's rows."""
        self._run(delete(unsearched).where(unsearched.c.build == uuid))
        values: list[dict[str, Any]] = [
            {
                "build": uuid,
                "signature": one.signature,
                "why": one.why,
                "tries": one.tries,
                "next_try": one.next_try,
                "count": one.count,
            }
            for one in rows
        ]
        if values:
            self._connection.execute(insert(unsearched), values)

    def forgive(self, gap: timedelta, since: datetime | None = None) -> None:
        """Move waits_from on by a time in which nothing answered, for builds that still wait for something.

        `since`: only those whose newest line is of that time or later.
        """
        waiting = or_(~build.c.settled, build.c.state.in_(OPEN_STATES))
        wanted = select(build.c.uuid, build.c.waits_from).where(waiting)
        if since is not None:
            wanted = wanted.where(build.c.newest >= since)
        moved = [{"of": row.uuid, "to": row.waits_from + gap} for row in self._rows(wanted)]
        if moved:
            move = update(build).where(build.c.uuid == bindparam("of")).values(waits_from=bindparam("to"))
            self._connection.execute(move, moved)

    def prune(self, before: datetime) -> int:
        """Forget builds whose newest line is older, with their hits and news, and rows of the outbox that ended then.

        Totals of that time go, too. Catch-up rows stay: their revisions count up. Returns how many builds went.
        """
        gone = select(build.c.uuid).where(build.c.newest < before)
        for table in (hit, unsearched, news):
            self._run(delete(table).where(table.c.build.in_(gone)))
        self._run(delete(ran).where(ran.c.at < before))
        self._run(delete(delivery).where(delivery.c.ended < before, delivery.c.kind != Kind.CATCH_UP))
        return self._run(delete(build).where(build.c.newest < before))
