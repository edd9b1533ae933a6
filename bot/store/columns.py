"""The column types of the store: what goes in comes out the same, on SQLite and on PostgreSQL."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Generic, TypeVar

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

E = TypeVar("E", bound=Enum)

KEY_LENGTH = 400  # PostgreSQL refuses an index row of over 2,704 bytes; a character has up to 4


class Utc(TypeDecorator[datetime]):
    """An aware datetime, UTC when read. A naive one is a ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a time zone: {value}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def storable(text: str) -> str:
    """PostgreSQL takes no NUL and no database a lone surrogate; log lines have both. They become U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def as_key(text: str) -> str:
    """What is too long for an index keeps its beginning and gets a digest of the whole; a key stays as it is."""
    text = storable(text)
    if len(text) <= KEY_LENGTH:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text[: KEY_LENGTH - len(digest) - 1]}~{digest}"


class Plain(TypeDecorator[str]):
    """Text of any length and from anywhere."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class Key(TypeDecorator[str]):
    """Text that is looked up, as `as_key` makes it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else as_key(value)


class Json(TypeDecorator[Any]):
    """Plain data; NUL and lone surrogates are escaped by JSON itself, so they come back as they were."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Word(TypeDecorator[E], Generic[E]):
    """One of an Enum's values, readable in the table."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[E]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value.value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        return None if value is None else self.words(value)
