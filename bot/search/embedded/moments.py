"""Dates as a query writes them, as Elasticsearch reads them (format strict_date_optional_time||epoch_millis)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from bot.search.embedded.refusal import Refusal
from bot.search.embedded.schema import EPOCH, MICROSECOND, micros

# Each part may be left off with all that follows it.
DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?:(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?)?"
    r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?)?)?"
)
PARTS = ("year", "month", "day", "hour", "minute", "second")
STEPS = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}


def span(text: str) -> tuple[int, int]:
    """The first and the last microsecond of what the text names.

    `2026-11` and `2026` end with their first day: Elasticsearch fills in the latest time, but the earliest date
    (run on OpenSearch 2.19).

    Raises Refusal for date arithmetic (`now-1d`, `2026-11-20||/d`) and for what is no date.
    """
    if text.startswith("now") or "||" in text:
        raise Refusal(f"the embedded index does no date arithmetic ({text}): write the time itself")
    if re.fullmatch(r"-?\d{5,}", text):
        return int(text) * 1000, int(text) * 1000 + 999
    match = DATE.fullmatch(text)
    if match is None:
        raise Refusal(f"{text} is no date: write it as 2026-11-20 or 2026-11-20T09:44:58Z")
    try:
        return of_parts(match)
    except (ValueError, OverflowError) as fault:
        raise Refusal(f"{text} is no date: {fault}") from fault


def of_parts(match: re.Match[str]) -> tuple[int, int]:
    """The span of a date of which some parts are given; ValueError for a 13th month."""
    given = [name for name in PARTS if match[name]]
    year, month, day, hour, minute, second = (int(match[name] or name in ("month", "day")) for name in PARTS)
    fraction = (match["fraction"] or "").ljust(6, "0")[:6]
    start = datetime(year, month, day, hour, minute, second, int(fraction), tzinfo=EPOCH.tzinfo)
    if match["fraction"]:
        end = start + MICROSECOND * 10 ** max(0, 6 - len(match["fraction"]))
    else:
        end = start + STEPS.get(given[-1], STEPS["day"])
    away = offset(match["zone"] or "Z")
    return micros(start - away), micros(end - away) - 1


def offset(zone: str) -> timedelta:
    """How far a zone such as `+02:00` is ahead of UTC."""
    if zone == "Z":
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -ahead if zone[0] == "-" else ahead
