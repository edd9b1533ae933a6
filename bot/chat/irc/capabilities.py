"""What a server can do beyond the RFC, and what of it is on (https://ircv3.net/specs/extensions/capability-negotiation)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.pace import Pace

# Asked for wherever they are offered; SASL only where the config wants it.
WANTED = frozenset(
    {
        "account-notify",
        "account-tag",
        "batch",
        "cap-notify",
        "chghost",
        "echo-message",
        "extended-join",
        "message-tags",
        "multi-prefix",
        "server-time",
        "setname",
        "userhost-in-names",
    }
)
# 421: unknown command, 410: unknown subcommand, 451: not registered. So say servers that know nothing of CAP.
UNKNOWN_TO_SERVER = ("410", "421", "451")


class Capabilities:
    """The capabilities of one connection. Ask with `has("echo-message")`; that may change while connected."""

    def __init__(self, connection: Connection, pace: Pace, *, sasl: bool = False) -> None:
        """`sasl`: whether the bot wants to log in with it."""
        self._connection, self._pace = connection, pace
        self._wanted = WANTED | ({"sasl"} if sasl else set())
        self._offered: dict[str, str] = {}
        self._on: set[str] = set()
        self._asked: list[set[str]] = []  # requests that wait for their answer
        self.listed = asyncio.Event()  # the server has said all that it offers, or that it knows nothing of it
        self.settled = asyncio.Event()  # and has answered what the bot asked for
        self.changed: Callable[[], None] = lambda: None  # called whenever what is offered or on has changed

    def ask(self) -> None:
        """Start: the server holds the welcome back until `end`, if it knows of capabilities."""
        self._connection.send("CAP", "LS", "302")

    def end(self) -> None:
        """Let the server go on with the welcome."""
        self._connection.send("CAP", "END")

    def has(self, name: str) -> bool:
        """Whether it is on now."""
        return name in self._on

    def offered(self, name: str) -> str | None:
        """The value with which the server offers it now, "" without one; None where it does not."""
        return self._offered.get(name)

    # -- what the server says -----------------------------------------------------------------------------------

    def on_unknown(self, event: Event) -> None:
        """One of UNKNOWN_TO_SERVER, before the welcome: nothing is offered."""
        if event.kind == "451" or "CAP" in event.arguments[:1]:
            self.listed.set()
            self.settled.set()

    def on_cap(self, event: Event) -> None:
        """A CAP line."""
        verb = event.arguments[0].upper() if event.arguments else ""
        words = event.text.split() if len(event.arguments) > 1 else []
        more = len(event.arguments) > 2 and event.arguments[1] == "*"
        match verb:
            case "LS":
                self._offer(words)
                if not more:
                    self._request(self._offered)
                    self.listed.set()
            case "NEW":
                self._offer(words)
                self._request(word.partition("=")[0] for word in words)
            case "DEL":
                for word in words:
                    self._offered.pop(word, None)
                    self._on.discard(word)
            case "ACK":
                self._on_taken(words)
            case "NAK":
                self._on_refused(set(words))
            case _:
                return
        if self.listed.is_set() and not self._asked:
            self.settled.set()
        self.changed()

    def _offer(self, words: Iterable[str]) -> None:
        for word in words:
            name, _, value = word.partition("=")
            self._offered[name] = value

    def _request(self, names: Iterable[str]) -> None:
        wanted = (self._wanted & set(names)).difference(self._on, *self._asked)
        # Apart from the others: it comes and goes with the services, and a refusal is of all that one line names.
        for request in (wanted - {"sasl"}, wanted & {"sasl"}):
            self._ask_for(request)

    def _ask_for(self, request: set[str] | frozenset[str]) -> None:
        if request:
            self._asked.append(set(request))
            if self.settled.is_set():  # as others do, what the start takes is not counted
                self._pace.charge()
            self._connection.send("CAP", "REQ", text=" ".join(sorted(request)))

    def _on_taken(self, words: Iterable[str]) -> None:
        for word in words:
            name = word.lstrip("-~=")
            if word.startswith("-"):
                self._on.discard(name)
            else:
                self._on.add(name)
            for request in self._asked:
                request.discard(name)
        self._asked = [request for request in self._asked if request]

    def _on_refused(self, names: set[str]) -> None:
        """Of several each is asked for again, alone."""
        request = next((request for request in self._asked if request & names), None)
        if request is None:
            return
        self._asked.remove(request)
        if len(request) > 1:
            for name in sorted(request):
                self._ask_for({name})
