"""IRC as a network: one nick, or several where the network lets one be in too few channels."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.chat import Hear
from bot.chat.irc.addressing import Ear
from bot.chat.irc.backoff import Jitter
from bot.chat.irc.calls import Calls
from bot.chat.irc.config import IrcConfig, is_channel
from bot.chat.irc.ejections import Ejections
from bot.chat.irc.files import Secrets, read_secrets, tls_context
from bot.chat.irc.inbox import Inbox
from bot.chat.irc.isupport import Isupport
from bot.chat.irc.link import Link, Turns
from bot.chat.irc.manner import Manner, strong_in
from bot.chat.irc.session import Session
from bot.chat.irc.spread import Spread
from bot.chat.irc.sts import Sts
from bot.chat.irc.together import first_of
from bot.chat.keep import Keep
from bot.clock import utc_now
from bot.errors import PermanentError, TemporaryError
from bot.talk import NOT_YET, WHEN_NEEDED, Heard, NetworkStatus, Post, Said, room_address

log = logging.getLogger(__name__)


class IrcChat:
    """One IRC network of the chat contract."""

    def __init__(
        self,
        name: str,
        config: IrcConfig,
        rooms: Sequence[str],
        *,
        clock: Callable[[], datetime] = utc_now,
        jitter: Jitter = random.uniform,
        prefix: str = "!",
        keep: Keep | None = None,
        operators: str = "",
    ) -> None:
        """`rooms`: full names (`NETWORK:#channel`) of the channels to be in; people are written to without it.

        `prefix`: with it a line in a channel is a command. `keep`: for what servers want to be remembered.
        `operators`: the one of `rooms` that is never left to make place for another.
        """
        self.name = name
        shown = config.realname.replace("{prefix}", prefix)
        self._config = config = config.model_copy(update={"realname": shown})
        self._clock = clock
        self._sts = Sts(name, config.host, keep, clock)
        self._manner = Manner(name, config)
        nicks = [config.nick, *config.further_nicks]
        self._ear = Ear(name, clock, prefix, nicks)
        self._channels = {address: room for room in rooms if (address := room_address(room)[1])}
        channels = [channel for channel in self._channels if is_channel(channel)]
        self._links = [
            Link(name, config.of_nick(nick), clock, jitter, partial(self._gone, number), alone=not config.further_nicks)
            for number, nick in enumerate(nicks)
        ]
        self._spread = Spread(channels, len(nicks), room_address(operators)[1])
        self._links[0].needed.set()
        self._ejections = Ejections(config.timings.forget_kicks)
        self._inbox = Inbox(name)
        self._busy: Counter[str] = Counter()  # targets to which something is being said
        self._trouble = ""
        self._crowded: dict[int, str] = {}  # the connections that the server lets into no more rooms, and its words

    # -- the contract -------------------------------------------------------------------------------------------

    async def run(self, heard: Hear) -> None:
        """See the contract. PermanentError: a file of the config's that cannot be used at the start.

        What the server refuses, its password or nick say, is tried again after a long wait: it may be mended there.
        """
        turns = Turns(self._config.timings.reconnect_floor)
        try:
            secrets = await asyncio.to_thread(read_secrets, self.name, self._config)
            await asyncio.to_thread(tls_context, self.name, self._config)
            await self._load_policy()
            await first_of(
                *(
                    link.run(secrets, partial(self._new_session, number, heard), turns.take)
                    for number, link in enumerate(self._links)
                )
            )
        except PermanentError as error:
            self._trouble = str(error)
            raise
        finally:
            await self._inbox.close()

    async def _load_policy(self) -> None:
        """Nothing is tried before: without it a password could go out in the open."""
        while True:
            try:
                await self._sts.load()
            except TemporaryError as error:
                self._trouble = str(error)
                await asyncio.sleep(self._config.timings.reconnect[0])
            else:
                self._trouble = ""
                return

    async def say(self, post: Post) -> Said:
        """See the contract. The line is PRIVMSG, or NOTICE for announcements where the config says so."""
        text = post.message.text if post.replaces is None else post.message.changed
        if not text.strip():
            return Said()
        target = room_address(post.room)[1]
        self._busy[target] += 1
        try:
            await self._say(post, target, text)
        finally:
            self._busy[target] -= 1
            self._busy += Counter()  # without those at zero
        return Said()

    async def _say(self, post: Post, target: str, text: str) -> None:
        link = await self._link_for(post, target)
        session = link.session
        if session is None:
            raise TemporaryError(f"{post.room}: {link.away()}")
        if post.answers is not None or post.first:
            await session.speech.reply(target, post.room, text)
        else:
            if why := session.rooms.why_silent(target):
                raise TemporaryError(f"{post.room}: {why}")
            await session.speech.announce(target, post.room, text, strong_in(post.message.html))
        session.rooms.on_heard_again(target)

    def status(self) -> NetworkStatus:
        """See the contract. States: not needed, waiting, connecting, registering, identifying, joining, ready, closing.

        And stopped, before `run` and after it.
        """
        each = [link.status() for link in self._links]
        best = next((one for one in each if one.ready), each[0])
        several = len(each) > 1
        troubles = [one.trouble for one in each] + (list(self._crowded.values()) if self._has_spare() else [])
        trouble = self._trouble or "; ".join(dict.fromkeys(filter(None, troubles)))
        parts = tuple(replace(one, rooms=self._full_names(one.rooms)) for one in each) if several else ()
        return replace(best, name=self.name, trouble=trouble, rooms=self._rooms(each), connections=parts)

    def _rooms(self, each: Sequence[NetworkStatus]) -> dict[str, str]:
        states = {channel: state for one in each for channel, state in one.rooms.items()}
        for channel in self._channels:
            missing = WHEN_NEEDED if self._spread.is_spare(channel) else NOT_YET
            states.setdefault(channel, missing)
        return self._full_names({channel: states[channel] for channel in self._channels})

    def _full_names(self, states: Mapping[str, str]) -> dict[str, str]:
        return {self._channels[channel]: state for channel, state in states.items()}

    def _has_spare(self) -> bool:
        return any(map(self._spread.is_spare, self._channels))

    # -- connections --------------------------------------------------------------------------------------------

    def _new_session(self, number: int, heard: Hear, secrets: Secrets) -> Session:
        calls = Calls(
            hear=partial(self._hear, number, heard),
            registered=partial(self._registered, number),
            full=partial(self._full, number),
            is_ours=self._is_ours,
        )
        config = self._sts.applied(self._links[number].config)
        return Session(
            self.name, config, secrets, self._ejections, self._ear, calls, self._clock, self._sts, self._manner
        )

    def _registered(self, number: int, isupport: Isupport) -> None:
        self._links[number].back()
        self._crowded.pop(number, None)
        self._spread.back(number, isupport.chanlimits)
        self._deal()

    def _full(self, number: int, channel: str, joined: Sequence[str], why: str) -> None:
        self._crowded[number] = f"{self.name}: {why}"
        self._spread.full(number, channel, joined)
        self._deal()

    def _gone(self, number: int) -> None:
        self._crowded.pop(number, None)
        if self._spread.gone(number):
            log.warning("irc rooms go by other connections network=%s away=%s", self.name, self._links[number].name)
            self._deal()

    def _deal(self) -> None:
        """Let each connection know its channels; one that has got some for the first time connects."""
        for number, link in enumerate(self._links):
            channels = self._spread.of(number)
            if channels:
                link.needed.set()
            if link.session is not None and link.session.registered:
                link.session.rooms.be_in(channels)

    def _is_ours(self, nick: str) -> bool:
        return any(link.session is not None and link.session.identity.is_bot(nick) for link in self._links)

    # -- by which connection ------------------------------------------------------------------------------------

    async def _link_for(self, post: Post, target: str) -> Link:
        if not is_channel(target):
            return self._link_to_person(post)
        if target not in self._channels:
            raise PermanentError(f"{post.room}: the bot joins the channels that the config names, and no other")
        self._use(target)
        number = self._spread.where(target)
        return await self._bring(post.room, target) if number is None else self._links[number]

    def _link_to_person(self, post: Post) -> Link:
        """Who was asked answers; else whoever is there."""
        heard_by = None if post.answers is None else self._inbox.who_heard(post.answers)
        if heard_by is not None and self._links[heard_by].session is not None:
            return self._links[heard_by]
        return next((link for link in self._links if link.ready), self._links[0])

    async def _bring(self, room: str, channel: str) -> Link:
        """Join a channel for which there was no place."""
        ready = [number for number, link in enumerate(self._links) if link.ready]
        if not ready:
            raise TemporaryError(f"{room}: {self._links[0].away()}")
        number = self._spread.bring(channel, ready, self._busy)
        if number is None:
            raise TemporaryError(f"{room}: no connection to {self.name} has a place for it")
        self._deal()
        link = self._links[number]
        if link.session is not None:
            await link.session.rooms.answered(channel)
        return link

    # -- hearing ------------------------------------------------------------------------------------------------

    def _hear(self, number: int, heard: Hear, line: Heard) -> None:
        if not line.private:
            self._use(room_address(line.room)[1])
        self._inbox.put(number, line, heard)

    def _use(self, channel: str) -> None:
        self._spread.use(channel, asyncio.get_running_loop().time())
