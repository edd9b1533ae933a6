"""Is a signature any good? What is questionable in its query, and whether its own sample lines agree with it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.lucene.lint import lint
from bot.lucene.matching import matches
from bot.model import Fields, Profile
from bot.signatures import Loaded, in_query
from bot.yamlmarks import Fault


def remarks(loaded: Loaded, profile: Profile, fields: Fields | None = None) -> list[Fault]:
    """What is questionable, each with its line in the file; `fields` are the live index's, if it was asked.

    A warning stops nothing: the signature is used all the same.
    """
    found = list(loaded.warnings)
    for id, tree in loaded.trees.items():
        marked = loaded.sources[id].marked
        for remark in lint(loaded.signatures[id].query, tree, profile, fields):
            found.append(in_query(marked, remark.at, remark.message))
    return sorted(found)


def wrong_samples(loaded: Loaded) -> list[Fault]:
    """Each line under `matches` that the query does not match, and each under `does_not_match` that it does.

    A line is a message: what the query says of other fields is taken to be so.
    """
    return sorted(fault for id in loaded.trees for fault in _judged(loaded, id))


def _judged(loaded: Loaded, id: str) -> Iterator[Fault]:
    source, tree = loaded.sources[id], loaded.trees[id]
    for at, line in enumerate(source.matches):
        if not matches(tree, {"message": line}):
            yield source.marked.fault(("matches", at), "the query does not match this line")
    for at, line in enumerate(source.does_not_match):
        if matches(tree, {"message": line}):
            yield source.marked.fault(("does_not_match", at), "the query matches this line")
