"""Signatures that find nothing any more, and which of their files may go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from bot.errors import UserError
from bot.lucene.rewrite import EVERY_FIELD, rewrite
from bot.lucene.tree import Node, wanted
from bot.model import Complete, Fields, Profile, Signature, Unknown, Window
from bot.search import Search
from bot.text import counted
from bot.workbench.builds import Progress, unseen
from bot.workbench.stats import DAY, answers

AHEAD = timedelta(days=30)  # a hit in a build whose clock is far ahead is one, too
BEFORE = (DAY, timedelta(days=365))  # within so long before a time a line is looked for: the short one costs less


@dataclass(slots=True)
class Judged:
    """The signatures without any hit, those that have one, and why others could not be judged.

    `blank`: how many of the days have no line at all: of those nobody knows what there was.
    """

    dead: list[str] = field(default_factory=list)
    alive: list[str] = field(default_factory=list)
    unsure: dict[str, str] = field(default_factory=dict)
    blank: int = 0


async def find(
    search: Search, trees: Mapping[str, Node], now: datetime, days: int, progress: Progress = unseen
) -> Judged:
    """Which signatures have no hit in any build whose newest line is of the last `days`?

    Raises UserError where the index cannot tell: it does not reach so far back, or has nothing of these days.
    """
    progress("looking how far the index reaches back", 0, 0)
    await must_reach(search, now, days)
    judged = Judged()
    judged.blank = await blank_days(search, now, days)
    fields = await search.fields()
    for id, answer in (await answers(search, trees, Window(now - days * DAY, now + AHEAD), progress)).items():
        if answer.found:
            judged.alive.append(id)
        elif isinstance(answer, Unknown):
            judged.unsure[id] = answer.why
        elif isinstance(fields, Unknown):
            judged.unsure[id] = fields.why
        elif name := lacking(trees[id], search.profile, fields.found):
            judged.unsure[id] = f"the index has no field {name}, so nothing can be found"
        else:
            judged.dead.append(id)
    return judged


def lacking(tree: Node, profile: Profile, fields: Fields) -> str:
    """The first field that the query wants and the index does not have, "" if it has all."""
    known = {EVERY_FIELD, *fields, *(one.exact for one in fields.values())}
    return next((leaf.field for leaf, _ in wanted(rewrite(tree, profile, fields)) if leaf.field not in known), "")


async def blank_days(search: Search, now: datetime, days: int) -> int:
    """How many of the last days have no line."""
    there = [await ran(search, now - (day + 1) * DAY, now - day * DAY) for day in range(days)]
    return there.count(False)


async def must_reach(search: Search, now: datetime, days: int) -> None:
    """Raises UserError where the index has no line of before these days, or none within them."""
    if not await ran(search, now - days * DAY, now + AHEAD):
        raise UserError(f"the index has no build of the last {counted(days, 'day')}, so nothing can be called dead")
    if await older(search, now - days * DAY):
        return
    least, most = 0, days  # it has lines of before `least` days, and none of before `most`
    while most - least > 1:
        middle = (least + most) // 2
        if await older(search, now - middle * DAY):
            least = middle
        else:
            most = middle
    reach = f"{counted(least, 'day')}: --days {least} can be told" if least else "less than a day"
    raise UserError(
        f"the index has nothing that is older than {counted(days, 'day')}, so nothing can be called dead; "
        f"it reaches back {reach}"
    )


async def older(search: Search, at: datetime) -> bool:
    """Has the index a line of before that time?"""
    for before in BEFORE:
        if await ran(search, at - before, at):
            return True
    return False


async def ran(search: Search, start: datetime, end: datetime) -> bool:
    """Has the index a line of this time? Raises UserError where it does not say."""
    match await search.totals(Window(start, end)):
        case Complete(found):
            return bool(found)
        case Unknown(why, found):
            if found:
                return True
            raise UserError(f"how far the index reaches back is not known: {why}")


def kept(signature: Signature, file: Path, folders: Sequence[Path], shipped: Path) -> str:
    """Why a dead signature's file is not removed, "" if it may be."""
    if not signature.graph:
        return "suppress-graph is true"
    if file.resolve().is_relative_to(shipped.resolve()):
        return "came with Gatewatch; `suppress-notification: true` in a file of yours with its name silences one"
    others = [folder / file.name for folder in folders if (folder / file.name) != file]
    return next((f"{other} would take its place" for other in others if other.exists()), "")
