"""Trying a query: asking the index all that says whether it is a good signature, in the time there is."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from bot.classify import Classify
from bot.lucene.inside import inside, widened
from bot.lucene.lint import Remark, lint
from bot.lucene.rewrite import resolve, rewrite
from bot.lucene.tree import Phrase, Word, wanted
from bot.model import Build, Complete, Hit, Totals, Unknown, Window
from bot.search import Question, Search
from bot.text import counted
from bot.workbench.asked import Asked
from bot.workbench.builds import Progress, Sort, describe, lacking, sort_of, unseen

WIDENED = 5  # texts of a query that finds nothing; each is a slow search
COMPARED = 500  # failed builds, the newest ones, that known signatures are asked about


@dataclass(slots=True)
class Trial:
    """What came of a query in the time there was; all of it is real, and `doubts` says what is missing.

    `missing`: why hits or their builds are not all there, and there is no verdict; "" if they are. `totals`: None where
    they are not known. `compared`: how many failed builds known signatures were asked about, None if they were not;
    `known`: the ids of those that explain some, with how many; `alone`: how many no known signature explains,
    None where all of them are silent; `silent`: how many signatures did not answer.
    """

    window: Window
    remarks: list[Remark] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    builds: dict[str, Build] = field(default_factory=dict)
    missing: str = ""
    refused: bool = False
    totals: Totals | None = None
    compared: int | None = None
    known: Counter[str] = field(default_factory=Counter)
    alone: int | None = 0
    silent: int = 0
    doubts: list[str] = field(default_factory=list)

    def of(self, sort: Sort) -> list[Hit]:
        """The hits in builds of one sort."""
        return [hit for hit in self.hits if sort_of(self.builds.get(hit.build)) is sort]


async def try_out(
    search: Search,
    asked: Asked,
    window: Window,
    classify: Classify | None = None,
    patience: float = 10.0,
    progress: Progress = unseen,
) -> Trial:
    """Ask the query of all of the window, then about what it found; `patience`: seconds for all of it.

    `classify`: what known signatures find; None: they are not compared. Raises nothing for what the index does: that is
    among the doubts.
    """
    trial = Trial(window)
    trial.missing = "the index has not answered yet"
    try:
        async with asyncio.timeout(patience):
            await _ask(trial, search, asked, progress)
            if trial.hits:
                await asyncio.gather(_describe(trial, search, progress), _count(trial, search))
                await _compare(trial, classify, progress)
    except TimeoutError:
        trial.doubts.append(f"cut after {patience:g} s: {_cut(trial)}")
    return trial


def _cut(trial: Trial) -> str:
    if trial.missing:
        return trial.missing
    if not trial.hits:
        return "words inside others were not looked for"
    lacking = ["the builds of the window were not counted"] if trial.totals is None else []
    return " and ".join([*lacking, "known signatures were not compared"])


async def _ask(trial: Trial, search: Search, asked: Asked, progress: Progress) -> None:
    progress("asking", 0, 0)
    fields = await search.fields()
    if isinstance(fields, Unknown):
        trial.missing = fields.why
        trial.doubts.append(fields.why)
        return
    trial.remarks = lint(asked.text, asked.tree, search.profile, fields.found)
    question = Question("query", rewrite(asked.tree, search.profile, fields.found))
    match (await search.hits([question], None, trial.window))["query"]:
        case Complete(found):
            trial.hits, trial.missing = found, ""
            if not found:
                await _look_inside(trial, search, asked)
        case Unknown(why, found, refused):
            trial.hits, trial.missing, trial.refused = found, why, refused
            trial.doubts.append(why)


async def _look_inside(trial: Trial, search: Search, asked: Asked) -> None:
    """Remark on the words of a query that finds nothing which lines have inside longer ones."""
    message = search.profile.names["message"]
    texts = [leaf for leaf, _ in wanted(asked.tree) if isinstance(leaf, Word | Phrase)]
    texts = [leaf for leaf in texts if resolve(leaf.field, search.profile) == message][:WIDENED]
    wider = {str(leaf.at): tree for leaf in texts if (tree := widened(leaf, message)) is not None}
    answers = await search.hits([Question(id, tree) for id, tree in wider.items()], None, trial.window)
    for leaf in texts:
        hits = answers[str(leaf.at)].found if str(leaf.at) in wider else []
        samples = [hit.sample.message for hit in hits if hit.sample is not None]
        said = next(filter(None, (inside(leaf, sample) for sample in samples)), "")
        trial.remarks += [Remark(leaf.at, said)] if said else []


async def _describe(trial: Trial, search: Search, progress: Progress) -> None:
    whole, trial.missing = trial.missing, trial.missing or "not all builds were described"
    uuids = [hit.build for hit in trial.hits]
    why = lacking(uuids, trial.builds, await describe(search, uuids, trial.window, trial.builds, progress))
    trial.doubts += [why] if why else []
    trial.missing = whole or why


async def _count(trial: Trial, search: Search) -> None:
    match await search.totals(trial.window):
        case Complete(found):
            trial.totals = found
        case Unknown(why, _):
            trial.doubts.append(f"the builds of the window were not counted: {why}")


async def _compare(trial: Trial, classify: Classify | None, progress: Progress) -> None:
    """Which known signatures explain the same failed builds?"""
    failed = sorted(trial.of(Sort.FAILED), key=lambda hit: hit.last, reverse=True)[:COMPARED]
    if classify is None or not failed:
        return
    progress("comparing", 0, 0)
    explained: set[str] = set()
    answers = await classify([hit.build for hit in failed])
    for id, answer in answers.items():
        if isinstance(answer, Unknown):
            trial.silent += 1
        own = {hit.build for hit in answer.found}
        trial.known += Counter({id: len(own)})
        explained |= own
    heard = not answers or trial.silent < len(answers)
    trial.compared, trial.alone = len(failed), len(failed) - len(explained) if heard else None
    trial.doubts += [f"{counted(trial.silent, 'known signature')} did not answer"] if trial.silent else []
