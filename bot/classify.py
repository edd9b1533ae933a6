"""Which signatures hit which failures: one question per signature for all builds of a tick."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from bot.lucene.parse import parse
from bot.lucene.printing import to_text
from bot.lucene.rewrite import rewrite
from bot.lucene.tree import Bool, Node
from bot.model import Answer, Complete, Fields, Hit, Line, Unknown, Window
from bot.reasons import LINES, QUERIES, most_telling
from bot.records import ALL, Unsearched
from bot.search import Question, Search

log = logging.getLogger(__name__)

# Build uuids -> per signature id what it found in them; the caller closes over the search and the window.
Classify = Callable[[Sequence[str]], Awaitable[Mapping[str, Answer[list[Hit]]]]]

NAMED = 20  # signatures in one line of the log
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
        return id not in self.refused and self.settled(id)

    def settled(self, id: str) -> bool:
        """Is nothing to be gained by asking the same again?"""
        return not self.why_not(id)

    def why_not(self, id: str) -> str:
        """Why a signature is to be asked again, "" if it is not."""
        return "" if id in self.refused else next((own[id] for own in self.why.values() if id in own), "")


class Classifier:
    """Signatures as parsed trees, rewritten to what the index has now."""

    def __init__(self, search: Search, trees: Mapping[str, Node]) -> None:
        self._search = search
        self._trees = trees
        self._fields: Fields | None = None
        self._no_fields = "the index's fields are not known yet"
        self._without_fields = False  # the last time that they were asked for
        self._questions: dict[str, Question] = {}
        self._reasons = [parse(query) for query in QUERIES]

    @property
    def ids(self) -> frozenset[str]:
        """All signatures there are to ask."""
        return frozenset(self._trees)

    @property
    def fields(self) -> str:
        """A digest of the fields for which the questions were made, "" while they are unknown."""
        if self._fields is None:
            return ""
        return sha256(repr(sorted(self._fields.items())).encode()).hexdigest()[:16]

    def query(self, id: str) -> str:
        """A signature's query as the index takes it; "" until prepare() got fields, and for one that is not there."""
        return to_text(self._questions[id].tree) if id in self._questions else ""

    async def prepare(self) -> None:
        """Rewrite the questions where the index's fields changed.

        While the fields do not come the questions of before hold. Until they came once there is none: made without
        them, a clause on metadata would ask the wrong field, and its answer would stay.
        """
        answer = await self._search.fields()
        before, self._without_fields = self._without_fields, isinstance(answer, Unknown)
        if isinstance(answer, Unknown):
            if not before:
                log.warning("fields unknown why=%r", answer.why)
            self._no_fields = f"the index's fields are not known yet: {answer.why}"
        elif answer.found != self._fields:
            self._questions = {
                id: Question(id, self._rewritten(tree, answer.found)) for id, tree in self._trees.items()
            }
            self._fields = answer.found
            self._say_what_is_missing(answer.found)

    def _say_what_is_missing(self, fields: Fields) -> None:
        """A clause on a field that the index lacks finds nothing, and no server says so."""
        paths = {field.exact for field in fields.values()} | fields.keys()
        named = {id: fields_of(question.tree) for id, question in self._questions.items()}
        for path in sorted({path for own in named.values() for path in own} - paths):
            if not path.startswith(("*", "_")):
                ids = [id for id, own in named.items() if path in own]
                log.warning("field not in the index field=%s signatures=%s", path, ",".join(ids[:NAMED]))

    def _rewritten(self, tree: Node, fields: Fields) -> Node:
        return rewrite(tree, self._search.profile, fields)

    async def ask(self, ids: Iterable[str], uuids: Sequence[str], window: Window) -> Mapping[str, Answer[list[Hit]]]:
        """Per signature its hits in these builds; nobody is asked, and all are Unknown, until prepare() got fields."""
        known = [id for id in ids if id in self._trees]
        if not known or not uuids:
            return {}
        if self._fields is None:
            return {id: Unknown(self._no_fields, []) for id in known}
        return await self._search.hits([self._questions[id] for id in known], uuids, window)

    async def reason(self, uuid: str, window: Window) -> Answer[Line | None]:
        """The most telling line of a build; Unknown until prepare() got fields."""
        if self._fields is None:
            return Unknown(self._no_fields, None)
        answer: Answer[list[Line]] = Unknown("not asked", [])
        for query in self._reasons:
            answer = await self._search.lines(uuid, self._rewritten(query, self._fields), LINES, window)
            if not (isinstance(answer, Unknown) and answer.refused):
                break
        line = most_telling(answer.found)
        return Complete(line) if isinstance(answer, Complete) else Unknown(answer.why, line)


@dataclass(frozen=True, slots=True)
class Failed:
    """Something that did not work so often in a row; the next try is at `turn`."""

    tries: int
    why: str
    turn: datetime


@dataclass(slots=True)
class Patience:
    """When something that failed is tried again: later and later."""

    failed: dict[str, Failed] = field(default_factory=dict)

    def due(self, id: str, now: datetime) -> bool:
        """May it be tried now?"""
        return id not in self.failed or self.failed[id].turn <= now

    def note(self, id: str, why: str, now: datetime) -> None:
        """It was tried; `why` it did not work, "" if it did."""
        before = self.failed.pop(id, None)
        tries = 1 if before is None else before.tries + 1
        if why:
            self.failed[id] = Failed(tries, why, now + _wait(tries))

    def waits(self, now: datetime) -> bool:
        """Is there anything whose turn has not come?"""
        return any(one.turn > now for one in self.failed.values())

    def keep(self, ids: Collection[str]) -> None:
        """Nothing else will be tried again."""
        self.failed = {id: failed for id, failed in self.failed.items() if id in ids}


def fields_of(tree: Node) -> set[str]:
    """The field paths that a rewritten tree names."""
    if isinstance(tree, Bool):
        return {path for clause in tree.clauses for path in fields_of(clause.node)}
    return {tree.field}


def unsearched(
    before: Collection[Unsearched], asked: Set[str], on: Set[str], why: Mapping[str, str], now: datetime
) -> list[Unsearched]:
    """The rows of a build after the signatures `asked` were asked and those in `why` did not answer.

    `on`: all that are asked at all. More than MANY rows become one; each asks again later and later.
    """
    tries = {row.signature: row.tries for row in before}
    kept = [row for row in before if row.signature not in asked and not (asked >= on and row.signature == ALL)]
    if len(why) + len(kept) > MANY:
        count = tries.get(ALL, max(tries.values(), default=0)) + 1
        silent = min(len(why) + sum(row.count for row in kept), len(on))
        return [Unsearched(ALL, next(iter(why.values())), count, now + _wait(count), silent)]
    for id, sentence in why.items():
        count = tries.get(id, tries.get(ALL, 0)) + 1
        kept.append(Unsearched(id, sentence, count, now + _wait(count)))
    return kept


def _wait(tries: int) -> timedelta:
    return min(RETRY_FIRST * (1 << min(tries - 1, 10)), RETRY_LAST)
