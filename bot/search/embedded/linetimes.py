"""When a log line was written, by what it begins with. A time without a zone is UTC, as logsender has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

# `2026-11-20 09:44:58.839 | text`, `2026-11-20 09:44:58,839`, `2026-11-20T09:44:58Z`; a ` | ` makes it console style.
ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,9}))?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?(?P<bar> \|(?: |$))?"
)
# `Nov 20 09:44:58 host ...` and `Nov 20 09:44:58.839119 host ...`: no year (RFC 3164 4.1.2).
SYSLOG = re.compile(
    r"(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?\b"
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def of_line(line: str, near: datetime | None) -> tuple[datetime | None, str]:
    """The time at the line's start (None: it has none) and its message.

    Console style has the message behind ` | `; else it is the whole line with its time. `near` gives a syslog line
    its year: that which brings it nearest; without it such a line has no time.
    """
    match = ISO.match(line)
    if match is not None:
        at = moment(match["day"], match["time"], match["fraction"], match["zone"])
        return at, line[match.end() :] if at and match["bar"] else line
    match = SYSLOG.match(line)
    if match is None or near is None or match["month"] not in MONTHS:
        return None, line
    day = f"{MONTHS.index(match['month']) + 1:02}-{int(match['day']):02}"
    years = (f"{near.year + step:04}" for step in (-1, 0, 1))
    moments = [moment(f"{year}-{day}", match["time"], match["fraction"], None) for year in years]
    return min((at for at in moments if at), key=lambda at: abs(at - near), default=None), line


def moment(day: str, time: str, fraction: str | None, zone: str | None) -> datetime | None:
    """The parts as one time; None for a 31st of February."""
    try:
        at = datetime.fromisoformat(f"{day}T{time}{zone or 'Z'}")
    except ValueError:
        return None
    return at.astimezone(UTC) + timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))


def first_time(lines: Iterable[str], near: datetime | None) -> datetime | None:
    """The first time that a file names."""
    return next((at for at, _ in (of_line(line, near) for line in lines) if at), None)


def timed(lines: Iterable[str], near: datetime, start: datetime) -> Iterator[tuple[datetime, str]]:
    """Each line's time and message; a line without a time has that of the line before it, the first ones `start`.

    As logsender does, blank lines are left out, and so is any line with DEBUG in it.
    """
    at = start
    for line in lines:
        own, message = of_line(line, near)
        at = own or at
        if message.strip(" \t\0") and "DEBUG" not in line:
            yield at, message
