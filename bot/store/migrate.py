"""The schema's versions: what a store has, what this gatewatch knows, and the way up."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import UserError
from bot.store.engine import Engines, engine_on, read_only, said_by
from bot.store.notes import NoteVerbs

log = logging.getLogger(__name__)

SCRIPTS = Path(__file__).parent / "migrations"
# The scripts' revisions in order (a test compares); alembic is imported only to migrate.
VERSIONS = ("0001", "0002", "0003")
VERSION_TABLE = "gatewatch_version"
CREATED = "created"  # the meta value: when this store was made


def current(engines: Engines) -> str:
    """The store's version, "" if it is still to be made; an SQLite file is only read.

    Raises UserError for a file that is broken or not ours, and for a version that is not known here.
    """
    file = engines.place.file
    if file is not None:
        version = _version_of(file) if file.exists() and file.stat().st_size else ""
    else:
        with engines.reading() as connection:
            version = _version_in(connection, str(engines.place))
    if version and version not in VERSIONS:
        raise UserError(
            f"the store {engines.place} is of version {version}, this gatewatch knows {VERSIONS[-1]}: "
            "run the newer gatewatch that made it"
        )
    return version


def _version_of(file: Path) -> str:
    try:
        with closing(read_only(file)) as raw:
            verdict = raw.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise UserError(f"the store {file} is broken ({verdict}): bring back a copy of it, or move it away")
            with engine_on(raw).connect().execution_options(begin="BEGIN") as connection:
                return _version_in(connection, str(file))
    except sqlite3.OperationalError as fault:
        raise UserError(f"the store {file} cannot be read: {said_by(fault)}") from fault
    except sqlite3.DatabaseError as fault:
        raise UserError(
            f"{file} is broken or not a store ({said_by(fault)}): bring back a copy of it, or name another file"
        ) from fault


def _version_in(connection: Connection, place: str) -> str:
    there = inspect(connection).get_table_names()
    if VERSION_TABLE in there:
        return str(connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) or "")
    if there:
        some = ", ".join(sorted(there)[:3])
        raise UserError(f"{place} is no store of gatewatch (it has the tables {some}): name another one")
    return ""


def bring_up(engines: Engines, now: datetime | None = None) -> None:
    """Make the store, or bring it to the newest version, in one transaction; an SQLite file is copied before.

    `now` is noted as the time when it was made. Raises UserError; the store is then as it was.
    """
    version = current(engines)
    if version == VERSIONS[-1]:
        return
    file = engines.place.file
    if file is not None and not version:
        _touch(file)
    copy = _back_up(file, version) if file is not None and version else None
    try:
        with engines.writing() as connection:
            _run_scripts(connection)
            if not version and now is not None:
                NoteVerbs(connection).put_value(CREATED, now.isoformat())
    except SQLAlchemyError as fault:
        kept = f"; a copy is in {copy}" if copy else ""
        raise UserError(
            f"the store {engines.place} could not be brought to version {VERSIONS[-1]}: {said_by(fault)}. "
            f"It is as it was{kept}"
        ) from fault
    log.info("store ready place=%s version=%s was=%s", engines.place, VERSIONS[-1], version or "none")


def _run_scripts(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection, "version_table": VERSION_TABLE})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    command.upgrade(config, "head")


def _touch(file: Path) -> None:
    """Only its owner may read a store: it keeps what a network gave for the login."""
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _back_up(file: Path, version: str) -> Path:
    """A whole copy beside the file, named by the version that it has; one of the same name is replaced."""
    copy = file.with_name(f"{file.name}.version-{version}")
    part = copy.with_name(copy.name + ".part")
    try:
        part.unlink(missing_ok=True)
        _touch(part)
        with closing(read_only(file)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(copy)
    except (OSError, sqlite3.Error) as fault:
        part.unlink(missing_ok=True)
        raise UserError(f"the store {file} has to be brought up to date, but no copy could be made: {fault}") from fault
    return copy
