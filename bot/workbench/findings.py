"""What the live check asks with and writes into: questions about one window of an index, remarks and doubts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.lucene.lint import Remark
from bot.lucene.rewrite import rewrite
from bot.lucene.tree import Leaf, Node
from bot.model import Answer, Fields, Hit, Profile, Unknown, Window
from bot.search import Question, Search

Answers = Mapping[str, Answer[list[Hit]]]


@dataclass(slots=True)
class Findings:
    """Per signature its remarks, in the order of its text; why something is not known -> the signatures it is about."""

    remarks: dict[str, list[Remark]] = field(default_factory=dict)
    doubts: dict[str, set[str]] = field(default_factory=dict)

    def remark(self, id: str, at: int, message: str) -> None:
        self.remarks.setdefault(id, []).append(Remark(at, message))

    def doubt(self, why: str, ids: Iterable[str]) -> None:
        self.doubts.setdefault(why, set()).update(ids)


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks questions about one window of an index; `span` is the window in words, as "the last 24h"."""

    search: Search
    fields: Fields
    window: Window
    span: str

    @property
    def profile(self) -> Profile:
        return self.search.profile

    def rewritten(self, tree: Node) -> Node:
        return rewrite(tree, self.profile, self.fields)

    async def hits(self, trees: Mapping[str, Node], uuids: Sequence[str] | None = None) -> Answers:
        """The answers to rewritten trees, by what they are called."""
        return await self.search.hits([Question(id, tree) for id, tree in trees.items()], uuids, self.window)

    def has(self, path: str) -> bool:
        """Is it a field of the index, or where one is exact?"""
        return path in self.fields or any(field.exact == path for field in self.fields.values())


def doubt_unknown(found: Findings, answers: Answers, owners: Mapping[str, Collection[str]]) -> None:
    """Whose answers are not sure."""
    for name, answer in answers.items():
        if isinstance(answer, Unknown):
            found.doubt(answer.why, owners[name])


def ids(own: Iterable[tuple[str, Leaf]]) -> set[str]:
    """The signatures that these clauses are of."""
    return {id for id, _ in own}
