"""The bot's own troubles: each is said once in the log and once to the operators, and once when it is over.

The operators' lines do not go through the store, which may be the very thing that fails: they wait in memory, and
go ahead of announcements.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from bot.chat import Chat
from bot.errors import PermanentError, TemporaryError
from bot.talk import Message, Post, room_address

log = logging.getLogger(__name__)

AGAIN = timedelta(hours=1)  # until operators hear once more of the same single event
LONGEST_WAIT = 60.0  # seconds; a far end may ask for more
WAITING = 50  # lines that wait for the operators' network; the oldest fall out, the log has them all


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that does not work. `part`: which part of the bot, as "search" or "network oftc"."""

    part: str
    sentence: str
    since: datetime


class Troubles:
    """What does not work now. `room`: the operators', "" for none."""

    def __init__(self, room: str, chats: Mapping[str, Chat], clock: Callable[[], datetime]) -> None:
        self._room = room
        self._chats = chats
        self._clock = clock
        self._open: dict[str, Trouble] = {}
        self._seen_by: dict[str, set[str]] = {}
        self._told: dict[str, set[str]] = {}  # the sentences of each that lasts
        self._noticed: dict[str, tuple[str, datetime]] = {}
        self._posts: deque[Post] = deque(maxlen=WAITING)

    @property
    def open(self) -> list[Trouble]:
        """Those that last, the oldest first."""
        return list(self._open.values())

    def begin(self, part: str, sentence: str, by: str = "", since: datetime | None = None) -> None:
        """Say it, unless this part is known to be in trouble.

        `by`: who saw it, where several may. `since`: when it began, if that was not now.
        """
        self._seen_by.setdefault(part, set()).add(by)
        if part in self._open:
            return
        sentence = _without_name(part, sentence)
        self._open[part] = Trouble(part, sentence, since or self._clock())
        self._say_trouble(part, sentence)

    def changed(self, part: str, sentence: str) -> None:
        """It lasts for another reason now; each reason is said once, as some come and go."""
        trouble, sentence = self._open.get(part), _without_name(part, sentence)
        if trouble is None or trouble.sentence == sentence:
            return
        self._open[part] = replace(trouble, sentence=sentence)
        if sentence not in self._told[part]:
            self._say_trouble(part, sentence)

    def _say_trouble(self, part: str, sentence: str) -> None:
        self._told.setdefault(part, set()).add(sentence)
        log.error("trouble part=%r why=%r", part, sentence)
        self._tell(f"trouble: {part}: {sentence}")

    def end(self, part: str, by: str = "") -> None:
        """It works again; it is over when all who saw it say so."""
        seen_by = self._seen_by.get(part, set())
        seen_by.discard(by)
        if part not in self._open or seen_by:
            return
        trouble = self._open.pop(part)
        del self._told[part]
        lasted = int((self._clock() - trouble.since).total_seconds())
        log.info("trouble over part=%r lasted=%ds", part, lasted)
        self._tell(f"over: {part} works again after {_span(lasted)}")

    def once(self, part: str, sentence: str) -> None:
        """A single event that an operator has to know of; the same again within AGAIN is in the log alone."""
        sentence, now = _without_name(part, sentence), self._clock()
        log.error("notice part=%r why=%r", part, sentence)
        last, when = self._noticed.get(part, ("", now))
        if last != sentence or now - when > AGAIN:
            self._noticed[part] = sentence, now
            self._tell(f"{part}: {sentence}")

    def _tell(self, line: str) -> None:
        """The key is made once: a line in doubt is said again as the same."""
        self._posts.append(Post(self._room, uuid4().hex, Message(line), first=True))

    async def run(self, every: float = 1.0) -> None:
        """Say what waits, whenever the operators' network can; for ever."""
        network, _ = room_address(self._room)
        chat = self._chats.get(network)
        while chat is not None:
            await asyncio.sleep(every)
            while self._posts and chat.status().ready:
                post = self._posts[0]
                try:
                    await chat.say(post)
                except TemporaryError as error:
                    await asyncio.sleep(min(error.retry_after or 0.0, LONGEST_WAIT))
                    break
                except PermanentError as error:
                    log.error("operators not told room=%s why=%r", self._room, str(error))
                if self._posts and self._posts[0] is post:
                    self._posts.popleft()


def _without_name(part: str, sentence: str) -> str:
    """`network oftc` needs no `oftc: ` before what is wrong with it."""
    return sentence.removeprefix(f"{part.partition(' ')[2]}: ")


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
