"""How a room is spoken to: PRIVMSG or NOTICE, plain or with bold and colour."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from html.parser import HTMLParser

from bot.chat.irc.config import Formatting, IrcConfig
from bot.chat.irc.lines import formatted

log = logging.getLogger(__name__)


class Strong(HTMLParser):
    """Collects what stands in <b> and <strong>."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("b", "strong"):
            self._depth += 1
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("b", "strong"):
            self._depth = max(0, self._depth - 1)

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.found[-1] += data


def strong_in(html: str) -> tuple[str, ...]:
    """What a message's HTML sets in bold: the words that its text may set in bold, too."""
    parser = Strong()
    parser.feed(html)
    parser.close()
    return tuple(filter(None, parser.found))


class Manner:
    """What the config says of each room, and what a room has refused; one for all connections of a network."""

    def __init__(self, network: str, config: IrcConfig) -> None:
        self._network = network
        self._config = config
        self._rooms = {channel.lower(): own for channel, own in config.rooms.items()}
        self._plain: set[str] = set()

    def command(self, target: str) -> str:
        """How an announcement is said there: PRIVMSG or NOTICE."""
        own = self._rooms.get(target.lower())
        notice = self._config.notice if own is None or own.notice is None else own.notice
        return "NOTICE" if notice else "PRIVMSG"

    def formatting(self, target: str) -> Formatting:
        """What the room may get: "none" for good once it has refused more.

        A NOTICE gets none: ircd-hybrid drops one with formatting under +c without a word.
        """
        if target.lower() in self._plain or self.command(target) == "NOTICE":
            return "none"
        own = self._rooms.get(target.lower())
        return self._config.formatting if own is None or own.formatting is None else own.formatting

    def dress(self, target: str, line: str, strong: Sequence[str], space: int) -> str:
        """The line with what is `strong` in it marked, as far as the room allows it and `space` bytes hold it."""
        return formatted(line, strong, self.formatting(target), space)

    def drop_formatting(self, target: str) -> None:
        """The room refuses formatting: it gets none any more."""
        log.warning("irc room takes no formatting network=%s room=%s: left out from now on", self._network, target)
        self._plain.add(target.lower())
