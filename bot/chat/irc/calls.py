"""What one connection and the network that it is one of say to each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.chat.irc.isupport import Isupport
from bot.talk import Heard


@dataclass(frozen=True)
class Calls:
    """What a connection tells the network that it is one of, and asks it.

    `hear` gets what may be a command; `registered`, that rooms can be dealt out; `full`, that the server lets it
    into this channel no more, those that it is in, and why; `is_ours`, whether a nick is one of the bot's.
    """

    hear: Callable[[Heard], None]
    registered: Callable[[Isupport], None]
    full: Callable[[str, Sequence[str], str], None]
    is_ours: Callable[[str], bool]
