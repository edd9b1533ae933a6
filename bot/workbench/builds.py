"""Builds that were found: what became of them, and their metadata from the index."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum

from bot.model import FAILED_RESULTS, Build, Unknown, Window
from bot.search import Search
from bot.text import counted

PASSED_RESULT = "SUCCESS"
CHUNK = 200  # builds described at once

# What is being done, how much of it is done, and of how much.
Progress = Callable[[str, int, int], None]


class Sort(Enum):
    """What became of a build, as far as it says something of a cause."""

    FAILED = "failed"
    PASSED = "passed"
    NONVOTING = "non-voting"
    OTHER = "of other results"  # cancelled, skipped ...: neither failed nor passed
    NAMELESS = "without metadata"


def sort_of(build: Build | None) -> Sort:
    """None is a build whose metadata did not come."""
    if build is None:
        return Sort.NAMELESS
    if not build.voting:
        return Sort.NONVOTING
    if build.result in FAILED_RESULTS:
        return Sort.FAILED
    return Sort.PASSED if build.result == PASSED_RESULT else Sort.OTHER


def unseen(what: str, done: int, all: int) -> None:
    """The progress that nobody looks at."""


async def describe(
    search: Search, uuids: Sequence[str], window: Window, found: dict[str, Build], progress: Progress = unseen
) -> str:
    """Put the builds' metadata into `found`, some at a time; returns why it is not all there, "" if it is."""
    why = ""
    for start in range(0, len(uuids), CHUNK):
        answer = await search.described(uuids[start : start + CHUNK], window)
        found |= {one.uuid: one for one in answer.found}
        if isinstance(answer, Unknown):
            why = why or answer.why
        progress("describing builds", min(start + CHUNK, len(uuids)), len(uuids))
    return why


def lacking(uuids: Collection[str], builds: Mapping[str, Build], why: str) -> str:
    """How many have no metadata, "" if all have; `why` is what `describe` gave: a whole answer, too, may lack some."""
    nameless = len(set(uuids) - builds.keys())
    return f"{counted(nameless, 'build')} without metadata: {why or 'the index gave none'}" if nameless else ""
