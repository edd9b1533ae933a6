"""Which signatures hit which failures: one question per signature for all builds of a tick."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.lucene.parse import parse
from bot.lucene.rewrite import rewrite
from bot.lucene.tree import Node
from bot.model import Answer, Complete, Fields, Hit, Line, Unknown, Window
from bot.reasons import LINES, QUERIES, most_telling
from bot.records import ALL, Unsearched
from bot.search import Question, Search

log = logging.getLogger(__name__)

MANY = 10  # more unanswered signatures of one build than this are one row
RETRY_FIRST, RETRY_LAST = timedelta(minutes=1), timedelta(minutes=30)


@dataclass(slots=True)
class Answers:
    """Answers about some builds: `hits` are real; `why` has, per build, the signatures that did not answer."""

    hits: list[Hit] = field(default_factory=list)
    why: dict[str, dict[str, str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def take(self, uuids: Sequence[str], answers: Mapping[str, Answer[list[Hit]]]) -> None:
        """Add the answers of one asking. A refused signature is switched off, and leaves no build unanswered."""
        for id, answer in answers.items():
            self.hits += answer.found
            match answer:
                case Unknown(why, _, refused=True):
                    self.refused[id] = why
                case Unknown(why, _):
                    for uuid in uuids:
                        self.why.setdefault(uuid, {})[id] = why

    def answered(self, id: str) -> bool:
        """Did a signature answer completely for all that it was asked of (perhaps nothing)?"""
        return id not in self.refused and not any(id in own for own in self.why.values())


class Classifier:
    """Signatures as parsed trees, rewritten to what the index has now."""

    def __init__(self, search: Search, trees: Mapping[str, Node]) -> None:
        self._search = search
        self._trees = trees
        self._fields: Fields = {}
        self._questions: dict[str, Question] = {}
        self._reasons = [parse(query) for query in QUERIES]

    @property
    def ids(self) -> frozenset[str]:
        """All signatures there are to ask."""
        return frozenset(self._trees)

    async def prepare(self) -> bool:
        """Rewrite the questions where the index's fields changed; says whether they did.

        While the fields are unknown the questions of before hold, and without any those that the found ones give.
        """
        answer = await self._search.fields()
        if isinstance(answer, Unknown):
            log.warning("fields unknown why=%r", answer.why)
        fields = answer.found if isinstance(answer, Complete) or not self._fields else self._fields
        if self._questions and fields == self._fields:
            return False
        self._questions = {id: Question(id, self._rewritten(tree, fields)) for id, tree in self._trees.items()}
        self._fields = fields
        return True

    def _rewritten(self, tree: Node, fields: Fields) -> Node:
        return rewrite(tree, self._search.profile, fields)

    async def ask(self, ids: Iterable[str], uuids: Sequence[str], window: Window) -> Mapping[str, Answer[list[Hit]]]:
        """Per signature its hits in these builds; prepare() was called before."""
        questions = [self._questions[id] for id in ids if id in self._questions]
        if not questions or not uuids:
            return {}
        return await self._search.hits(questions, uuids, window)

    async def reason(self, uuid: str, window: Window) -> Answer[Line | None]:
        """The most telling line of a build."""
        answer: Answer[list[Line]] = Unknown("not asked", [])
        for query in self._reasons:
            answer = await self._search.lines(uuid, self._rewritten(query, self._fields), LINES, window)
            if not (isinstance(answer, Unknown) and answer.refused):
                break
        line = most_telling(answer.found)
        return Complete(line) if isinstance(answer, Complete) else Unknown(answer.why, line)


def unsearched(
    before: Collection[Unsearched], asked: Collection[str], everything: bool, why: Mapping[str, str], now: datetime
) -> list[Unsearched]:
    """The rows of a build after the signatures `asked` were asked and those in `why` did not answer.

    `everything`: all signatures were asked. More than MANY rows become one; each asks again later and later.
    """
    tries = {row.signature: row.tries for row in before}
    kept = [row for row in before if row.signature not in asked and not (everything and row.signature == ALL)]
    if len(why) + len(kept) > MANY:
        count = tries.get(ALL, max(tries.values(), default=0)) + 1
        return [Unsearched(ALL, next(iter(why.values())), count, now + _wait(count), len(why) + len(kept))]
    for id, sentence in why.items():
        count = tries.get(id, tries.get(ALL, 0)) + 1
        kept.append(Unsearched(id, sentence, count, now + _wait(count)))
    return kept


def _wait(tries: int) -> timedelta:
    return min(RETRY_FIRST * (1 << min(tries - 1, 10)), RETRY_LAST)
