"""One channel that a connection is to be in, and how that is going."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bot.chat.irc.backoff import Backoff
from bot.chat.irc.refusals import Again
from bot.talk import JOINED, NOT_YET

NEVER = float("inf")


@dataclass(eq=False)
class Room:
    """One channel: `state` is "joined" or why not; `due` is when to send (or to give up waiting for) a JOIN."""

    channel: str
    key: str
    waits: dict[Again, Backoff]
    state: str = NOT_YET
    due: float = 0.0
    asked: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    refusal: str = ""
    muted: str = ""  # why the bot cannot speak there, though it is in it
    silent_until: float = 0.0  # while it is muted nothing is announced there before
    since: float = NEVER

    @property
    def given_up(self) -> bool:
        """Not joined, and not tried again before somebody does something."""
        return self.state != JOINED and self.due == NEVER
