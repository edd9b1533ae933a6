"""The bot's own `user@host`, as the server shows it to others: it takes room in every line."""

from __future__ import annotations

from collections.abc import Callable

from bot.chat.irc.connection import Event


class OwnHost:
    """`userhost`: "" until the server has told. `is_bot`: is that nick the bot's?"""

    def __init__(self, is_bot: Callable[[str], bool]) -> None:
        self._is_bot = is_bot
        self.userhost = ""

    def listens(self) -> dict[str, Callable[[Event], None]]:
        """The kinds of lines that this wants to hear."""
        return {"396": self._on_displayed, "chghost": self._on_changed}

    def on_joined(self, event: Event) -> None:
        """The bot's own JOIN has come back."""
        self.userhost = event.userhost

    def _on_displayed(self, event: Event) -> None:
        """396 HOST, or USER@HOST (ircd-hybrid, InspIRCd: "is now your displayed host")."""
        host = event.arguments[0] if event.arguments else ""
        user = self.userhost.partition("@")[0]
        self.userhost = host if "@" in host else f"{user}@{host}" if user else ""

    def _on_changed(self, event: Event) -> None:
        """CHGHOST USER HOST: https://ircv3.net/specs/extensions/chghost"""
        if self._is_bot(event.nick) and event.arguments:
            self.userhost = f"{event.target}@{event.arguments[0]}"
