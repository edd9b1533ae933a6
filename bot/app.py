"""The bot, built from a Config from top to bottom and closed in reverse.

It names the adapters, as nothing else does but the command line.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.announcer import Announcer
from bot.asking import Desk
from bot.chat import Chat
from bot.clock import utc_now
from bot.config import Config
from bot.core import build_core, edits_of
from bot.errors import PermanentError, UserError
from bot.incidents import Waits
from bot.minding import Minder
from bot.replies import Replies
from bot.search import Search
from bot.search.without import Notice, logged
from bot.store import Store
from bot.store.keep import StoreKeep
from bot.talk import room_address
from bot.tasks import cancelled, drained, not_cancelled
from bot.troubles import Troubles
from bot.watch import Watch

log = logging.getLogger(__name__)

LOOK = "look"  # the scheduler's name for it
AGAIN = 30.0  # seconds until a network whose adapter failed unexpectedly is tried again
PATIENCE = timedelta(seconds=45)


def open_search(config: Config, notice: Notice = logged) -> Search:
    """The configured search; its library is imported only now. `notice`: who is told what it goes without."""
    if config.search.path is not None and config.search.embedded:
        from bot.search.embedded import EmbeddedSearch

        return EmbeddedSearch(config.search.path)
    from bot.search.http import HttpSearch

    return HttpSearch(config.search, notice=notice)


def named_rooms(config: Config) -> list[str]:
    """The rooms that feeds and operators name."""
    named = [room for feed in config.feeds.values() for room in feed.rooms]
    return list(dict.fromkeys([*named, *([config.operators] if config.operators else [])]))


def open_chats(config: Config, store: Store, rooms: list[str]) -> dict[str, Chat]:
    """One adapter per network, with its own of these rooms; its library is imported only now."""
    chats: dict[str, Chat] = {}
    for name, network in config.networks.items():
        own = [room for room in rooms if room_address(room)[0] == name]
        match network.type:
            case "console":
                from bot.chat.console import ConsoleChat

                here = own[0] if own else f"{name}:here"
                chats[name] = ConsoleChat(name, here, stdin=sys.stdin, stdout=sys.stdout, also=own[1:])
            case "irc":
                from bot.chat.irc.adapter import IrcChat

                chats[name] = IrcChat(
                    name,
                    network,
                    own,
                    clock=utc_now,
                    prefix=config.commands.prefix,
                    keep=StoreKeep(store),
                    operators=config.operators if config.operators in own else "",
                )
            case "matrix":
                from bot.chat.matrix.adapter import MatrixChat

                chats[name] = MatrixChat(
                    name,
                    network,
                    own,
                    StoreKeep(store),
                    clock=utc_now,
                    prefix=config.commands.prefix,
                    crypto=config.crypto_folder(name),
                )
    return chats


class Bot:
    """A running bot: networks, announcers, the scheduler; `stop` ends it.

    `waits`: in place of the configured ones. `only`: connect to this room's network and no other.
    `patience`: a network or a room that is away for less is not worth an operators' line.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        clock: Callable[[], datetime] = utc_now,
        waits: Waits | None = None,
        only: str = "",
        patience: timedelta = PATIENCE,
    ) -> None:
        self.config = config
        self.store = store
        chats = open_chats(config, store, [*named_rooms(config), *([only] if only else [])])
        self.chats = {name: chat for name, chat in chats.items() if not only or name == room_address(only)[0]}
        self.troubles = Troubles(config.operators or "", self.chats, clock)
        search = open_search(config, partial(self.troubles.once, "search"))
        self.core = build_core(config, search, store, waits)
        self.watch = Watch(self.core.poller, self.core.source, store, self.troubles, clock)
        desk = Desk(config, self.core, store, self.chats, self.watch, self.troubles, started=clock())
        self.replies = Replies(desk.answer, store, self.chats, edits_of(config), clock)
        self.stop = asyncio.Event()
        self._clock = clock
        self._minder = Minder(self.chats, self.troubles, patience, clock)
        self._scheduler: AsyncIOScheduler | None = None
        self._off: dict[str, str] = {}  # parts that stay off, and why

    async def run(self, scheduled: bool = True, only: int | None = None) -> None:
        """Until `stop` is set; then what is being said has `tasks.DRAIN` seconds to get there.

        `scheduled` False: nobody looks at the index, and nobody types. `only`: this delivery is said, and no other.
        Raises UserError where it could not go on.
        """
        async with AsyncExitStack() as closing:
            closing.push_async_callback(self.store.close)
            closing.push_async_callback(self.core.search.close)
            heard_from = [chat for chat in self.chats.values() if scheduled or not self._typed(chat)]
            closing.push_async_callback(cancelled, [self._kept(*self._network(chat)) for chat in heard_from])
            minders: dict[str, Callable[[], Awaitable[None]]] = {"notices": self.troubles.run, "networks": self._mind}
            if scheduled:
                minders["later logs"] = self._load_later
            closing.push_async_callback(cancelled, [self._kept(*minder) for minder in minders.items()])
            workers = [asyncio.create_task(self._announcer(chat, only).run(self.stop)) for chat in self.chats.values()]
            closing.push_async_callback(drained, workers)
            if scheduled:
                self._scheduler = self._schedule()
                closing.callback(self._scheduler.shutdown, wait=False)
            log.info("started networks=%s signatures=%d", ",".join(self.chats), len(self.core.signatures.signatures))
            await self.stop.wait()
        log.info("stopped")
        if self.store.lost():
            raise UserError("the store's lock was lost, and another bot may have it now: this one has stopped")
        if scheduled and self._none_is_left():
            why = [self._off[network_part(name)] for name in self.chats]
            raise UserError("no network is left, so the bot has stopped; mend this and start it again:", why)

    def _announcer(self, chat: Chat, only: int | None) -> Announcer:
        fold, within = self.config.announce.fold_limit, self.core.rules.waits.say_within
        return Announcer(chat, self.store, self.core.renderer, self.troubles, self._clock, fold, within, only)

    def _schedule(self) -> AsyncIOScheduler:
        """Looks and totals, the first of each at once. With APScheduler's own defaults a stall of 2 s loses a run."""
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        for name, job, every in (
            (LOOK, self.watch.look, self.config.poll.every),
            ("count", self.watch.count, self.config.poll.totals_every),
        ):
            scheduler.add_job(job, "interval", id=name, seconds=every.total_seconds(), next_run_time=utc_now())
        logging.getLogger("apscheduler.executors.default").addFilter(not_cancelled)
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)  # a look that outlasts a turn says so itself
        scheduler.start()
        return scheduler

    async def _load_later(self) -> None:
        """Files of an example day that come after the rest; loaded again after a restart, they change nothing."""
        path, folder = self.config.search.path, self.config.search.load
        if path is None or folder is None:
            return
        from bot.search.embedded.loading import later, load

        waited = timedelta(0)
        for delay, files in await asyncio.to_thread(later, folder):
            await asyncio.sleep((delay - waited).total_seconds())
            waited = delay
            try:
                problems = (await asyncio.to_thread(load, path, folder, self._clock(), part=files)).problems
            except UserError as error:
                problems = (str(error),)
            for problem in problems:
                log.warning("not loaded folder=%s why=%r", folder, problem)
            if self._scheduler is not None:
                self._scheduler.modify_job(LOOK, next_run_time=utc_now())

    def _network(self, chat: Chat) -> tuple[str, Callable[[], Awaitable[None]]]:
        async def live() -> None:
            await chat.run(self.replies.hear)
            self._input_ended()

        return network_part(chat.name), live

    def _kept(self, part: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        return asyncio.create_task(self._keep(part, work))

    async def _keep(self, part: str, work: Callable[[], Awaitable[None]]) -> None:
        """Keep a network, or what minds them, running. What only an operator can mend ends it; the others go on."""
        while True:
            try:
                return await work()
            except (PermanentError, UserError) as error:
                self._off[part] = str(error)
                self.troubles.begin(part, f"it stays off until the bot is restarted: {error}")
                return self._end_without_networks()
            except Exception:  # the guard of networks
                log.exception("failed part=%r", part)
                self.troubles.begin(part, "internal error, the log has the traceback")
            await asyncio.sleep(AGAIN)

    def _end_without_networks(self) -> None:
        """A service manager sees that a bot has ended, not that it can speak nowhere. `once` and `say` report it."""
        if self._scheduler is not None and self._none_is_left():
            self.stop.set()

    def _none_is_left(self) -> bool:
        return all(network_part(name) in self._off for name in self.chats)

    def _typed(self, chat: Chat) -> bool:
        return self.config.networks[chat.name].type == "console"

    def _input_ended(self) -> None:
        """The end of input ends a bot whose only network is the console, or one at a terminal."""
        if len(self.chats) == 1 or sys.stdin.isatty():
            self.stop.set()

    async def _mind(self, every: float = 1.0) -> None:
        """End the bot when it lost its store's lock; see to what its networks are in trouble with."""
        while True:
            await asyncio.sleep(every)
            if self.store.lost():
                self.stop.set()
            self._minder.look()


def network_part(name: str) -> str:
    """What troubles call it."""
    return f"network {name}"
