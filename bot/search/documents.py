"""Reading one document as it was indexed: lists of one, numbers as texts, times with and without a zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.model import Build, Line, Profile

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Words of a Build that are plain texts, whatever JSON type they were indexed as.
TEXTS = ("job", "result", "project", "pipeline", "branch", "ref", "change", "patchset", "buildset", "tenant")
OF_A_BUILD = (*TEXTS, "uuid", "voting", "log_url", "filename")
NONVOTING = ("0", "0.0", "false")
OF_A_LINE = ("at", "message", "filename", "log_url")
FRACTION = re.compile(r"(\.\d{1,6})\d*")
COMPACT_ZONE = re.compile(r"([+-]\d{2})(\d{2})$")


def value(source: Mapping[str, Any], path: str) -> Any:
    """The first value of a field, None where there is none; `@fields.project` may be nested or a name with a dot."""
    if path in source:
        found = source[path]
    else:
        head, dot, rest = path.partition(".")
        inner = source.get(head)
        if not dot or not isinstance(inner, Mapping):
            return None
        return value(inner, rest)
    if isinstance(found, list):
        return found[0] if found else None
    return found


def text(source: Mapping[str, Any], path: str | None) -> str:
    """A field's first value as text, "" where there is none."""
    found = None if path is None else value(source, path)
    if found is None:
        return ""
    if isinstance(found, float) and found.is_integer():
        return str(int(found))
    return str(found)


def from_millis(millis: float) -> datetime:
    """What an aggregation gives for a time; microseconds at most, also where the index keeps nanoseconds."""
    return EPOCH + timedelta(milliseconds=millis)


def moment(found: Any) -> datetime | None:
    """A document's time as aware UTC, None where it is none.

    logsender writes ISO 8601 without a zone and means UTC; others write `Z`, an offset or milliseconds.
    """
    if isinstance(found, bool) or found is None:
        return None
    try:
        return read_moment(found)
    except (ValueError, OverflowError):
        return None


def read_moment(found: Any) -> datetime | None:
    """Raises ValueError or OverflowError where it looks like a time and is none."""
    if isinstance(found, (int, float)):
        return from_millis(found)
    if not isinstance(found, str):
        return None
    if found.isdigit() and len(found) > 8:
        return from_millis(int(found))
    read = datetime.fromisoformat(COMPACT_ZONE.sub(r"\1:\2", FRACTION.sub(r"\1", found.strip())))
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def is_voting(found: Any) -> bool:
    """1 and 0, as number, text or truth; logsender writes 2 for "not known", which counts as voting."""
    return str(found).strip().lower() not in NONVOTING


def folder(log_url: str, uuid: str, filename: str = "") -> str:
    """The folder of a build's logs, ending in "/", from the address of one of its files.

    Zuul's log folder is named by the build's uuid or its first 7 characters (zuul-jobs' set-zuul-log-path-fact).
    """
    parts = log_url.split("/")
    for name in (uuid, uuid[:7]):
        if name and name in parts[3:]:
            return "/".join(parts[: parts.index(name, 3) + 1]) + "/"
    if filename and log_url.endswith(f"/{filename}"):
        return log_url[: -len(filename)]
    return log_url[: log_url.rfind("/") + 1] if len(parts) > 3 else ""


def build_of(source: Mapping[str, Any], uuid: str, profile: Profile) -> Build:
    """The build that a document belongs to."""
    texts = {word: text(source, profile.names.get(word)) for word in TEXTS}
    voting = profile.names.get("voting")
    return Build(
        uuid=uuid,
        **texts,
        voting=is_voting(None if voting is None else value(source, voting)),
        log_url=folder(text(source, profile.names.get("log_url")), uuid, text(source, profile.names.get("filename"))),
    )


def line_of(source: Mapping[str, Any], profile: Profile) -> Line | None:
    """The log line that a document is, None where it has no time."""
    at = moment(value(source, profile.names["at"]))
    if at is None:
        return None
    return Line(
        at=at,
        message=text(source, profile.names["message"]),
        filename=text(source, profile.names.get("filename")),
        log_url=text(source, profile.names.get("log_url")),
    )


def paths(words: tuple[str, ...], profile: Profile) -> list[str]:
    """The fields to ask for."""
    return [profile.names[word] for word in words if word in profile.names]
