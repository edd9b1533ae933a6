"""Groups of failures that look alike: reason lines with what differs from run to run masked. Pure.

Masks by word, since that keeps `key=value` and paths readable: only words with a digit in them are looked at.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from bot.records import Failure
from bot.text import one_line

LONGEST = 300  # characters of a line that are compared
ALIKE = 80  # token_set_ratio from which two lines are one group; from 60 on different causes begin to mix
FEWEST_WORDS = 3  # below, "all words of one are in the other" says nothing: such lines are alike when equal
ID_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"

WORD = re.compile(r"""[^\s,;()\[\]{}"'<>|]+""")
SHAPES = (
    ("req", re.compile(r"req-[0-9a-f-]+", re.I)),
    ("uuid", re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.I)),
    ("mac", re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.I)),
    ("ip", re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|(?=\S*::?\S*:)[0-9a-f:]*:[0-9a-f:]*%?\w*", re.I)),
    ("time", re.compile(r"\d{4}-\d\d-\d\d(?:[T_ ]\S*)?|\d\d:\d\d:\d\d\S*")),
    ("port", re.compile(r"(?:tap|q[rgv][a-z]?|brq)-?[0-9a-f-]{8,}", re.I)),
    ("*", re.compile(r"(?:0x)?[0-9a-f]{7,}|tmp\w+", re.I)),
)
DIGITS = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True)
class Group:
    """Failures whose reason lines are alike; `line` is the oldest one's, masked, "" for one without a telling line."""

    id: str
    line: str
    failures: tuple[Failure, ...]


def mask(line: str) -> str:
    """One line with what differs from run to run replaced: `<uuid>`, `<ip>`, `<time>`, `<*>` ..."""
    return WORD.sub(lambda found: _masked(found[0]), one_line(line)[:LONGEST])


def group(failures: Iterable[Failure]) -> list[Group]:
    """Greedy, oldest first, largest group first in the answer; a failure without a telling line stays alone.

    Takes a fraction of a second for a thousand different lines: not for the event loop when there may be more.
    """
    groups: dict[str, list[Failure]] = {}
    seeds: list[str] = []
    alone: list[Group] = []
    for failure in sorted(failures, key=lambda one: (one.newest, one.build.uuid)):
        line = mask(failure.reason.message) if failure.reason else ""
        if not line:
            alone.append(Group(group_id(failure.build.uuid), "", (failure,)))
            continue
        seed = line if line in groups else _nearest(line, seeds)
        if seed not in groups:
            groups[seed] = []
            if len(seed.split()) >= FEWEST_WORDS:
                seeds.append(seed)
        groups[seed].append(failure)
    found = [Group(group_id(line), line, tuple(members)) for line, members in groups.items()]
    return sorted(found, key=lambda one: -len(one.failures)) + alone


def group_id(line: str) -> str:
    """`u` and three characters that are the same for the same masked line, in every process."""
    number = int.from_bytes(hashlib.sha256(line.encode("utf-8", "replace")).digest()[:8], "big")
    letters = ""
    for _ in range(3):
        number, rest = divmod(number, len(ID_LETTERS))
        letters += ID_LETTERS[rest]
    return "u" + letters


def _nearest(line: str, seeds: list[str]) -> str:
    if len(line.split()) < FEWEST_WORDS:
        return line
    found = process.extractOne(line, seeds, scorer=fuzz.token_set_ratio, score_cutoff=ALIKE)
    return line if found is None else str(found[0])


def _masked(word: str) -> str:
    if not any(char.isdigit() for char in word):
        return word
    bare = word.rstrip(".:!?")
    end = word[len(bare) :]
    key, equals, value = bare.partition("=")
    if equals:
        return f"{key}={_masked(value)}{end}"
    for name, shape in SHAPES:
        if shape.fullmatch(bare):
            return f"<{name}>{end}"
    if "/" in bare:
        return "/".join(_masked(step) for step in bare.split("/")) + end
    return DIGITS.sub("<*>", bare) + end
