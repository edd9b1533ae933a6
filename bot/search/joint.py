"""Many questions in few searches: some asked together, their answers taken apart again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from bot.lucene.printing import to_text
from bot.model import Answer, Hit, Profile, Unknown, Window
from bot.search import Question, answers, plan
from bot.search.joining import joined, parts
from bot.search.msearch import Item, Msearch, Outcome
from bot.search.plan import Layout
from bot.search.whole import Trouble, trouble

TOGETHER = 10  # questions of one search, at the most
LEAST_SEARCHES = 10  # of which as many as this are made first, so that one that fails does not take all with it
UNREAD = Trouble("the server answered with what cannot be read: it is no answer to each of the questions")
NOT_ASKED = "the question was not asked"


def hits_body(window: Window, layout: Layout, server_timeout: str) -> Callable[[Item], bytes]:
    """Gives the JSON of the search that an item means."""

    def body(item: Item) -> bytes:
        texts = [text for _, text in item.texts]
        return json.dumps(plan.hits(texts, item.uuids, window, layout, server_timeout)).encode()

    return body


class Joint:
    """The questions of one index. `together`: of one search, at the most."""

    def __init__(self, msearch: Msearch, profile: Profile, index: str, together: int) -> None:
        self._msearch = msearch
        self._profile = profile
        self._index = index
        self._together = together

    async def answers(
        self, questions: Sequence[Question], uuids: Sequence[str] | None, body: Callable[[Item], bytes]
    ) -> dict[str, Answer[list[Hit]]]:
        """Per question id the hits in these builds, with None in all."""
        done, alone = list[Outcome](), list[Item]()
        for outcome in await self._msearch.run(self._items(questions, uuids), body):
            if self._one_is_to_blame(outcome):
                alone += outcome.item.singly()
            else:
                done.append(outcome)
        return self._per_question(questions, done + await self._msearch.run(alone, body))

    def _items(self, questions: Sequence[Question], uuids: Sequence[str] | None) -> list[Item]:
        chunks: list[tuple[str, ...] | None] = [None]
        if uuids is not None:
            chunks = [tuple(part) for part in parts(uuids, self._msearch.uuids_per_item(plan.BUCKETS))]
        texts = [(question.id, to_text(question.tree)) for question in questions]
        together = max(1, min(self._together, len(texts) // LEAST_SEARCHES))
        return [Item(tuple(some), chunk) for chunk in chunks for some in parts(texts, together)]

    def _one_is_to_blame(self, outcome: Outcome) -> bool:
        """Whether one of several questions keeps the others from their answers: which one, only asking each can say."""
        if len(outcome.item.texts) == 1 or isinstance(outcome.answer, Trouble):
            return False
        fault = trouble(outcome.answer, self._index)
        return fault is not None and fault.by_query

    def _per_question(self, questions: Sequence[Question], outcomes: Sequence[Outcome]) -> dict[str, Answer[list[Hit]]]:
        found: dict[str, Answer[list[Hit]]] = {}
        for outcome in outcomes:
            for (id_, _), answer in zip(outcome.item.texts, self._parts(outcome), strict=True):
                one = self._hits(answer, id_, outcome.item.uuids)
                found[id_] = joined(found[id_], one) if id_ in found else one
        return {question.id: found.get(question.id, Unknown(NOT_ASKED, [])) for question in questions}

    def _parts(self, outcome: Outcome) -> list[Any]:
        """What was answered to each question of an item, as far as it can be told apart."""
        answer, count = outcome.answer, len(outcome.item.texts)
        if count == 1 or isinstance(answer, Trouble):
            return [answer] * count
        if each := answers.each(answer, count):
            return list(each)
        return [trouble(answer, self._index) or UNREAD] * count

    def _hits(self, answer: Any, question: str, uuids: Sequence[str] | None) -> Answer[list[Hit]]:
        if isinstance(answer, Trouble):
            return Unknown(answer.why, [], answer.refused)
        return answers.judged(answers.hits(answer, question, uuids, self._profile), trouble(answer, self._index))
