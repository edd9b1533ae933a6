"""The chat contract: one connection to one network. It imports none of its adapters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.talk import Heard, NetworkStatus, Post, Said

Hear = Callable[[Heard], Awaitable[None]]


class Chat(Protocol):
    """One configured network, by the name it has in the config file."""

    name: str

    async def run(self, heard: Hear) -> None:
        """Connect and stay connected until cancelled; call `heard` for each line that may be a command.

        What passes by itself (a broken connection, a server that is down) is tried again for ever, with
        back-off, and shows in `status()`. Raises PermanentError for what only an operator can mend (a file
        that cannot be read). Cancelled, it says goodbye and leaves within 2 s. An exception out of
        `heard` is a defect of the caller's; it must not cost the connection.
        """

    async def say(self, post: Post) -> Said:
        """Return when the far end has it: that is the back-pressure.

        A post with `answers` or `first` goes ahead of those without. The same key said twice is shown once where the
        network can do that (Matrix), and may be shown twice where it cannot (IRC, console).
        Raises TemporaryError (with `doubt` if the far end may have it) and PermanentError, both with one
        plain sentence that names the room; nothing else.
        """

    def status(self) -> NetworkStatus:
        """How it is now. Cheap, never blocks; `rooms` are keyed by full room name (`NETWORK:ADDRESS`)."""
