"""What a heard line asks of the bot, if anything."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from bot.text import one_line

LONGEST = 500  # characters of a line that are read
AFTER_NAME = re.compile(r"[:,]\s*")
VERB = re.compile(r"[^\W\d_]")  # so that `!!!` and `!= 3` ask nothing


@dataclass(frozen=True, slots=True)
class Asked:
    """A verb in lower case, and what stood behind it: its words, and as it was typed, further lines included."""

    verb: str
    words: tuple[str, ...] = ()
    rest: str = ""


def parse(text: str, names: Collection[str], prefix: str, private: bool) -> Asked | None:
    """`!verb words`, `name: verb words`, `name, verb words`, and in private `verb words`; None if it asks nothing.

    `names`: what the bot is called on that network, compared without case. The name alone asks for help.
    """
    line = one_line(next((row for row in text.splitlines() if row.strip()), ""))[:LONGEST]
    asked = _read(line, names, prefix, private)
    return None if asked is None else replace(asked, rest=_behind(text, len(line.split()) - len(asked.words)))


def _read(line: str, names: Collection[str], prefix: str, private: bool) -> Asked | None:
    rest = _addressed(line, names)
    if rest is not None:
        return _asked(rest.removeprefix(prefix)) or Asked("help")
    if line.startswith(prefix):
        return _asked(line[len(prefix) :]) if VERB.match(line, len(prefix)) else None
    return _asked(line) if private else None


def _behind(text: str, words: int) -> str:
    """What stands behind so many words, each sign and space of it."""
    parts = text.split(None, words)
    return parts[words] if len(parts) > words else ""


def _addressed(line: str, names: Collection[str]) -> str | None:
    """What stands behind the bot's name; the longest name first, as `@bot:example.org` has a colon of its own."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        for start in (name, f"@{name}"):
            after = AFTER_NAME.match(line, len(start))
            if after and line[: len(start)].lower() == start.lower():
                return line[after.end() :]
    return None


def _asked(rest: str) -> Asked | None:
    verb, *words = rest.split() or [""]
    return Asked(verb.lower(), tuple(words)) if verb else None
