"""What a server says about itself in numeric 005, read leniently."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.irc.config import CHANNEL_SIGNS
from bot.chat.irc.lines import LINELEN

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER = UPPER.lower()
# https://modern.ircdocs.horse/#casemapping-parameter
CASEMAPPINGS = {
    "ascii": str.maketrans(UPPER, LOWER),
    "rfc1459": str.maketrans(UPPER + "[]\\~", LOWER + "{}|^"),
    "strict-rfc1459": str.maketrans(UPPER + "[]\\", LOWER + "{}|"),
}
MOST_DIGITS = 9
CHANMODES = "beI,k,l,imnpst"  # https://modern.ircdocs.horse/#channel-modes, where a server does not say
RFC1459 = CASEMAPPINGS["rfc1459"]  # what holds where a server says nothing, or something else


class Isupport:
    """Takes the place of the library's FeatureSet, which raises on a malformed token and loses those behind it."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}

    def load(self, arguments: Sequence[str]) -> None:
        """The parameters of one 005 line: nick, tokens, "are supported by this server"."""
        for token in arguments[1:-1]:
            name, _, value = token.partition("=")
            if name.startswith("-"):
                self._tokens.pop(name[1:].upper(), None)
            else:
                self._tokens[name.upper()] = value

    def fold(self, name: str) -> str:
        """A nick or a channel in the form in which equal ones are equal (CASEMAPPING)."""
        return name.translate(CASEMAPPINGS.get(self._tokens.get("CASEMAPPING", "").lower(), RFC1459))

    def same(self, one: str, other: str) -> bool:
        """Whether two nicks or channels are the same one to the server."""
        return self.fold(one) == self.fold(other)

    @property
    def bot_mode(self) -> str:
        """The user mode that marks a bot, "" where there is none."""
        return self._tokens.get("BOT", "")[:1]

    @property
    def prefixes(self) -> dict[str, str]:
        """The modes that a member of a channel may have, and the sign for each in front of their nick."""
        modes, _, signs = self._tokens.get("PREFIX", "(ov)@+").removeprefix("(").partition(")")
        return dict(zip(modes, signs, strict=False))

    def has_argument(self, mode: str, adding: bool) -> bool:
        """Whether a channel mode comes with an argument (CHANMODES: lists, always, when set, never)."""
        lists, always, when_set, *_ = *self._tokens.get("CHANMODES", CHANMODES).split(","), "", "", ""
        return mode in self.prefixes or mode in lists + always or (adding and mode in when_set)

    @property
    def monitor(self) -> bool:
        """Whether the server tells when a nick gets free (https://ircv3.net/specs/extensions/monitor)."""
        return "MONITOR" in self._tokens

    @property
    def whox(self) -> bool:
        """Whether WHO takes a list of fields (https://ircv3.net/specs/extensions/whox)."""
        return "WHOX" in self._tokens

    @property
    def channellen(self) -> int:
        """Bytes of the longest channel's name, 0 where the server does not say."""
        return _number(self._tokens.get("CHANNELLEN", "")) or 0

    @property
    def chanlimits(self) -> dict[str, int]:
        """In how many channels one connection may be, by the signs in front of them (CHANLIMIT, else MAXCHANNELS)."""
        named = self._tokens.get("CHANLIMIT") or f"{CHANNEL_SIGNS}:{self._tokens.get('MAXCHANNELS', '')}"
        pairs = (pair.partition(":") for pair in named.split(","))
        numbers = ((signs, _number(most)) for signs, _, most in pairs)
        return {signs: most for signs, most in numbers if signs and most is not None}

    @property
    def linelen(self) -> int:
        """Bytes of a line with its CR LF, never under the 512 of the RFC."""
        return max(LINELEN, _number(self._tokens.get("LINELEN", "")) or 0)


def _number(value: str) -> int | None:
    """What a token says in digits, None where it says nothing that can be meant (int() raises on 4,300 digits)."""
    return int(value) if value.isdecimal() and len(value) <= MOST_DIGITS else None
