"""What all verbs stand on: one open transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import Executable

T = TypeVar("T")

CHUNK = 500  # parameters of one statement; SQLite before 3.32 takes 999


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    there = iter(values)
    while chunk := list(islice(there, CHUNK)):
        yield chunk


class Verbs:
    """The base of the verbs' classes; each works on the transaction that is given to it and ends none."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _rows(self, statement: Executable) -> Sequence[Row[Any]]:
        return self._connection.execute(statement).all()

    def _run(self, statement: Executable) -> int:
        """How many rows it touched."""
        return self._connection.execute(statement).rowcount

    def _upsert(self, table: Table, rows: Sequence[Mapping[str, Any]], kept: Iterable[str] = ()) -> None:
        """Insert; where the primary key is there already, all columns follow but those in `kept`."""
        if not rows:
            return
        insert = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        statement = insert(table)
        key = [column.name for column in table.primary_key]
        follows = [name for name in rows[0] if name not in key and name not in kept]
        statement = statement.on_conflict_do_update(
            index_elements=key, set_={name: statement.excluded[name] for name in follows}
        )
        self._connection.execute(statement, list(rows))
