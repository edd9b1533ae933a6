"""Asking the known signatures, as the index takes them now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.classify import Classify
from bot.lucene.rewrite import rewrite
from bot.lucene.tree import Node
from bot.model import Answer, Complete, Hit, Unknown, Window
from bot.search import Question, Search


async def questions(search: Search, trees: Mapping[str, Node]) -> Answer[list[Question]]:
    """The signatures' trees on the index's own fields; Unknown, and none of them, while the fields do not come."""
    match await search.fields():
        case Complete(fields):
            return Complete([Question(id, rewrite(tree, search.profile, fields)) for id, tree in trees.items()])
        case Unknown(why, _):
            return Unknown(why, [])


def classifier(search: Search, trees: Mapping[str, Node], window: Window) -> Classify:
    """Which signatures find what in some builds."""

    async def classify(uuids: Sequence[str]) -> Mapping[str, Answer[list[Hit]]]:
        match await questions(search, trees):
            case Complete(asked):
                return await search.hits(asked, uuids, window)
            case Unknown(why, _):
                return {id: Unknown(why, []) for id in trees}

    return classify
