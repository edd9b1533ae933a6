"""The search contract, and the neutral question that it answers. It imports none of its adapters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.lucene.tree import Node
from bot.model import Answer, Build, Fields, Hit, Line, Listed, Profile, Totals, Where, Window


@dataclass(frozen=True, slots=True)
class Question:
    """One query for which hits are wanted: a tree already rewritten to the index's own field paths."""

    id: str
    tree: Node


class Search(Protocol):
    """An index of log lines. No call raises for what the far end does: that is an Unknown, with a sentence."""

    profile: Profile

    async def builds(self, window: Window, where: Where) -> Answer[list[Listed]]:
        """Each build with its documents and newest line; every one, however many (it pages)."""

    async def described(self, uuids: Sequence[str], window: Window) -> Answer[list[Build]]:
        """The metadata of these builds; one that the index does not have is left out."""

    async def hits(
        self, questions: Sequence[Question], uuids: Sequence[str] | None, window: Window
    ) -> Mapping[str, Answer[list[Hit]]]:
        """Per question id the hits, one per build: in these builds, or with None in all of the window.

        Each question is answered or Unknown by itself; one item per question, never one per build.
        """

    async def lines(self, uuid: str, tree: Node, limit: int, window: Window) -> Answer[list[Line]]:
        """At most `limit` lines of one build that the (rewritten) tree matches, oldest first."""

    async def totals(self, window: Window) -> Answer[Totals]:
        """Distinct voting builds with a line in [start, end), per pipeline, project, job and result.

        Voting as documents.is_voting has it: also those that do not say. Where the index has no exact field for it,
        all builds are counted.
        """

    async def fields(self) -> Answer[Fields]:
        """The fields that the index has now, by their names there."""

    async def close(self) -> None:
        """Let go of connections and files."""
