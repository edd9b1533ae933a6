"""Where a store is, from its URL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.errors import UserError


@dataclass(frozen=True, slots=True)
class Place:
    """`file`: of an SQLite store, None for one in memory and for PostgreSQL. Its text has no password."""

    url: URL
    file: Path | None

    @property
    def sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    def __str__(self) -> str:
        if self.sqlite:
            return str(self.file or "the store in memory")
        return f"postgresql://{self.url.host or self.url.query.get('host', '')}/{self.url.database or ''}"


def place_of(url: str) -> Place:
    """Raises UserError for what is no store's URL; the URL itself is not repeated, it may hold a password."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except ArgumentError:
        backend = ""
    if backend == "sqlite":
        memory = parsed.database in (None, "", ":memory:")
        return Place(parsed, None if memory else Path(str(parsed.database)))
    if backend == "postgresql":
        return Place(parsed.set(drivername="postgresql+psycopg"), None)
    raise UserError("this is not a store: write sqlite:///var/gatewatch.db or postgresql://USER@HOST/NAME")
