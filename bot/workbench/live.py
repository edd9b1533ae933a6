"""What the live index says against signatures: texts that no line has, clauses without effect, twins, constants.

The parts of the signatures become questions, all of one step at once, and the answers remarks. What is Unknown becomes
no remark: it is a doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType

from bot.lucene.lint import Remark
from bot.lucene.printing import to_text
from bot.lucene.rewrite import resolve, rewrite
from bot.lucene.tree import Bool, Clause, Leaf, Node, Occur, Phrase, Wildcard, Word, leaves, wanted
from bot.model import Answer, Build, Complete, Fields, Hit, Profile, Unknown, Where, Window
from bot.search import Question, Search
from bot.text import counted, cut
from bot.workbench.builds import Progress, describe, unseen
from bot.workbench.parts import asks_for_text, parts, says_something

SAMPLE = 200  # of the newest builds: what they have need not be looked for in all
MOST_PARTS = 50  # of one signature; the corpus has 8
STEPS = 4
LONGEST = 100  # bytes of a clause in a remark
# Of our words those that a build has one of, and that many builds may share.
OF_A_BUILD = ("job", "result", "project", "pipeline", "branch", "tenant")
# A line has many of these, or nearly each its own: they are not constant, and dear to ask for.
VARIED = ("message", "tags", "filename", "at", "uuid")

NONE: Mapping[str, Node] = MappingProxyType({})
Answers = Mapping[str, Answer[list[Hit]]]
Owners = Mapping[str, Sequence[tuple[str, Leaf]]]  # field -> the clauses that name it, and their signatures
Pair = tuple[str, str]  # field and value


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


def doubt_unknown(found: Findings, answers: Answers, owners: Mapping[str, Collection[str]]) -> None:
    """Whose answers are not sure."""
    for name, answer in answers.items():
        if isinstance(answer, Unknown):
            found.doubt(answer.why, owners[name])


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


# -- fields with one value ------------------------------------------------------------------------------------


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


def ids(own: Iterable[tuple[str, Leaf]]) -> set[str]:
    return {id for id, _ in own}


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
