"""What the live index says against signatures: texts that no line has, clauses without effect, twins.

The parts of the signatures become questions, all of one step at once, and the answers remarks. What is Unknown becomes
no remark: it is a doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType

from bot.lucene.printing import to_text
from bot.lucene.rewrite import resolve
from bot.lucene.tree import Leaf, Node, leaves, wanted
from bot.model import Answer, Complete, Hit, Profile, Unknown, Where
from bot.text import counted, cut
from bot.workbench.builds import Progress, unseen
from bot.workbench.findings import Answers, Asker, Findings, doubt_unknown, ids
from bot.workbench.onevalue import constant
from bot.workbench.parts import asks_for_text, parts, says_something

SAMPLE = 200  # of the newest builds: what they have need not be looked for in all
MOST_PARTS = 50  # of one signature; the corpus has 8
STEPS = 4
LONGEST = 100  # bytes of a clause in a remark

NONE: Mapping[str, Node] = MappingProxyType({})


async def look(
    asker: Asker, trees: Mapping[str, Node], progress: Progress = unseen, *, beside: Mapping[str, Node] = NONE
) -> Findings:
    """What there is to say of all signatures, whose trees are as `parse` gave them.

    `beside`: others, of which nothing is said but that one of these hits the same. Eight calls of the search, however
    many signatures there are. Raises nothing for what the index does.
    """
    found = Findings()
    listed = await asker.search.builds(asker.window, Where())
    if not listed.found:
        why = listed.why if isinstance(listed, Unknown) else f"no build has a line in {asker.span}"
        found.doubt(why, trees)
        return found
    newest = [one.uuid for one in sorted(listed.found, key=lambda one: one.newest, reverse=True)[:SAMPLE]]
    progress("asking the signatures", 0, STEPS)
    whole = await asker.hits({id: asker.rewritten(tree) for id, tree in {**beside, **trees}.items()})
    doubt_unknown(found, whole, {id: {id} for id in whole})
    twins(found, whole, trees)
    whole = {id: whole[id] for id in trees}
    progress("asking their clauses", 1, STEPS)
    await absent(found, asker, trees, whole, newest)
    progress("asking for constant fields", 2, STEPS)
    await constant(found, asker, trees, newest)
    progress("asking without each clause", 3, STEPS)
    await idle(found, asker, trees, whole)
    for remarks in found.remarks.values():
        remarks.sort(key=lambda remark: remark.at)
    return found


def counts(answer: Answer[list[Hit]]) -> dict[str, int]:
    """Hits per build."""
    return {hit.build: hit.count for hit in answer.found}


# -- signatures that find the same ----------------------------------------------------------------------------


def twins(found: Findings, whole: Answers, about: Collection[str]) -> None:
    """Each of these signatures that hits the very builds of one before it; the others come first."""
    seen: dict[frozenset[str], str] = {}
    for id, answer in sorted(whole.items(), key=lambda item: (item[0] in about, item[0])):
        builds = frozenset(counts(answer))
        if isinstance(answer, Complete) and builds:
            first = seen.setdefault(builds, id)
            if first != id and id in about:
                found.remark(id, 0, f"hits the same {counted(len(builds), 'build')} as {first}")


# -- clauses that no line fits --------------------------------------------------------------------------------


async def absent(
    found: Findings, asker: Asker, trees: Mapping[str, Node], whole: Answers, newest: Sequence[str]
) -> None:
    """Each wanted text or value that no line of the window has; first the newest builds are asked, then all."""
    asked: dict[str, Node] = {}
    owners: dict[str, list[tuple[str, Leaf]]] = {}
    for id, tree in trees.items():
        for leaf in doubtful(tree, asker, bool(whole[id].found)):
            node = asker.rewritten(leaf)
            asked[to_text(node)] = node
            owners.setdefault(to_text(node), []).append((id, leaf))
    answers: Answers = {}
    for uuids in (newest, None):
        answers = await asker.hits(asked, uuids)
        asked = {name: node for name, node in asked.items() if not answers[name].found}
    doubt_unknown(found, {name: answers[name] for name in asked}, {name: ids(own) for name, own in owners.items()})
    for name in asked:
        if isinstance(answers[name], Complete):
            for id, leaf in owners[name]:
                found.remark(id, leaf.at, f"no line of {asker.span} has this: {written(leaf)}")


def doubtful(tree: Node, asker: Asker, hit: bool) -> Iterator[Leaf]:
    """The leaves of which it is not yet known whether some line has them; of fields the lint speaks."""
    for leaf, needed in wanted(tree):
        known = (hit and needed) or resolve(leaf.field, asker.profile) in asker.profile.constant
        path = next(leaves(asker.rewritten(leaf))).field
        if not known and says_something(leaf, asker.profile) and asker.has(path):
            yield leaf


# -- clauses without effect -----------------------------------------------------------------------------------


async def idle(found: Findings, asker: Asker, trees: Mapping[str, Node], whole: Answers) -> None:
    """Each clause without which a signature that hits something hits the same, as often.

    Nothing is said of what is inside such a clause, or where another remark stands, or of a file's name or tag: a
    signature is to name its file.
    """
    sure = [id for id, answer in whole.items() if isinstance(answer, Complete) and answer.found]
    taken = {id: list(islice(parts(trees[id]), MOST_PARTS + 1)) for id in sure}
    long = [id for id in sure if len(taken[id]) > MOST_PARTS]
    if long:
        found.doubt(f"more than {MOST_PARTS} clauses, too many to leave out one by one", long)
    asked = {
        f"{id} {number}": (id, part)
        for id in sure
        if id not in long
        for number, part in enumerate(taken[id])
        if asks_for_text(part.rest, asker.profile) and not names_a_file(part.clause, asker.profile)
    }
    answers = await asker.hits({name: asker.rewritten(part.rest) for name, (_, part) in asked.items()})
    doubt_unknown(found, answers, {name: {id} for name, (id, _) in asked.items()})
    told = {id: {remark.at for remark in found.remarks.get(id, [])} for id in sure}
    for name, (id, part) in asked.items():
        answer, places = answers[name], {leaf.at for leaf in leaves(part.clause)}
        same = isinstance(answer, Complete) and counts(answer) == counts(whole[id])
        if same and not places <= told[id]:
            told[id] |= places
            hits = f"{counted(sum(counts(answer).values()), 'hit')} in {counted(len(answer.found), 'build')}"
            found.remark(id, part.at, f"without this clause {asker.span} has the same {hits}: {written(part.clause)}")


def names_a_file(clause: Node, profile: Profile) -> bool:
    names = (profile.names["tags"], profile.names["filename"])
    return all(resolve(leaf.field, profile) in names for leaf in leaves(clause))


def written(node: Node) -> str:
    """A clause's words, cut where they are many."""
    return cut(to_text(node), LONGEST)
