"""One bot per store. The lock is the kernel's or PostgreSQL's: it ends with its holder, however that ends."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, NullPool, text
from sqlalchemy.exc import DBAPIError

from bot.errors import PermanentError, UserError
from bot.store.engine import postgres
from bot.store.place import Place

POLL = 0.1  # seconds between two tries to get the lock
BOT = 0x47_57_62_74  # the advisory lock of the bot, in its database


log = logging.getLogger(__name__)


class LockLost(PermanentError):
    """Another bot may have the store now: this one has to stop."""


class Lock(Protocol):
    def try_to_take(self) -> bool: ...

    def holder(self) -> str:
        """Who has it, for a sentence; "" where that is not known."""

    def taken_elsewhere(self) -> bool:
        """Does anybody hold it now? It is not taken for that."""

    def lost(self) -> bool:
        """Was it taken, and is it gone? Blocks for a round trip on PostgreSQL."""

    def release(self) -> None: ...


def take(lock: Lock, place: Place, wait: float) -> None:
    """Take it within `wait` seconds, or raise UserError."""
    deadline = time.monotonic() + wait
    said = False
    while not lock.try_to_take():
        if wait and not said:
            log.warning("waiting for the store%s place=%s most=%gs", lock.holder(), place, wait)
            said = True
        if time.monotonic() >= deadline:
            raise UserError(f"another gatewatch{lock.holder()} has the store {place}: stop it first")
        time.sleep(POLL)


def lock_of(place: Place) -> Lock:
    if place.file is not None:
        return FileLock(place.file.with_name(place.file.name + ".lock"))
    return Unlocked() if place.sqlite else ServerLock(place)


class Unlocked:
    """A store in memory is nobody else's."""

    def try_to_take(self) -> bool:
        return True

    def holder(self) -> str:
        return ""

    def taken_elsewhere(self) -> bool:
        return False

    def lost(self) -> bool:
        return False

    def release(self) -> None:
        pass


class FileLock:
    """flock(2) on a file that stays where it is; it holds the pid of the last holder, which nobody trusts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def try_to_take(self) -> bool:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not _flock(file, fcntl.LOCK_EX):
            os.close(file)
            return False
        os.truncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file
        return True

    def holder(self) -> str:
        pid = self._path.read_text(encoding="utf-8", errors="replace").strip()
        return f" (process {pid})" if pid.isdecimal() else ""

    def taken_elsewhere(self) -> bool:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not _flock(file, fcntl.LOCK_SH)
        finally:
            os.close(file)

    def lost(self) -> bool:
        return False

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _flock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class ServerLock:
    """A session advisory lock on a connection of its own (PostgreSQL's manual, 13.3.5)."""

    def __init__(self, place: Place) -> None:
        self._engine = postgres(place, "gatewatch lock", poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None
        self._taken = False

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
            # The server frees the lock of a machine that is gone without a word; ignored on a Unix socket.
            for name, seconds in (("idle", 10), ("interval", 3), ("count", 3)):
                self._connection.execute(text(f"SET tcp_keepalives_{name} = {seconds}"))
        return self._connection

    def try_to_take(self) -> bool:
        self._taken = bool(self._open().scalar(text(f"SELECT pg_try_advisory_lock({BOT})")))
        return self._taken

    def holder(self) -> str:
        return ""

    def taken_elsewhere(self) -> bool:
        held = text(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND granted"
            f" AND objid = {BOT} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return bool(self._open().scalar(held))

    def lost(self) -> bool:
        """The connection is the lock: asked on it, so that it is never opened again unnoticed."""
        if not self._taken or self._connection is None:
            return False
        try:
            self._connection.scalar(text("SELECT 1"))
        except DBAPIError:
            self._taken = False
            self._connection.invalidate()
            return True
        return False

    def release(self) -> None:
        self._taken = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()
