"""Which inbound lines may be commands, and what else a line asks for (CTCP)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime

from bot.chat.irc.connection import Event
from bot.chat.irc.isupport import Isupport
from bot.chat.irc.lines import plain
from bot.model import Heard, Person

PREFIX = "!"
VERSION = "gatewatch"


class Ear:
    """Turns inbound lines of one network into Heard. `clock` gives the time now, in UTC."""

    def __init__(self, network: str, clock: Callable[[], datetime]) -> None:
        self._network = network
        self._clock = clock
        self._numbers = itertools.count(1)

    def public(self, event: Event, channel: str, nick: str, isupport: Isupport) -> Heard | None:
        """A line in `channel` (as configured): heard if it starts with `!` or with the bot's `nick` and `:` or `,`."""
        text = plain(event.text)
        if not (text.startswith(PREFIX) or addressed(text, nick, isupport)):
            return None
        return self._heard(event, text, channel, private=False)

    def private(self, event: Event) -> Heard | None:
        """A line to the bot alone is heard, unless it is empty."""
        text = plain(event.text)
        return self._heard(event, text, event.nick, private=True) if text else None

    def _heard(self, event: Event, text: str, address: str, *, private: bool) -> Heard:
        at = self._clock()
        return Heard(
            id=f"{self._network}-{at:%Y%m%dT%H%M%S.%f}-{next(self._numbers)}",
            network=self._network,
            room=f"{self._network}:{address}",
            private=private,
            person=Person(name=event.nick),
            text=text,
            at=at,
        )


def addressed(text: str, nick: str, isupport: Isupport) -> bool:
    """Whether a line starts with the nick and `:` or `,`."""
    return text[len(nick) : len(nick) + 1] in (":", ",") and isupport.same(text[: len(nick)], nick)


def ctcp_answer(event: Event) -> str:
    """What to answer to a CTCP request (https://modern.ircdocs.horse/ctcp), "" for nothing."""
    command = event.arguments[0].upper() if event.arguments else ""
    if command == "VERSION":
        return f"VERSION {VERSION}"
    if command == "PING":
        return f"PING {plain(event.text)[:32]}" if len(event.arguments) > 1 else "PING"
    return ""
