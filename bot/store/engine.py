"""Connections to the store, and what goes wrong on them in plain words."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.pool import StaticPool

from bot.errors import PermanentError, TemporaryError, UserError
from bot.store.place import Place

BUSY = 5.0  # seconds for which a writer waits for another process
READERS = 2
# One writer at a time in the whole database, as BEGIN IMMEDIATE has it on SQLite.
WRITERS = 0x47_57_77_72


class Engines:
    """One connection that writes, and a few beside it that read a snapshot and cannot write."""

    def __init__(self, place: Place, memory: sqlite3.Connection | None = None) -> None:
        self.place = place
        self.alone = place.sqlite and place.file is None  # one connection for all: no two threads at once
        if self.alone:
            self._writer = self._reader = engine_on(memory or in_memory())
        elif place.sqlite:
            self._writer = _sqlite(place, 1, reads_only=False)
            self._reader = _sqlite(place, READERS, reads_only=True)
        else:
            self._writer, self._reader = (_pool(place, connections) for connections in (1, READERS))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer can be in; committed at the end, rolled back by an exception."""
        with self._writer.connect().execution_options(begin="BEGIN IMMEDIATE") as connection, connection.begin():
            if not self.place.sqlite:
                connection.execute(text(f"SET LOCAL lock_timeout = '{BUSY}s'"))
                connection.execute(text(f"SELECT pg_advisory_xact_lock({WRITERS})"))
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot of what is committed; nothing can be written in it."""
        options: dict[str, Any] = {"begin": "BEGIN"}
        if not self.place.sqlite:
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._reader.connect().execution_options(**options) as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()

    def close(self) -> None:
        self._reader.dispose()
        self._writer.dispose()


def _sqlite(place: Place, connections: int, reads_only: bool) -> Engine:
    engine = create_engine(
        place.url,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"timeout": BUSY, "check_same_thread": False},
    )

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if reads_only:
            connection.execute("PRAGMA query_only = ON")

    return _beginning_itself(engine, prepare)


def engine_on(connection: sqlite3.Connection) -> Engine:
    """An engine whose only connection is this one (in memory, or a file that is only looked at)."""
    engine = create_engine("sqlite://", poolclass=StaticPool, creator=lambda: connection, hide_parameters=True)
    return _beginning_itself(engine, lambda _connection, _record: None)


def in_memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", check_same_thread=False)


def _beginning_itself(engine: Engine, prepare: Callable[[sqlite3.Connection, object], None]) -> Engine:
    """Python's sqlite3 begins late and not at all before DDL: take that from it and begin here.

    SQLAlchemy's manual, "Serializable isolation / Savepoints / Transactional DDL" of the SQLite dialect.
    """

    def connected(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None
        prepare(connection, record)

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN IMMEDIATE"))

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _pool(place: Place, connections: int) -> Engine:
    return postgres(place, "gatewatch", pool_size=connections, max_overflow=0, pool_pre_ping=True)


def postgres(place: Place, name: str, **options: Any) -> Engine:
    """An engine on PostgreSQL; `name` is what its server shows. Raises UserError where the driver is missing.

    A server that is gone without a word is noticed within some 20 s (libpq's connection parameters).
    """
    given = {"connect_timeout": 10, "application_name": name}
    given |= {"keepalives_idle": 10, "keepalives_interval": 3, "keepalives_count": 3, "tcp_user_timeout": 20_000}
    try:
        return create_engine(place.url, connect_args=given, hide_parameters=True, **options)
    except ModuleNotFoundError:
        raise UserError("a store on PostgreSQL needs psycopg: pip install '.[postgres]' in the checkout") from None


def read_only(file: Path) -> sqlite3.Connection:
    """An SQLite file opened so that nothing is written beside it.

    Without a `-wal` no process has it open, or none has written: then it can be read as it lies there.
    """
    wal = file.with_name(file.name + "-wal")
    mode = "mode=ro" if wal.exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"{file.absolute().as_uri()}?{mode}", uri=True, timeout=BUSY, check_same_thread=False)


@contextmanager
def in_plain_words(place: Place) -> Iterator[None]:
    """What the database refuses, as our errors: the same call may work later, or the store is broken."""
    try:
        yield
    except (OperationalError, InternalError) as fault:
        raise TemporaryError(f"the store {place} cannot be used now: {said_by(fault)}") from fault
    except DBAPIError as fault:
        if _corrupt(fault):
            raise PermanentError(f"the store {place} is broken: {said_by(fault)}; bring back a copy of it") from fault
        raise


def said_by(fault: Exception) -> str:
    """The database's own words, in one line and without its statement."""
    origin = fault.orig if isinstance(fault, DBAPIError) else fault
    return " ".join(str(origin).split())


def _corrupt(fault: DBAPIError) -> bool:
    code = getattr(fault.orig, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
