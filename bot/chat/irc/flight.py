"""Lines on their way to one target, and how they ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bot.chat.irc.lines import plain
from bot.chat.irc.refusals import NO_FORMATTING, NOT_THERE, SPEECH_AGAIN_IN, SPEECH_LATER, of_speech
from bot.errors import PermanentError, TemporaryError


@dataclass(frozen=True, slots=True)
class Written:
    """A line that the server has been sent, and when, by the loop's clock."""

    text: str
    at: float


@dataclass(eq=False)
class Flight:
    """`over` is set when the server has all lines, or `error` says why not.

    `unheard`: the lines that have not come back, oldest first, where the server echoes (`echoes`). `dressed`: the line
    has formatting, `undress`: for which alone it was refused.
    """

    target: str
    room: str
    token: str
    echoes: bool = False
    written: int = 0
    unheard: list[Written] = field(default_factory=list)
    whole: bool = False  # nothing more will be written
    dressed: bool = False
    undress: bool = False
    error: Exception | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, error: Exception | None = None) -> None:
        if not self.over.is_set():
            self.error = error
            self.over.set()

    def write(self, text: str, at: float) -> None:
        self.written += 1
        self.unheard.append(Written(text, at))

    def land(self) -> None:
        """Nothing more will be written: all that is still to come are echoes."""
        self.whole = True
        self._look()

    def waits_for(self, text: str) -> bool:
        """Whether a line of it may come back as `text`: a channel may have formatting taken off."""
        return any(plain(line.text) == plain(text) for line in self.unheard)

    def heard(self, text: str) -> float:
        """A line has come back, the oldest if a filter of the server's changed it: when it was written."""
        line = next((line for line in self.unheard if plain(line.text) == plain(text)), self.unheard[0])
        self.unheard.remove(line)
        self._look()
        return line.at

    def _look(self) -> None:
        if self.echoes and self.whole and not self.unheard:
            self.end()

    def refused(self, kind: str, text: str) -> None:
        """The server says that a line was not passed on. Which one it does not say: of several some may have been."""
        why = f"({kind}: {text})"
        if self.dressed and NO_FORMATTING.search(text):
            self.undress = True
            self.end()
        elif kind in SPEECH_LATER:
            says = f"{self.room}: {SPEECH_LATER[kind]} {why}"
            self.end(TemporaryError(says, doubt=self.written > 1, retry_after=SPEECH_AGAIN_IN))
        elif kind in NOT_THERE:
            self.end(TemporaryError(f"{self.room}: the bot is not in the channel {why}", doubt=self.written > 1))
        else:
            self.end(PermanentError(f"{self.room}: {of_speech(kind, text)}"))

    def broken(self, why: str) -> None:
        """The server will say no more about it."""
        self.end(TemporaryError(f"{self.room}: said, but not confirmed: {why}", doubt=True))
