"""The library's asyncio connection, made safe: bytes of any kind in, nothing but single lines out.

One reactor and one connection object per attempt: a TLS transport of the library's that was closed while its
peer was silent closes, when that peer dies at last, whatever the same object is connected to by then.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import irc.client_aio
from irc.connection import AioFactory
from jaraco.stream.buffer import LenientDecodingLineBuffer

from bot.chat.irc.isupport import Isupport
from bot.chat.irc.refusals import is_error

log = logging.getLogger(__name__)

BREAKS = re.compile(r"[\r\n\0]")
LONGEST_IN = 16_384  # bytes; 8191 of tags and a line are allowed (https://ircv3.net/specs/extensions/message-tags)
SECRETS = frozenset({"PASS", "AUTHENTICATE"})  # commands that have nothing else
NEXT_ADDRESS_AFTER = 0.25  # seconds; the next one of the host's is tried beside one that is silent (RFC 8305 5)
MOST_LOGGED = 20  # lines of one connection that could not be digested


@dataclass(frozen=True, slots=True)
class Event:
    """One inbound line. `kind`: the numeric, or the library's word in lower case ("join", "pubmsg", "error").

    `tags`: its message tags, "" for one without a value (https://ircv3.net/specs/extensions/message-tags).
    """

    kind: str
    source: str
    target: str
    arguments: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def nick(self) -> str:
        return self.source.partition("!")[0]

    @property
    def userhost(self) -> str:
        """`user@host` of who sent it, "" for a server."""
        return self.source.partition("!")[2]

    @property
    def text(self) -> str:
        return self.arguments[-1] if self.arguments else ""


class Buffer(LenientDecodingLineBuffer):  # type: ignore[misc]
    """Of a line that does not end nothing is kept: it is dropped up to its end, however long that takes to come."""

    buffer: bytes
    _too_long = False

    def feed(self, data: bytes) -> None:
        if self._too_long:
            _, end, data = data.partition(b"\n")
            self._too_long = not end
        super().feed(data)
        begun = self.buffer.rfind(b"\n") + 1
        if len(self.buffer) - begun > LONGEST_IN:
            self.buffer, self._too_long = self.buffer[:begun], True


class Protocol(irc.client_aio.IrcProtocol):  # type: ignore[misc]
    """Hands on why the connection ended, which the library drops."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.ended("" if exc is None else str(exc))


class Connection(irc.client_aio.AioConnection):  # type: ignore[misc]
    """One connection attempt and what comes of it.

    `listen` is called for each inbound line, `over` once with the reason ("" if none is known) at the end.
    """

    protocol_class = Protocol
    buffer_class = Buffer
    transport: asyncio.Transport | None = None
    connected: bool = False
    real_nickname: str = ""  # the library sets it only as it connects

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor)
        self.features = self.isupport = Isupport()
        self.listen: Callable[[Event], None] = lambda event: None
        self.over: Callable[[str], None] = lambda why: None
        self.lag: float | None = None  # seconds from the last PING to its PONG, or from a line to its echo
        self._asked: dict[str, float] = {}
        self.heard_at = 0.0  # the loop's clock at the last inbound byte
        self._skipped = 0

    async def open(self, host: str, port: int, nick: str, tls: ssl.SSLContext | None) -> None:
        """Connect, and write nothing yet. `nick`: what the bot will call itself. Raises OSError."""
        self.buffer = self.buffer_class()
        self.handlers: dict[str, Any] = {}
        self.server, self.real_server_name, self.real_nickname = host, "", nick
        secure = {} if tls is None else {"ssl": tls, "server_hostname": host}
        dial = AioFactory(happy_eyeballs_delay=NEXT_ADDRESS_AFTER, **secure)
        self.transport, _ = await dial(self.protocol_class(self, self.reactor.loop), (host, port))
        self.connected = True

    def process_data(self, data: bytes) -> None:
        """The guard of inbound lines: one that cannot be digested costs itself, not the connection."""
        self.heard_at = self.reactor.loop.time()
        self.buffer.feed(data)
        for line in self.buffer:
            if not line.strip() or len(line) > LONGEST_IN:
                continue
            try:  # the one broad guard of the adapter, for whatever a server or a person sends
                self._process_line(line)
            except Exception:
                self._skipped += 1
                level = logging.ERROR if self._skipped <= MOST_LOGGED else logging.DEBUG
                log.log(level, "irc line skipped server=%s line=%r", self.server, line[:200], exc_info=True)

    def _handle_other(self, arguments: list[str], command: str, source: Any, tags: Any) -> None:
        """The library counts on an argument of QUIT and PING. Who left without a reason has left all the same."""
        super()._handle_other(arguments or [""] if command in ("quit", "ping") else arguments, command, source, tags)

    def send_raw(self, string: str) -> None:
        """One line out, cut to what the server takes (ngircd hangs up on a longer one); after the end it goes nowhere.

        What it says is not logged: it may be a password.
        """
        if not self.connected or self.transport is None:
            return
        line, most = BREAKS.sub(" ", string).encode(errors="replace"), self.isupport.linelen - len(b"\r\n")
        if len(line) > most:
            command = string.split(" ", 1)[0]
            log.error("irc line cut server=%s command=%s bytes=%d most=%d", self.server, command, len(line), most)
        self.transport.write(line[:most] + b"\r\n")

    def send(self, *items: str, text: str | None = None) -> None:
        """A command with its parameters, `text` as the last one, which may have spaces.

        Of that the log has the command and its target at most: behind them may be a password or a key.
        """
        log.debug("irc out server=%s line=%r", self.server, " ".join(items[: 1 if items[0] in SECRETS else 2]))
        if items[0] == "PING" and text is not None:
            self._asked = {text: self.reactor.loop.time()}
        self.send_raw(" ".join(items) if text is None else f"{' '.join(items)} :{text}")

    def on_pong(self, event: Event) -> None:
        """The answer to a PING, with its token."""
        asked = self._asked.pop(event.text, None)
        if asked is not None:
            self.lag = self.reactor.loop.time() - asked

    def ended(self, why: str) -> None:
        """The far end, or the network, has closed it."""
        if self.connected:
            self.connected = False
            self.over(why)

    def abort(self) -> None:
        """Drop it at once, also when the peer is silent; what is still to be written is lost."""
        self.connected = False
        if self.transport is not None:
            self.transport.abort()

    disconnect = abort


class Reactor(irc.client_aio.AioReactor):  # type: ignore[misc]
    """The library's, for connections of ours."""

    connection_class = Connection


def new_connection() -> Connection:
    """A connection with a reactor of its own."""
    reactor = Reactor(loop=asyncio.get_running_loop())
    connection: Connection = reactor.server()

    def hand_on(_: Connection, event: Any) -> None:
        kind = getattr(event.type, "code", event.type)
        arguments = tuple(str(argument) for argument in event.arguments)
        tags = {tag["key"]: tag["value"] or "" for tag in event.tags or ()}
        heard = Event(kind, str(event.source or ""), str(event.target or ""), arguments, tags)
        if kind != "all_raw_messages":
            # Whole are the refusals alone: services may repeat a password, people say what is theirs.
            words = arguments if is_error(kind) else ()
            log.debug("irc in server=%s kind=%s source=%s words=%r", connection.server, kind, heard.source, words)
        connection.listen(heard)

    reactor.add_global_handler("all_events", hand_on)
    return connection
