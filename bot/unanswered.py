"""Signatures that do not answer: when operators hear of it, and in what words. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bot.records import ALL, Unanswered
from bot.text import counted

IN_A_ROW = 3  # a hiccup is over when the same is asked again; the third time is some 3 minutes after the first
NAMED = 3


def lasting(rows: Sequence[Unanswered], lines: Mapping[str, str]) -> str:
    """A sentence for operators about what did not answer IN_A_ROW times, "" while there is nothing of the kind.

    `lines`: builds whose most telling line did not come so often, and why.
    """
    long = [row for row in rows if row.tries >= IN_A_ROW]
    if long:
        return f"{_named(long)} did not answer {IN_A_ROW} times in a row: {long[0].why}"
    if lines:
        builds, why = counted(len(lines), "build"), next(iter(lines.values()))
        return f"the telling lines of {builds} did not come {IN_A_ROW} times in a row: {why}"
    return ""


def how_many(rows: Collection[Unanswered]) -> int:
    """Signatures; those of a row ALL may be the named ones."""
    together = max((row.count for row in rows if row.signature == ALL), default=0)
    return max(together, sum(row.signature != ALL for row in rows))


def _named(rows: Sequence[Unanswered]) -> str:
    ids = [f"#{row.signature}" for row in rows if row.signature != ALL]
    number = how_many(rows)
    if number == 1 == len(ids):
        return f"signature {ids[0]}"
    shown = ", ".join([*ids[:NAMED], *(["..."] if number > NAMED else [])])
    return f"{counted(number, 'signature')} ({shown})" if ids else counted(number, "signature")
