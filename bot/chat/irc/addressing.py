"""Which inbound lines are addressed to the bot, and so may be commands; and what else a line asks for (CTCP)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from bot.chat.irc.connection import Event
from bot.chat.irc.isupport import Isupport
from bot.chat.irc.lines import plain
from bot.talk import Heard, Person

VERSION = "gatewatch"


class Ear:
    """Turns inbound lines of one network into Heard. `clock` gives the time now, in UTC. `nicks`: as configured."""

    def __init__(self, network: str, clock: Callable[[], datetime], prefix: str, nicks: Sequence[str]) -> None:
        self._network = network
        self.nicks = nicks
        self._prefix = prefix
        self._clock = clock
        self._numbers = itertools.count(1)

    def public(self, event: Event, channel: str, nicks: Sequence[str], isupport: Isupport) -> Heard | None:
        """A line in `channel` (as configured): heard if it starts with the prefix or a nick and `:` or `,`."""
        text = plain(event.text)
        called = next(filter(None, (addressed(text, nick, isupport) for nick in nicks)), "")
        if not (text.startswith(self._prefix) or called):
            return None
        return self._heard(event, text, channel, called, private=False)

    def private(self, event: Event, nick: str, isupport: Isupport) -> Heard | None:
        """A line to the bot alone is heard, unless it is empty."""
        text = plain(event.text)
        return self._heard(event, text, event.nick, addressed(text, nick, isupport), private=True) if text else None

    def _heard(self, event: Event, text: str, address: str, called: str, *, private: bool) -> Heard:
        at = self._clock()
        return Heard(
            id=f"{self._network}-{at:%Y%m%dT%H%M%S.%f}-{next(self._numbers)}",
            network=self._network,
            room=f"{self._network}:{address}",
            private=private,
            person=Person(name=event.nick),
            text=text,
            at=at,
            called=called,
        )


class Masks:
    """Who is not listened to: nicks, or `nick!user@host`, in which * and ? stand for anything."""

    def __init__(self, masks: Sequence[str]) -> None:
        self._masks = tuple(mask if "!" in mask else f"{mask}!*" for mask in masks)

    def have(self, source: str, isupport: Isupport) -> bool:
        """Whether one of them covers a `nick!user@host`, compared as the server compares nicks."""
        folded = isupport.fold(source if "!" in source else f"{source}!")
        return any(fnmatchcase(folded, isupport.fold(mask).replace("[", "[[]")) for mask in self._masks)


def addressed(text: str, nick: str, isupport: Isupport) -> str:
    """The nick as it stands at the start of a line with `:` or `,` behind it, else ""."""
    name, behind = text[: len(nick)], text[len(nick) : len(nick) + 1]
    return name if behind in (":", ",") and isupport.same(name, nick) else ""


def ctcp_answer(event: Event) -> str:
    """What to answer to a CTCP request (https://modern.ircdocs.horse/ctcp), "" for nothing."""
    command = event.arguments[0].upper() if event.arguments else ""
    if command == "VERSION":
        return f"VERSION {VERSION}"
    if command == "CLIENTINFO":
        return "CLIENTINFO CLIENTINFO PING VERSION"
    if command == "PING":
        return f"PING {plain(event.text)[:32]}" if len(event.arguments) > 1 else "PING"
    return ""
