"""The fields of the embedded index: today's layout (profile logsender), one document per log line.

Times are whole microseconds since 1970 in an integer field: tantivy's own date fields keep seconds only, and
2**53 of a float's aggregation result holds microseconds until the year 2255.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import tantivy

from bot.lucene.tokens import tokens
from bot.model import Field

TEXT = "message"
TIME = "@timestamp"
UUID = "build_uuid"
# The line as it was given; no part of the layout.
LINE = "line"
# A cluster keeps no exact value of over 256 characters (ignore_above of today's layout): here the names of the fields
# that have one, and what their values are.
LONG, LONG_VALUES = "long", "long_values"
LONGEST_EXACT = 256
# Which file of the build a line is from, so that the file can be replaced; no part of the layout.
PATH = "path"
NUMBERS = ("build_change", "voting")
KEYWORDS = (
    UUID,
    "build_name",
    "build_status",
    "build_queue",
    "build_branch",
    "build_ref",
    "build_patchset",
    "build_set",
    "build_newrev",
    "build_node",
    "project",
    "tenant",
    "filename",
    "tags",
    "log_url",
    "change_url",
    "node_provider",
    "hosts_id",
    "hosts_region",
    "zuul_executor",
)
KINDS: Mapping[str, str] = (
    {TEXT: "text", TIME: "date"} | dict.fromkeys(NUMBERS, "number") | dict.fromkeys(KEYWORDS, "keyword")
)
EXACT = ".keyword"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def schema() -> tantivy.Schema:
    """Every field stored; metadata whole and case-kept; only the message is cut into tokens.

    That is done here, by Lucene's rules, and so is the cutting of a question's text: the index sees tokens with a
    space between them. The line itself is kept beside them.
    """
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(TEXT, tokenizer_name="whitespace")
    builder.add_bytes_field(LINE, stored=True)
    builder.add_text_field(LONG, tokenizer_name="raw", index_option="basic")
    builder.add_bytes_field(LONG_VALUES, stored=True)
    builder.add_text_field(PATH, tokenizer_name="raw", index_option="basic")
    for name in KEYWORDS:
        builder.add_text_field(name, stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    for name in (TIME, *NUMBERS):
        builder.add_integer_field(name, stored=True, indexed=True, fast=True)
    return builder.build()


def fields() -> dict[str, Field]:
    """What this index has: metadata is exact under its own name and, as on a cluster, under `.keyword`.

    A message cannot be compared whole.
    """
    own = {name: Field(name, kind, None if kind == "text" else name) for name, kind in KINDS.items()}
    return own | {name + EXACT: Field(name + EXACT, "keyword", name + EXACT) for name in KEYWORDS}


def own_name(field: str) -> str:
    """The name here of a field that is asked for by its name on a cluster."""
    name = field.removesuffix(EXACT)
    return name if KINDS.get(name) == "keyword" else field


def micros(at: datetime) -> int:
    """A time as the index keeps it."""
    return (at - EPOCH) // MICROSECOND


def moment(value: float) -> datetime:
    """The time that the index keeps as this number."""
    return EPOCH + timedelta(microseconds=int(value))


def document(source: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """A document of today's layout as this schema takes it; a field that the layout lacks is left out.

    `@timestamp` is a datetime or ISO text, UTC where it names no zone. A `build_change` of "" (a branch's build)
    is no number, and is left out.
    """
    document: dict[str, Any] = {}
    long: dict[str, str | list[str]] = {}
    for name in KEYWORDS:
        if name in source:
            values = text(source[name])
            document[name] = values
            if not is_exact(values):
                document[name] = [
                    value for value in ([values] if isinstance(values, str) else values) if is_exact(value)
                ]
                long[name] = values
    if long:
        document |= {LONG: list(long), LONG_VALUES: json.dumps(long).encode()}
    if TEXT in source:
        document |= {TEXT: " ".join(tokens(source[TEXT])), LINE: source[TEXT].encode()}
    numbers = {name: source[name] for name in NUMBERS if str(source.get(name, "")).strip()}
    document.update((name, int(value)) for name, value in numbers.items())
    at = source[TIME]
    at = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    document[TIME] = micros(at if at.tzinfo else at.replace(tzinfo=UTC))
    document[PATH] = path
    return document


def is_exact(value: str | list[str]) -> bool:
    """Whether a cluster keeps a value as an exact one, or all of several; it counts UTF-16 units."""
    if isinstance(value, str):
        return len(value) <= LONGEST_EXACT // 2 or len(value.encode("utf-16-le", "replace")) <= 2 * LONGEST_EXACT
    return all(map(is_exact, value))


def text(value: object) -> str | list[str]:
    """A field's value as text; of a list, each."""
    if isinstance(value, str):
        return value
    return [str(one) for one in value] if isinstance(value, Iterable) else str(value)
