"""What the running bot gives its commands for one heard line: state, search, the filter of the room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bot.chat import Chat
from bot.commands import Ask, Health, Limiter, answer
from bot.config import Config
from bot.core import Core
from bot.incidents import judge
from bot.model import Answer, Hit, Window
from bot.plots.drawing import Drawing, can_draw
from bot.records import Failure
from bot.routing import wants
from bot.store import Store
from bot.talk import Heard, Message
from bot.troubles import Troubles
from bot.watch import Watch

SHOW_PICTURES = frozenset({"matrix"})  # kinds of networks


class Desk:
    """Takes heard lines to the commands; `started`: since when the bot runs."""

    def __init__(
        self,
        config: Config,
        core: Core,
        store: Store,
        chats: Mapping[str, Chat],
        watch: Watch,
        troubles: Troubles,
        started: datetime,
    ) -> None:
        self._config = config
        self._core = core
        self._store = store
        self._chats = chats
        self._watch = watch
        self._troubles = troubles
        self._started = started
        self._rooms = {room.name: room for room in core.rules.rooms}
        self._drawing = Drawing()
        self._limiter = Limiter(config.commands.per_user, config.commands.per_room, config.commands.ignore)

    async def answer(self, heard: Heard, now: datetime) -> Message | None:
        """The answer to a line, None if it asks nothing."""
        if heard.private and not self._config.commands.private:
            return None
        window = self._core.source.window(now)
        kind = self._config.networks[heard.network].type
        ask = Ask(
            heard=heard,
            now=now,
            store=self._store,
            health=self._health(),
            signatures=self._core.signatures.signatures,
            pipelines=self._config.builds.pipelines,
            links=self._core.links,
            query=self._core.classifier.query,
            statuses=lambda: [chat.status() for chat in self._chats.values()],
            passes=self._filter(heard.room, now),
            search=self._core.search,
            window=window,
            classify=lambda uuids: self._classify(uuids, window),
            prefix=self._config.commands.prefix,
            private=self._config.commands.private,
            draw=self._drawing.draw if kind in SHOW_PICTURES and can_draw() else None,
            reactions=self._config.commands.reactions,
            kind=kind,
        )
        # At the console nobody else is asked too much of.
        return await answer(ask, (heard.called,), Limiter(1, 1) if ask.kind == "console" else self._limiter)

    async def _classify(self, uuids: Sequence[str], window: Window) -> Mapping[str, Answer[list[Hit]]]:
        classifier = self._core.classifier
        return await classifier.ask(sorted(classifier.ids), uuids, window)

    def _filter(self, name: str, now: datetime) -> Callable[[Failure], bool]:
        """What the room's feeds let through; everything where there are none."""
        room = self._rooms.get(name)
        if room is None:
            return lambda failure: True
        signatures, waits = self._core.signatures.signatures, self._core.rules.waits
        return lambda failure: wants(room, judge(failure, signatures, now, waits))

    def _health(self) -> Health:
        looks = self._watch.looks
        troubles = "; ".join(f"{one.part}: {one.sentence}" for one in self._troubles.open)
        took = looks.took.total_seconds() if looks.took else 0.0
        return Health(self._started, looks.complete, took, troubles)
