"""Records as rows and back; no database here."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from bot.model import Build, Hit, Line
from bot.records import Delivery, Failure, Found, Rendered, Spoke, State, Unsearched
from bot.talk import Message, Said, room_address

BUILD_FIELDS = tuple(one.name for one in fields(Build))
FAILURE_FIELDS = (
    "unit",
    "first_seen",
    "waits_from",
    "newest",
    "documents",
    "count_since",
    "settled",
    "old",
    "asked",
    "state",
    "reason_asked",
)
DELIVERY_FIELDS = (
    "id",
    "kind",
    "about",
    "room",
    "revision",
    "created",
    "due",
    "stage",
    "reason",
    "not_before",
    "tries",
    "doubt",
    "key",
    "loud",
    "wakes",
    "ended",
    "folded_into",
)


def line_row(line: Line | None) -> dict[str, str] | None:
    if line is None:
        return None
    return {"at": line.at.isoformat(), "message": line.message, "filename": line.filename, "log_url": line.log_url}


def line_of(row: dict[str, str] | None) -> Line | None:
    if row is None:
        return None
    return Line(datetime.fromisoformat(row["at"]), row["message"], row["filename"], row["log_url"])


def base_of(unit: str) -> str:
    """A unit without the `#2` of a second run that has the same base."""
    return re.sub(r"#\d+$", "", unit)


def build_row(failure: Failure) -> dict[str, Any]:
    row = {name: getattr(failure.build, name) for name in BUILD_FIELDS}
    row |= {name: getattr(failure, name) for name in FAILURE_FIELDS}
    return row | {"base": base_of(failure.unit), "reason": line_row(failure.reason)}


def failure_of(row: Row[Any], found: tuple[Found, ...], unsearched: tuple[Unsearched, ...]) -> Failure:
    values = row._mapping
    return Failure(
        build=Build(**{name: values[name] for name in BUILD_FIELDS}),
        reason=line_of(values["reason"]),
        found=found,
        unsearched=unsearched,
        **{name: values[name] for name in FAILURE_FIELDS},
    )


def hit_row(found: Found) -> dict[str, Any]:
    hit = found.hit
    return {
        "build": hit.build,
        "signature": hit.signature,
        "count": hit.count,
        "first": hit.first,
        "last": hit.last,
        "sample": line_row(hit.sample),
        "at": found.at,
        "quiet": found.quiet,
    }


def found_of(row: Row[Any]) -> Found:
    hit = Hit(row.signature, row.build, row._mapping["count"], row.first, row.last, line_of(row.sample))
    return Found(hit, row.at, row.quiet)


def unsearched_of(row: Row[Any]) -> Unsearched:
    return Unsearched(row.signature, row.why, row.tries, row.next_try, row._mapping["count"])


def message_row(message: Message | None) -> dict[str, str] | None:
    """Its words: a picture is not kept."""
    return None if message is None else {"text": message.text, "html": message.html, "changed": message.changed}


def frozen_row(rendered: Rendered) -> dict[str, Any]:
    """What a claim freezes."""
    return {
        "message": message_row(rendered.message),
        "spoke": spoke_row(rendered.spoke),
        "loud": rendered.loud,
        "mentions": list(rendered.mentions),
        "wakes": rendered.wakes,
        "replaces": said_row(rendered.replaces),
    }


def spoke_row(spoke: tuple[Spoke, ...]) -> list[list[Any]]:
    return [[one.build, one.state.value, *one.causes] for one in spoke]


def said_row(said: Said | None) -> str | None:
    return None if said is None else said.id


def new_delivery_row(row: dict[str, Any]) -> dict[str, Any]:
    """All of a row that does not say otherwise."""
    unset = {"reason": "", "tries": 0, "doubt": False, "key": "", "loud": False}
    unset |= {"mentions": [], "wakes": False, "spoke": []}
    return unset | {"network": room_address(row["room"])[0]} | row


def delivery_of(row: Row[Any]) -> Delivery:
    values = row._mapping
    return Delivery(
        message=None if row.message is None else Message(**row.message),
        spoke=tuple(Spoke(build, State(state), tuple(causes)) for build, state, *causes in row.spoke),
        mentions=tuple(row.mentions),
        replaces=None if row.replaces is None else Said(row.replaces),
        said=None if row.said is None else Said(row.said),
        gap=None if row.gap_start is None else (row.gap_start, row.gap_end),
        **{name: values[name] for name in DELIVERY_FIELDS},
    )
