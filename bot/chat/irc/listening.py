"""Which lines of one connection are heard as commands, and who said them."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta

from bot.chat.irc.addressing import Ear, Masks, ctcp_answer
from bot.chat.irc.config import IrcConfig
from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.identity import Identity
from bot.chat.irc.pace import Bucket, Pace
from bot.chat.irc.people import LONGEST_NAME, WHOX_FIELDS, Known, People
from bot.chat.irc.playback import Playback
from bot.chat.irc.rooms import Rooms
from bot.chat.irc.whois import Told, Whois
from bot.errors import TemporaryError
from bot.talk import OPERATOR, Heard, Person

log = logging.getLogger(__name__)

NICK = re.compile(r"[^\s\x00-\x20\x7f,*?]+")  # wider than any server has it; of others no question can be asked
CTCP_BURST, CTCP_PER_SECOND, CTCP_LEAVES = 2, 1 / 30, 2
BOT_TAGS = frozenset({"bot", "draft/bot"})  # https://ircv3.net/specs/extensions/bot-mode
MOST_WAITING = 20  # questions that wait for WHOIS; more are heard without an account
MOST_ASKED = 2000  # people in a channel whose accounts are asked for at once; a longer answer may exceed a SendQ
UNKNOWN_FOR = 60.0  # seconds; without account-notify nobody tells when somebody logs in


class Listener:
    """`hear` gets each line that may be a command, with its person. `clock`: the time now, in UTC.

    `is_ours`: whether a nick is one of the bot's. `has`: whether the server has agreed to a capability.
    """

    def __init__(
        self,
        ear: Ear,
        config: IrcConfig,
        connection: Connection,
        identity: Identity,
        rooms: Rooms,
        pace: Pace,
        hear: Callable[[Heard], None],
        is_ours: Callable[[str], bool],
        clock: Callable[[], datetime],
        has: Callable[[str], bool],
    ) -> None:
        self._ear, self._connection, self._identity, self._rooms = ear, connection, identity, rooms
        self._pace, self._hear, self._is_ours, self._clock, self._has = pace, hear, is_ours, clock, has
        self._time = asyncio.get_running_loop().time
        self._within = config.timings.whois
        self._ctcp = Bucket(CTCP_BURST, CTCP_PER_SECOND, self._time())
        self._ignored = Masks(config.ignore)
        self.people = People(connection.isupport, identity.is_bot, self._time)
        self._whois = Whois(connection, pace, self._time)
        self._playback = Playback(timedelta(seconds=config.timings.playback))
        self._asking = asyncio.Lock()
        self._unasked: dict[str, None] = {}  # channels, in their order
        self._tasks: set[asyncio.Task[None]] = set()

    def on_event(self, event: Event) -> None:
        """Learn from any line, also one that means something else to the session."""
        if event.kind == "batch":
            self._playback.on_batch(event)
        elif not self._playback.encloses(event):
            self._playback.on_answer(event, self._clock())
            self.people.on_event(event)
            self._whois.on_event(event)
        if event.kind == "366" and event.arguments:
            self._on_all_names(event.arguments[0])

    def listens(self) -> dict[str, Callable[[Event], None]]:
        """The kinds of lines that may ask the bot something."""
        return {"ctcp": self._on_ctcp, "privmsg": self._on_private, "pubmsg": self._on_public}

    def _on_public(self, event: Event) -> None:
        room = self._rooms.find(event.target)
        if room is None or not self._rooms.joined(event.target) or not self._is_meant(event):
            return
        nicks = [self._identity.nick, *filter(self._means_bot, self._ear.nicks)]
        heard = self._ear.public(event, room.channel, nicks, self._connection.isupport)
        if heard is not None:
            self._attribute(heard, event, self.people.level(event.nick, event.target))

    def _means_bot(self, nick: str) -> bool:
        """Whether one of the configured nicks is the bot's in a channel: it may have it elsewhere, or have lost it."""
        return self._is_ours(nick) or self.people.find(nick) is None

    def _on_private(self, event: Event) -> None:
        if not self._identity.is_bot(event.target) or not self._is_meant(event):
            return
        heard = self._ear.private(event, self._identity.nick, self._connection.isupport)
        if heard is not None:
            self._attribute(heard, event, 0)

    def _on_ctcp(self, event: Event) -> None:
        """A question by one program to another; answered once in a while."""
        answer = ctcp_answer(event)
        if not answer or not self._identity.is_bot(event.target) or not self._is_meant(event):
            return
        if self._ctcp.take(1, 0, self._time()) == 0 and self._pace.spare(1, CTCP_LEAVES):
            self._connection.send("NOTICE", event.nick, text=f"\x01{answer}\x01")

    async def stop(self) -> None:
        """The connection is over: nobody is asked any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- what is not for the bot --------------------------------------------------------------------------------

    def _is_meant(self, event: Event) -> bool:
        """Not a server, none of the bot's own nicks, no other bot, nobody ignored, and said now."""
        known = self.people.find(event.nick)
        return not (
            not event.userhost
            or not NICK.fullmatch(event.nick)
            or self._is_ours(event.nick)
            or BOT_TAGS & event.tags.keys()
            or (known is not None and known.bot is True)
            or self._ignored.have(event.source, self._connection.isupport)
            or self._playback.has(event, self._clock())
        )

    # -- who it is ----------------------------------------------------------------------------------------------

    def _attribute(self, heard: Heard, event: Event, level: int) -> None:
        """Hand the line on with its person: at once, or when the server has told their account."""
        seen = self.people.find(event.nick)
        speaker = seen or Known(event.nick)
        speaker.userhost = event.userhost[:LONGEST_NAME]
        if self._has("account-tag") or "account" in event.tags:
            speaker.tell(event.tags.get("account", ""), self._time())

        def hand_on(doubt: str = "") -> None:
            doubt = "" if self._account_told(speaker) else doubt
            person = Person(event.nick, speaker.account or "", level, speaker.userhost, doubt)
            self._hear(replace(heard, person=person))

        if self._told(speaker):
            hand_on()
        elif len(self._tasks) >= MOST_WAITING:
            hand_on("too many people asked at the same time")
        else:
            self._start(self._after_asking(speaker, seen is not None, hand_on))

    def _told(self, speaker: Known) -> bool:
        """Whether it is known both who they are and whether they are a bot, where the server has a mode for that."""
        return self._account_told(speaker) and (speaker.bot is not None or not self._connection.isupport.bot_mode)

    def _account_told(self, speaker: Known) -> bool:
        if speaker.account == "" and not self._has("account-notify"):
            return self._time() - speaker.told_at < UNKNOWN_FOR
        return speaker.account is not None

    async def _after_asking(self, speaker: Known, seen: bool, hand_on: Callable[[str], None]) -> None:
        doubt = ""
        try:
            async with asyncio.timeout(self._within), self._asking:
                if not self._told(speaker):  # the question before may have been about the same person
                    doubt = await self._ask(speaker, seen)
        except TimeoutError:
            doubt = f"the server did not say within {self._within:g} s who {speaker.nick} is"
        except TemporaryError as error:
            doubt = str(error)
        if not speaker.bot:
            hand_on(doubt)

    async def _ask(self, speaker: Known, seen: bool) -> str:
        """Ask, and believe it if it is about the same person; else why not."""
        nick = speaker.nick
        told = await self._whois.ask(nick)
        if told.nobody:
            return f"the server knows of no {nick} any more"
        if not (self.people.find(nick) is speaker if seen else _same_host(told, speaker)):
            return f"{nick} is somebody else by now"
        speaker.bot = told.bot
        if not self._account_told(speaker):
            speaker.tell(told.account, self._time())
        return ""

    # -- asking about a channel ---------------------------------------------------------------------------------

    def _on_all_names(self, channel: str) -> None:
        room = self._rooms.find(channel)
        if room is None or not self._rooms.joined(channel):
            return
        people = self.people.count(channel)
        if people == 1 and self.people.level(self._identity.nick, channel) == OPERATOR:
            log.warning(
                "irc room was not there: is its name right? server=%s room=%s", self._connection.server, channel
            )
        if self._connection.isupport.whox and people <= MOST_ASKED:
            if not self._unasked:
                self._start(self._ask_about_channels())
            self._unasked[room.channel] = None

    async def _ask_about_channels(self) -> None:
        while self._unasked:
            await self._pace.take(1, Pace.ANNOUNCEMENT)
            channel = next(iter(self._unasked))
            del self._unasked[channel]
            self._connection.send("WHO", channel, WHOX_FIELDS)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _same_host(told: Told, speaker: Known) -> bool:
    """Of somebody in no channel of the bot's, whose leaving it does not see: they come from the same place."""
    return bool(told.userhost) and told.userhost == speaker.userhost
