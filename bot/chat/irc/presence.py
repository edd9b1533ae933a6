"""The bot's own comings and goings, as the server tells of them."""

from __future__ import annotations

from collections.abc import Callable

from bot.chat.irc.config import channel_fault
from bot.chat.irc.connection import Event
from bot.chat.irc.ownhost import OwnHost
from bot.chat.irc.rooms import Rooms


class Presence:
    """Keeps `rooms` and `host` right. `is_bot`: is that nick the bot's?"""

    def __init__(self, rooms: Rooms, host: OwnHost, is_bot: Callable[[str], bool]) -> None:
        self._rooms, self._host, self._is_bot = rooms, host, is_bot

    def listens(self) -> dict[str, Callable[[Event], None]]:
        """The kinds of lines that this wants to hear."""
        return {
            "invite": lambda event: self._rooms.on_invited(event.text),
            "join": self._on_join,
            "kick": self._on_kick,
            "mode": lambda event: self._rooms.on_heard_again(event.target),
            "part": self._on_part,
        }

    def _on_join(self, event: Event) -> None:
        if self._is_bot(event.nick) and not channel_fault(event.target):
            self._host.on_joined(event)
            self._rooms.on_joined(event.target)

    def _on_part(self, event: Event) -> None:
        if self._is_bot(event.nick):
            self._rooms.on_thrown_out(event.target, "the network took the bot out of it")

    def _on_kick(self, event: Event) -> None:
        if event.arguments and self._is_bot(event.arguments[0]):
            self._rooms.on_thrown_out(event.target, f"kicked by {event.nick} ({' '.join(event.arguments[1:])})")
