"""One transaction with all verbs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.records import Delivery, Rendered
from bot.store.builds import BuildVerbs
from bot.store.claim import ClaimVerbs
from bot.store.notes import NoteVerbs
from bot.store.reactions import ReactionVerbs


class Tx(BuildVerbs, NoteVerbs, ReactionVerbs, ClaimVerbs):
    """What a piece of work may do; it is committed when the work returns, and undone when it raises."""

    def claim(
        self,
        network: str,
        now: datetime,
        render: Callable[[Tx, Delivery, datetime], Rendered | str],
        fold_over: Callable[[str], int],
        *,
        only: int | None = None,
    ) -> Delivery | None:
        """The network's next row, frozen and `sending`; None if nothing is due.

        First what is `sending` already: its bot died before the record, so it is in doubt and keeps its text.
        Then the oldest due row of a room in which no earlier row is being put off. More changes due in that
        room than its `fold_over` become one summary first (0: never). `render`: what a row says on the state that this
        transaction reads, or the reason for which it expires instead. `only`: this row, whatever waits, or none.
        """
        return self._claim(network, now, lambda row: render(self, row, now), fold_over, only)
