"""Logging in with SASL (https://ircv3.net/specs/extensions/sasl-3.2), before the welcome or whenever it comes back."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Callable

from bot.chat.irc.capabilities import Capabilities
from bot.chat.irc.config import IrcConfig, SaslLogin
from bot.chat.irc.connection import Connection, Event
from bot.chat.irc.mechanisms import External, Mechanism, Plain
from bot.errors import PermanentError

CHUNK = 400  # characters of base64 in one line; a shorter one, or "+", is the last
# 903: logged in; 907: already logged in.
YES = frozenset({"903", "907"})
ENDED = "906"  # by the bot, or by a server whose services are gone: it says nothing of the account
# 902: the account must not be used now; 904: refused; 905: too long.
NO = frozenset({"902", "904", "905", ENDED})
MECHANISMS = "908"  # those that the server has; a 904 follows


class Sasl:
    """The logins of one connection; `trouble` says why the last one failed, "" if it did not.

    `refused`: whether services said no then to what the bot has to show, and will again; `unanswered`: whether the
    server said nothing in time, as where services hang.
    """

    def __init__(
        self,
        config: IrcConfig,
        login: SaslLogin,
        password: str | None,
        connection: Connection,
        capabilities: Capabilities,
    ) -> None:
        """`login`: the config's `sasl`, `password` its password, None where it has none."""
        self._step = config.timings.step
        self._login, self._password = login, password
        self._certificate = config.certfp is not None
        self._account = login.account or config.nick
        self._connection, self._capabilities = connection, capabilities
        self._lines: asyncio.Queue[Event] | None = None  # of the try that is on
        self._has: set[str] | None = None  # what the server has said that it has; None: it has not
        self.offered = asyncio.Event()
        self.returned = asyncio.Event()  # set when it comes to be offered; for whoever waits for that to clear
        self.trouble = ""
        self.refused = self.unanswered = False
        capabilities.changed = self._on_capabilities

    # -- what the server says -----------------------------------------------------------------------------------

    def listens(self) -> dict[str, Callable[[Event], None]]:
        """The kinds of lines that this wants to hear."""
        return dict.fromkeys(("authenticate", MECHANISMS, *YES, *NO), self._on_line)

    def _on_line(self, event: Event) -> None:
        if self._lines is not None:
            self._lines.put_nowait(event)

    def _on_capabilities(self) -> None:
        if not self._capabilities.has("sasl"):
            self.offered.clear()
        elif not self.offered.is_set():
            self.offered.set()
            self.returned.set()

    # -- what the bot does --------------------------------------------------------------------------------------

    async def authenticate(self) -> bool:
        """Try each way that both ends have, the best first, until one is accepted, or left without an answer."""
        self.returned.clear()
        if not self.offered.is_set():
            return self._failed("the server does not offer SASL now: are its services up?")
        named = self._capabilities.offered("sasl") or ""
        self._has = set(named.upper().split(",")) if named else None
        tries = [mechanism for mechanism in self._mechanisms() if self._available(mechanism.name)]
        if not tries:
            return self._failed(f"the server has none of the bot's mechanisms, but {named}")
        for mechanism in tries:
            if self._available(mechanism.name) and await self._try(mechanism):
                self.trouble, self.refused, self.unanswered = "", False, False
                return True
            if self.unanswered:
                break
        return False

    def _available(self, name: str) -> bool:
        return self._has is None or name in self._has

    def _mechanisms(self) -> list[Mechanism]:
        found: list[Mechanism] = [External()] if self._certificate else []
        if self._password is not None:
            from bot.chat.irc.scram import Scram

            scram = [Scram(name, self._account, self._password) for name in ("SCRAM-SHA-512", "SCRAM-SHA-256")]
            found += [*scram, Plain(self._account, self._password)]
        return [mechanism for mechanism in found if self._login.mechanism in (None, mechanism.name)]

    async def _try(self, mechanism: Mechanism) -> bool:
        lines = self._lines = asyncio.Queue()
        self._connection.send("AUTHENTICATE", mechanism.name)
        try:
            return await self._converse(mechanism, lines)
        except TimeoutError:
            if await self._abort(lines) and mechanism.proved:
                return True
            return self._failed(f"{mechanism.name}: no answer within {self._step:g} s", unanswered=True)
        except PermanentError as error:
            await self._abort(lines)
            return self._failed(f"{mechanism.name}: {error}", refused=True)
        finally:
            self._lines = None

    async def _abort(self, lines: asyncio.Queue[Event]) -> bool:
        """End a try at the server too, and hear it out: what it says would pass for an answer to the next try.

        Whether it has said yes meanwhile.
        """
        self._connection.send("AUTHENTICATE", "*")
        kind = ""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._step):
                while kind not in YES | NO:
                    kind = (await lines.get()).kind
        return kind in YES

    async def _converse(self, mechanism: Mechanism, lines: asyncio.Queue[Event]) -> bool:
        challenge = ""
        while True:
            async with asyncio.timeout(self._step):
                event = await lines.get()
            if event.kind == "authenticate":
                challenge += event.target.removeprefix("+") if len(event.target) == 1 else event.target
                if len(event.target) < CHUNK:
                    said, challenge = decoded(challenge), ""
                    self._send(await asyncio.to_thread(mechanism.answer, said))
            elif event.kind == MECHANISMS:
                self._has = set(event.arguments[0].upper().split(",")) if event.arguments else self._has
            elif event.kind in NO:
                why = f"{mechanism.name}: the server does not accept the account ({event.text})"
                return self._failed(why, refused=event.kind != ENDED)
            elif not mechanism.proved:
                return self._failed(f"{mechanism.name}: the server did not prove that it knows the password")
            else:
                return True

    def _send(self, answer: bytes) -> None:
        text = base64.b64encode(answer).decode()
        for start in range(0, len(text), CHUNK):
            self._connection.send("AUTHENTICATE", text[start : start + CHUNK])
        if len(text) % CHUNK == 0:
            self._connection.send("AUTHENTICATE", "+")

    def _failed(self, why: str, *, refused: bool = False, unanswered: bool = False) -> bool:
        self.trouble, self.refused, self.unanswered = f"SASL: {why}", refused, unanswered
        return False


def decoded(challenge: str) -> bytes:
    """What a server says in base64. Raises PermanentError: it is none."""
    try:
        return base64.b64decode(challenge)
    except ValueError:
        raise PermanentError("what the server says is no base64") from None
