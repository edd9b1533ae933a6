"""The nick that the bot is to have: why it has another one, and when it asks for it again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator

from bot.chat.irc.backoff import Backoff, LongWait, longest
from bot.chat.irc.config import IrcConfig
from bot.chat.irc.connection import Connection, Event
from bot.errors import TemporaryError
from bot.text import counted

log = logging.getLogger(__name__)

# RFC 2812: 432 not allowed, 433 in use, 436 collision, 437 held back.
NICK_REFUSED = frozenset({"432", "433", "436", "437"})
# Of a change alone, and not always with the nick. 435: banned in a channel, 438: too fast, 447: a channel is +N.
CHANGE_REFUSED = frozenset({"435", "438", "447"})
IN_USE = "433"
MOST_NICKS = 8
MONITOR_OFFLINE = "731"  # https://ircv3.net/specs/extensions/monitor


def other_nicks(nick: str) -> Iterator[str]:
    """What to be called while somebody else has the nick: longer names, then ones as long, for short NICKLENs."""
    yield f"{nick}_"
    yield f"{nick}__"
    while True:
        yield f"{nick[:-3] or nick[0]}{random.randrange(100, 1000)}"


class OwnNick:
    """The configured nick on one connection. `clock` counts seconds, as the event loop's does."""

    def __init__(self, network: str, config: IrcConfig, connection: Connection, clock: Callable[[], float]) -> None:
        self._network, self.wanted = network, config.nick
        self._connection, self._clock = connection, clock
        self._others = other_nicks(config.nick)
        self._refusals = 0
        self._not_allowed = ""  # the server's words, where it does not take the configured nick at all
        self._refused: Event | None = None
        self.free = asyncio.Event()  # whoever had it has left, as far as the bot has heard
        timings = config.timings
        self._stable = timings.stable
        self._waits = Backoff((timings.regain, *timings.long_wait), 0.0, longest)
        self._taken = 0
        self._asked_at = self._not_before = 0.0

    @property
    def now(self) -> str:
        """The nick that the server has for the bot now."""
        return str(self._connection.get_nickname())

    def is_bot(self, nick: str) -> bool:
        """Whether the bot has this nick now, compared as the server does."""
        return self._connection.isupport.same(nick, self.now)

    @property
    def had(self) -> bool:
        """Whether the bot is called as it should be."""
        return self.is_bot(self.wanted)

    @property
    def trouble(self) -> str:
        """Why it is called otherwise, in words; "" if it is not."""
        if self.had:
            return ""
        if self._taken:
            return (
                f"services, or an operator, took the nick {self.wanted} from the bot {counted(self._taken, 'time')}:"
                f" it is {self.now} now, and asks for it less and less often"
            )
        if self._refused is not None and self._refused.kind != IN_USE:
            words = f"{self._refused.kind}: {self._refused.text}"
            return f"the server does not give the bot the nick {self.wanted} ({words}); it is {self.now} until then"
        return f"the nick {self.wanted} is taken; the bot is {self.now} until it is free"

    # -- what the server says -----------------------------------------------------------------------------------

    def listens(self) -> dict[str, Callable[[Event], None]]:
        """The kinds of lines that this wants to hear."""
        return {
            MONITOR_OFFLINE: self._on_offline,
            "nick": self._on_nick,
            "quit": lambda event: self._on_left(event.nick),
        }

    def on_refused_before_welcome(self, event: Event) -> None:
        """Take another nick. Raises TemporaryError, LongWait where the configured one is wrong."""
        self._refusals += 1
        if self._refusals == 1:
            self._refused = event
            self._not_allowed = (event.text or event.kind) if event.kind == "432" else ""
        if self._refusals > MOST_NICKS:
            if self._not_allowed:
                raise LongWait(
                    f"{self._network}: the server does not allow the nick {self.wanted} ({self._not_allowed}):"
                    " choose another `nick`"
                )
            raise TemporaryError(f"{self._network}: no nick like {self.wanted} is free")
        self._connection.send("NICK", next(self._others))

    def on_refused(self, event: Event) -> bool:
        """A numeric after the welcome; False if it is not about the nick."""
        about = event.arguments[0] if event.arguments else ""
        named = event.kind in NICK_REFUSED and self._connection.isupport.same(about, self.wanted)
        if not named and event.kind not in CHANGE_REFUSED:
            return False
        self._refused = event
        return True

    def _on_nick(self, event: Event) -> None:
        """Somebody has another nick now: whoever had the bot's, or the bot itself, which never gives its own away."""
        same = self._connection.isupport.same
        if same(event.nick, self.wanted) and self.is_bot(event.target) and not self.had:
            self._on_taken()
        else:
            self._on_left(event.nick)

    def _on_taken(self) -> None:
        if self._clock() - self._asked_at >= self._stable:
            self._taken = 0
            self._waits.reset()
        again_in = self._waits.wait()
        self._not_before = self._clock() + again_in
        self._taken += 1
        log.warning(
            "irc nick taken away network=%s nick=%s now=%s times=%d again_in=%.0f",
            *(self._network, self.wanted, self.now, self._taken, again_in),
        )

    def _on_offline(self, event: Event) -> None:
        for target in event.text.split(","):
            self._on_left(target.partition("!")[0])

    def _on_left(self, nick: str) -> None:
        """Somebody left, or changed from, this nick."""
        if self._connection.isupport.same(nick, self.wanted) and not self.had:
            self.free.set()

    # -- what the bot does --------------------------------------------------------------------------------------

    @property
    def may_ask(self) -> bool:
        """Not while it is left alone after services took it: they would take it again."""
        return not self.had and self._clock() >= self._not_before

    def ask(self) -> None:
        """Ask the server for it."""
        self._asked_at = self._clock()
        self._connection.send("NICK", self.wanted)

    def on_known(self) -> None:
        """Services know the bot now: what they took before they may leave it."""
        self._not_before = 0.0
        self._waits.reset()
