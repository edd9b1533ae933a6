"""Reactions that were heard, and those of them that were taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from bot.store.notes import HEARD_FOR
from bot.store.tables import reaction
from bot.store.verbs import Verbs
from bot.talk import Heard


@dataclass(frozen=True, slots=True)
class Reacted:
    """A reaction as it was heard: `account` reacted with `reaction` to the message `about`, and nobody took it back."""

    room: str
    account: str
    reaction: str
    about: str


class ReactionVerbs(Verbs):
    """Remembered as long as the ids of what was heard."""

    def react(self, heard: Heard, now: datetime) -> None:
        """Remember a reaction; heard again, it stays as it is."""
        self._run(delete(reaction).where(reaction.c.at < now - HEARD_FOR))
        there = select(reaction.c.id).where(reaction.c.network == heard.network, reaction.c.id == heard.id)
        if self._rows(there):
            return
        values = {"network": heard.network, "id": heard.id, "room": heard.room, "account": heard.person.account}
        values |= {"reaction": heard.reaction, "about": heard.about, "removed_by": ""}
        self._run(insert(reaction).values(at=now, **values))

    def reacted(self, network: str, id: str) -> Reacted | None:
        """The reaction of that id, None if none was heard, or it was taken back."""
        mine = (reaction.c.network == network) & (reaction.c.id == id) & reaction.c.removed.is_(None)
        for row in self._rows(select(reaction).where(mine)):
            return Reacted(row.room, row.account, row.reaction, row.about)
        return None

    def take_back(self, network: str, id: str, by: str, now: datetime) -> None:
        """The reaction is gone since `now`; the first time that is said counts."""
        mine = (reaction.c.network == network) & (reaction.c.id == id) & reaction.c.removed.is_(None)
        self._run(update(reaction).where(mine).values(removed=now, removed_by=by))
