"""The store as the bot sees it: work goes in, runs in the store's own threads, and comes back whole."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from typing import TypeVar

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import OperationalError

from bot.errors import UserError
from bot.store.engine import READERS, Engines, in_memory, in_plain_words, read_only, said_by
from bot.store.lock import Lock, LockLost, Unlocked, lock_of, take
from bot.store.migrate import VERSIONS, bring_up, current
from bot.store.place import Place, place_of
from bot.store.tables import metadata
from bot.store.tx import Tx

log = logging.getLogger(__name__)

T = TypeVar("T")


class Store:
    """Writes run one after another in one thread, reads beside them in others."""

    def __init__(self, engines: Engines, lock: Lock) -> None:
        """Use `open` or `copy_in_memory`."""
        self._engines = engines
        self._lock = lock
        self._lost = False
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._reader = self._writer if engines.alone else ThreadPoolExecutor(READERS, "store-reader")

    @classmethod
    def open(cls, url: str, *, now: datetime, wait_for_lock: float = 30.0, lock: bool = True) -> Store:
        """Take the lock (within `wait_for_lock` seconds), make the store or bring it up to date.

        `lock` False: beside the bot that has it, or for a look; the store has to be there and up to date.
        Raises UserError for a store that is locked, broken, not ours, newer, or out of reach.
        """
        place = place_of(url)
        with _in_reach(place), ExitStack() as undo:
            held = lock_of(place) if lock else Unlocked()
            undo.callback(held.release)
            if lock and place.file is not None:
                place.file.parent.mkdir(parents=True, exist_ok=True)
            take(held, place, wait_for_lock)
            engines = Engines(place)
            undo.callback(engines.close)
            if lock:
                bring_up(engines, now)
            elif current(engines) != VERSIONS[-1]:
                raise _not_ready(place)
            undo.pop_all()
            return cls(engines, held)

    @classmethod
    def copy_in_memory(cls, url: str) -> Store:
        """What the store has now, in memory: nothing is locked, and nothing is written to disk.

        A store that is not there is empty. Raises UserError as `open` does.
        """
        place = place_of(url)
        memory = in_memory()
        copy, source = Engines(place_of("sqlite://"), memory), Engines(place)
        with _in_reach(place), closing(source):
            version = current(source)
            if place.file is not None and version:
                with closing(read_only(place.file)) as raw:
                    raw.backup(memory)
            bring_up(copy)
            if place.file is None and version:
                if version != VERSIONS[-1]:
                    raise _not_ready(place)
                _copy_rows(source, copy)
        return cls(copy, Unlocked())

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run the work in one write transaction, in the writer's thread, and return what it returns.

        Once begun it is carried through, also if its caller is cancelled. What the work raises undoes it.
        Raises TemporaryError (disk full, locked, server away), PermanentError (store broken), LockLost.
        """
        return await self._shielded(self._writer, self._write, work)

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run the work on a snapshot of what is committed, beside the writer; it cannot write."""
        return await self._shielded(self._reader, self._read, work)

    def write_now(self, work: Callable[[Tx], T]) -> T:
        """`write` for callers without an event loop."""
        return self._writer.submit(self._write, work).result()

    def read_now(self, work: Callable[[Tx], T]) -> T:
        """`read` for callers without an event loop."""
        return self._reader.submit(self._read, work).result()

    def lost(self) -> bool:
        """Has the lock been lost (the connection that holds it broke)? Then the bot has to stop.

        Noticed by every write, which then does nothing and raises LockLost.
        """
        return self._lost

    async def close(self) -> None:
        """Wait for the work that has begun, then close and release the lock."""
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self.close_now))

    def close_now(self) -> None:
        """`close` for callers without an event loop."""
        self._writer.shutdown()
        self._reader.shutdown()
        self._engines.close()
        self._lock.release()

    def _write(self, work: Callable[[Tx], T]) -> T:
        if self._lost or self._lock.lost():
            self._lost = True
            raise LockLost(f"the lock on the store {self._engines.place} is lost: another bot may have it now")
        with in_plain_words(self._engines.place), self._engines.writing() as connection:
            return work(Tx(connection))

    def _read(self, work: Callable[[Tx], T]) -> T:
        with in_plain_words(self._engines.place), self._engines.reading() as connection:
            return work(Tx(connection))

    @staticmethod
    async def _shielded(
        thread: ThreadPoolExecutor, run: Callable[[Callable[[Tx], T]], T], work: Callable[[Tx], T]
    ) -> T:
        running = asyncio.wrap_future(thread.submit(run, work))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            running.add_done_callback(_tell)
            raise


def _tell(run: asyncio.Future[T]) -> None:
    """Nobody waits for this piece of work any more; its failure is still worth a line."""
    fault = None if run.cancelled() else run.exception()
    if fault is not None:
        log.error("store work failed after its caller was cancelled error=%s", fault)


def _not_ready(place: Place) -> UserError:
    return UserError(f"the store {place} is not there or not up to date: start the bot once")


def _copy_rows(source: Engines, copy: Engines) -> None:
    with source.reading() as there, copy.writing() as here:
        for table in metadata.sorted_tables:
            here.execute(delete(table))
            rows = there.execute(select(table)).mappings().all()
            if rows:
                here.execute(insert(table), [dict(row) for row in rows])


def locked_elsewhere(url: str) -> bool:
    """Does a bot hold the store's lock now? Raises UserError where the store is out of reach."""
    place = place_of(url)
    with _in_reach(place), ExitStack() as undo:
        lock = lock_of(place)
        undo.callback(lock.release)
        return lock.taken_elsewhere()


@contextmanager
def _in_reach(place: Place) -> Iterator[None]:
    """What keeps us from a store, as a sentence."""
    try:
        yield
    except (OSError, sqlite3.Error, OperationalError) as fault:
        raise UserError(f"the store {place} is out of reach: {said_by(fault)}") from fault
