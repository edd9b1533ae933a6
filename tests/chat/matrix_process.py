"""As much of the bot as says and answers on Matrix, in a process of its own that may be killed at any moment.

It is forked from one that has imported everything, so that a life costs no more than its work.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

from bot.announcer import Announcer
from bot.chat.matrix.adapter import MatrixChat
from bot.chat.matrix.config import MatrixConfig
from bot.clock import utc_now
from bot.records import Delivery, Rendered
from bot.replies import Replies
from bot.store import Store, Tx
from bot.store.keep import StoreKeep
from bot.talk import Heard, Message
from bot.troubles import Troubles
from tests.chat.alerts import NEVER_OLD, words

ENDS_WITHIN = 10.0


def render(tx: Tx, row: Delivery, now: datetime) -> Rendered | str:
    if row.revision == 0:
        return Rendered(Message(words(row.about)))
    [first] = [one for one in tx.deliveries([row.about]) if one.room == row.room and one.revision == 0]
    return Rendered(Message(corrected(row.about), changed=note(row.about)), replaces=first.said)


def corrected(about: str) -> str:
    return f"corrected: {words(about)}"


def note(about: str) -> str:
    """What is said in the thread of a message that is corrected."""
    return f"also: {about}"


async def answer(heard: Heard, now: datetime) -> Message | None:
    return Message(f"answer to {heard.text}") if heard.text.startswith("!") else None


def live(folder: Path, config: MatrixConfig, rooms: Sequence[str]) -> None:
    """Say and answer until killed. `folder`: where the store, the keys and the log are."""
    logging.basicConfig(filename=folder / "bot.log", level=logging.INFO)
    asyncio.run(_live(folder, config, rooms))


async def _live(folder: Path, config: MatrixConfig, rooms: Sequence[str]) -> None:
    store = Store.open(store_url(folder), now=utc_now())
    chat = MatrixChat("net", config, rooms, StoreKeep(store), crypto=folder / "crypto")
    replies = Replies(answer, store, {"net": chat}, {"net": True}, utc_now)
    troubles = Troubles("", {}, utc_now)
    announcer = Announcer(chat, store, render, troubles, utc_now, lambda _: 0, NEVER_OLD, every=0.01)
    await asyncio.gather(chat.run(replies.hear), announcer.run(asyncio.Event()))


def store_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'bot.db'}"


class Life:
    """One life of the process."""

    def __init__(self, folder: Path, process: BaseProcess) -> None:
        self._folder = folder
        self._process = process

    def lives(self) -> bool:
        """Fails with the end of its log if it ended by itself."""
        assert self._process.is_alive(), (self._folder / "bot.log").read_text()[-3000:]
        return True

    def kill(self) -> None:
        """SIGKILL: nothing of it runs any more."""
        self._process.kill()
        self._process.join(ENDS_WITHIN)
        assert self._process.exitcode == -signal.SIGKILL, (self._folder / "bot.log").read_text()[-3000:]


@contextmanager
def living(folder: Path, config: MatrixConfig, rooms: Sequence[str]) -> Iterator[Life]:
    """Started; at the end it is killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=live, args=(folder, config, rooms))
    process.start()
    life = Life(folder, process)
    try:
        yield life
    finally:
        life.kill()
