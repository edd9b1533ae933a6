"""What was heard is answered: taken once, dispatched to its verb, said in the reply lane, remembered as heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from itertools import count

from bot.chat import Chat
from bot.errors import PermanentError, TemporaryError
from bot.store import Store, Tx
from bot.talk import Heard, Message, Post

log = logging.getLogger(__name__)

LONGEST_WAIT = 5.0  # a network may hear nothing else of this person meanwhile
TRIES, WAIT = 3, 2.0  # a reply is tried so often, so many seconds apart; after that nobody waits for it
TRIES_AWAY = 30  # where that repeats nothing, while the network is away: a server that restarts is back in a minute
LONGEST_IN_ALL = 60.0


class Replies:
    """`answer`: what the commands say to a line, None where it is no command.

    `once`: per network, does it show the same key once only?
    """

    def __init__(
        self,
        answer: Callable[[Heard, datetime], Awaitable[Message | None]],
        store: Store,
        chats: Mapping[str, Chat],
        once: Mapping[str, bool],
        clock: Callable[[], datetime],
    ) -> None:
        self._answer = answer
        self._store = store
        self._chats = chats
        self._once = once
        self._clock = clock

    async def hear(self, heard: Heard) -> None:
        """Answer it. After a crash a network gives it again: said with the same key, then it is remembered."""
        if await self._heard_before(heard):
            return
        meant = await self._with_reaction(heard) if heard.removed else heard
        if meant is None:
            return
        message = await self._answer(meant, self._clock())
        if message is not None:
            await self._say(heard, message)
        await self._remember(heard)

    async def _say(self, heard: Heard, message: Message) -> None:
        """A network that shows the same key once is tried again; one that may repeat it is not, where in doubt.

        What is wrong with one room only is not waited for long: who asks there may ask again and again.
        """
        key = sha256(f"reply\n{heard.network}\n{heard.id}".encode()).hexdigest()[:32]
        post = Post(heard.room, key, message, answers=heard)
        chat, once = self._chats[heard.network], self._once[heard.network]
        clock = asyncio.get_running_loop().time
        latest = clock() + LONGEST_IN_ALL
        for tries in count(1):
            try:
                await chat.say(post)
                return
            except TemporaryError as error:
                away = error.doubt or error.retry_after is not None or not chat.status().ready
                too_often = tries >= (TRIES_AWAY if once and away else TRIES)
                wait = min(error.retry_after or WAIT, LONGEST_WAIT)
                if too_often or (error.doubt and not once) or clock() + wait > latest:
                    log.warning("reply not said room=%s why=%r", heard.room, str(error))
                    return
                await asyncio.sleep(wait)
            except PermanentError as error:
                log.warning("reply not said room=%s why=%r", heard.room, str(error))
                return

    async def _heard_before(self, heard: Heard) -> bool:
        """A store that fails costs the memory, not the answer."""
        try:
            return await self._store.read(lambda tx: tx.was_heard(heard.network, heard.id))
        except TemporaryError as error:
            log.warning("store not read why=%r", str(error))
            return False

    async def _with_reaction(self, heard: Heard) -> Heard | None:
        """What was removed as the reaction that it was; None where it was none, or none that was heard."""
        try:
            reacted = await self._store.read(lambda tx: tx.reacted(heard.network, heard.about))
        except TemporaryError as error:
            log.warning("store not read why=%r", str(error))
            return None
        return None if reacted is None else replace(heard, reaction=reacted.reaction, about=reacted.about)

    async def _remember(self, heard: Heard) -> None:
        try:
            await self._store.write(lambda tx: self._note(tx, heard))
        except TemporaryError as error:
            log.warning("heard not remembered why=%r", str(error))

    def _note(self, tx: Tx, heard: Heard) -> None:
        now = self._clock()
        tx.hear(heard.network, heard.id, now)
        if heard.removed:
            tx.take_back(heard.network, heard.about, heard.person.account, now)
        elif heard.reaction:
            tx.react(heard, now)
