"""Failed builds that the store does not have: listed and classified while the asker waits, and not stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.commands.ask import Ask
from bot.model import FAILED_RESULTS, Answer, Build, Complete, Hit, T, Unknown, Where, Window
from bot.search import Search

FAILED = tuple(sorted(FAILED_RESULTS))
MOST = 50  # builds of one answer


@dataclass(slots=True)
class Spot:
    """What was found in the time there was. `hits`: build uuid -> signature ids.

    `unanswered`: signatures that did not answer completely, of all `asked`; None while none was asked.
    `doubts`: sentences about what is missing.
    """

    builds: list[Build] = field(default_factory=list)
    hits: dict[str, list[str]] = field(default_factory=dict)
    asked: int = 0
    unanswered: int | None = None
    doubts: list[str] = field(default_factory=list)


async def on_the_spot(ask: Ask, change: str, patchset: str, uuid: str) -> Spot:
    """The failed builds of a change (and patchset), or those whose uuid begins with `uuid`, and what explains them."""
    spot = Spot()
    if ask.search is None or ask.window is None:
        spot.doubts.append("there is no index to ask")
        return spot
    try:
        async with asyncio.timeout(ask.patience):
            if change:
                await _list(spot, ask.search, ask.window, Where(results=FAILED, change=change), "")
            if uuid and not spot.builds:
                await _list(spot, ask.search, ask.window, Where(results=FAILED), uuid)
            if patchset:
                spot.builds = [one for one in spot.builds if one.patchset == patchset]
            if spot.builds and ask.classify is not None:
                _sort(spot, await ask.classify([one.uuid for one in spot.builds]))
    except TimeoutError:
        spot.doubts.append(f"the search took over {ask.patience:g} s: ask again in a minute")
    return spot


async def _list(spot: Spot, search: Search, window: Window, where: Where, uuid: str) -> None:
    listed = _found(spot, await search.builds(window, where))
    meant = sorted((one for one in listed if one.uuid.startswith(uuid)), key=lambda one: one.newest, reverse=True)
    if len(meant) > MOST:
        spot.doubts.append(f"the newest {MOST} of {len(meant)} builds")
    if meant:
        spot.builds = _found(spot, await search.described([one.uuid for one in meant[:MOST]], window))
        order = {one.uuid: place for place, one in enumerate(meant)}
        spot.builds.sort(key=lambda one: order.get(one.uuid, len(order)))


def _found(spot: Spot, answer: Answer[list[T]]) -> list[T]:
    match answer:
        case Complete(found):
            return found
        case Unknown(why, found):
            spot.doubts.append(why)
            return found


def _sort(spot: Spot, answers: Mapping[str, Answer[list[Hit]]]) -> None:
    spot.asked, spot.unanswered = len(answers), 0
    for id, answer in answers.items():
        match answer:
            case Complete(found):
                hits: Sequence[Hit] = found
            case Unknown(_, found):
                hits = found
                spot.unanswered += 1
        for hit in hits:
            spot.hits.setdefault(hit.build, []).append(id)
