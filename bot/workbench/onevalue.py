"""Fields that have one value in every line of a window, as the live index says; those of the layout are the lint's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from bot.lucene.rewrite import resolve
from bot.lucene.tree import Bool, Clause, Leaf, Node, Occur, Phrase, Wildcard, Word, leaves
from bot.model import Build, Complete
from bot.workbench.builds import describe
from bot.workbench.findings import Asker, Findings, doubt_unknown, ids

# Of our words those that a build has one of, and that many builds may share.
OF_A_BUILD = ("job", "result", "project", "pipeline", "branch", "tenant")
# A line has many of these, or nearly each its own: they are not constant, and dear to ask for.
VARIED = ("message", "tags", "filename", "at", "uuid")

Owners = Mapping[str, Sequence[tuple[str, Leaf]]]  # field -> the clauses that name it, and their signatures
Pair = tuple[str, str]  # field and value


async def constant(found: Findings, asker: Asker, trees: Mapping[str, Node], newest: Sequence[str]) -> None:
    """Each clause on a field that is the same in every line of the window; those of the layout are the lint's."""
    owners: dict[str, list[tuple[str, Leaf]]] = {}
    for id, tree in trees.items():
        for leaf in leaves(tree):
            owners.setdefault(resolve(leaf.field, asker.profile), []).append((id, leaf))
    builds: dict[str, Build] = {}
    why = await describe(asker.search, newest, asker.window, builds)
    if why:
        found.doubt(why, trees)
    values = sorted({*shared(owners, builds.values(), asker), *(await there(found, owners, asker))})
    others = await asker.hits({text(pair): asker.rewritten(other_than(*pair)) for pair in values})
    doubt_unknown(found, others, {text(pair): ids(owners[pair[0]]) for pair in values})
    for name, value in values:
        if others[text((name, value))] == Complete([]):
            for id, leaf in owners[name]:
                found.remark(id, leaf.at, f"{name} is {value} in every line of {asker.span} that has it")


def text(pair: Pair) -> str:
    return f"{pair[0]} {pair[1]}"


def shared(owners: Owners, builds: Collection[Build], asker: Asker) -> Iterator[Pair]:
    """Fields of builds, of those that signatures name, of which the sample has one value."""
    names = asker.profile.names
    for word in OF_A_BUILD:
        values = {getattr(build, word) for build in builds}
        if names.get(word) in owners and asker.has(names[word]) and len(values) == 1 and values != {""}:
            yield names[word], values.pop()


async def there(found: Findings, owners: Owners, asker: Asker) -> list[Pair]:
    """Other fields, with the values that signatures ask for, of which the window has lines."""
    profile = asker.profile
    left_out = {*(profile.names.get(word) for word in (*OF_A_BUILD, *VARIED)), *profile.constant}
    asked = {
        (name, leaf.text)
        for name, own in owners.items()
        for _, leaf in own
        if name not in left_out and asker.has(name) and isinstance(leaf, Word | Phrase)
    }
    answers = await asker.hits({text(pair): asker.rewritten(Phrase(*pair)) for pair in asked})
    doubt_unknown(found, answers, {text(pair): ids(owners[pair[0]]) for pair in asked})
    return [pair for pair in asked if answers[text(pair)].found]


def other_than(name: str, value: str) -> Node:
    """What has the field, with another value."""
    return Bool((Clause(Occur.MUST, Wildcard(name, "*")), Clause(Occur.MUST_NOT, Phrase(name, value))))
