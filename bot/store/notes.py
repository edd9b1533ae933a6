"""What the bot notes beside builds and deliveries: signatures, news, lines heard, feeds, values, totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from bot.model import Ran, Totals
from bot.records import News, SignatureState
from bot.store.tables import feed, heard, meta, news, ran, signature
from bot.store.verbs import Verbs, chunks

HEARD_FOR = timedelta(days=14)


class NoteVerbs(Verbs):
    """Small verbs on small tables."""

    def signature_states(self) -> dict[str, SignatureState]:
        return {row.id: SignatureState(row.id, row.digest, row.off) for row in self._rows(select(signature))}

    def put_signature(self, state: SignatureState) -> None:
        self._upsert(signature, [{"id": state.id, "digest": state.digest, "off": state.off}])

    def forget_signatures(self, ids: Iterable[str]) -> None:
        """Their hits stay: they still explain the builds in which they were found."""
        for chunk in chunks(ids):
            self._run(delete(signature).where(signature.c.id.in_(chunk)))

    def add_news(self, added: Iterable[News]) -> None:
        rows = [
            {"at": one.at, "unit": one.unit, "build": one.build, "state": one.state, "cause": one.cause}
            for one in added
        ]
        if rows:
            self._connection.execute(insert(news), rows)

    def hear(self, network: str, id: str, now: datetime) -> bool:
        """True the first time that a network gives this id; ids are remembered for 14 days."""
        self._run(delete(heard).where(heard.c.at < now - HEARD_FOR))
        there = select(heard.c.at).where(heard.c.network == network, heard.c.id == id)
        if self._rows(there):
            return False
        self._run(insert(heard).values(network=network, id=id, at=now))
        return True

    def was_heard(self, network: str, id: str) -> bool:
        """Did a network give this id before?"""
        there = select(heard.c.at).where(heard.c.network == network, heard.c.id == id)
        return bool(self._rows(there))

    def feed_since(self, name: str, digest: str, now: datetime) -> datetime:
        """When the feed was first loaded with this digest: now, if it is new or another one."""
        for row in self._rows(select(feed).where(feed.c.name == name)):
            if row.digest == digest:
                since: datetime = row.since
                return since
        self._upsert(feed, [{"name": name, "digest": digest, "since": now}])
        return now

    def get(self, key: str) -> str | None:
        """The value that was put, None if none was."""
        return self._connection.scalar(select(meta.c.value).where(meta.c.key == key))

    def put_value(self, key: str, value: str) -> None:
        self._upsert(meta, [{"key": key, "value": value}])

    def add_ran(self, at: datetime, hours: int, totals: Totals) -> None:
        """How many builds ran in the `hours` before `at`; kept per pipeline and result, not per project and job."""
        builds: Counter[tuple[str, str]] = Counter()
        for one in totals:
            builds[one.pipeline, one.result] += one.builds
        self._upsert(
            ran,
            [
                {"at": at, "pipeline": pipeline, "result": result, "hours": hours, "builds": number}
                for (pipeline, result), number in builds.items()
            ],
        )

    def ran_since(self, at: datetime) -> list[tuple[datetime, Ran]]:
        """By time; project and job of each Ran are ""."""
        wanted = select(ran).where(ran.c.at >= at).order_by(ran.c.at, ran.c.pipeline, ran.c.result)
        return [(row.at, Ran(row.pipeline, "", "", row.result, row.builds)) for row in self._rows(wanted)]
