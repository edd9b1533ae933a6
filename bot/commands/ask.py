"""What a verb is given, and what a verb is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.classify import Classify
from bot.links import Links
from bot.model import Signature, Window
from bot.plots import Plot
from bot.records import Failure
from bot.search import Search
from bot.store import Store
from bot.talk import Heard, Message, NetworkStatus, Picture


def every(failure: Failure) -> bool:
    """The filter of a room without feeds, and of a private talk."""
    return True


def no_query(id: str) -> str:
    """Where no index takes queries."""
    return ""


@dataclass(frozen=True, slots=True)
class Health:
    """How the bot is. `started`: since when it runs. `looked`: its last complete look at the index, None before the
    first. `took`: seconds of the last tick. `trouble`: all that does not work now, as
    `search: its sentence; network oftc: its sentence`, or "".
    """

    started: datetime
    looked: datetime | None = None
    took: float = 0.0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One heard line with all that an answer may come from.

    `words`: what stood behind the verb, `rest`: the same as it was typed (the dispatcher sets them). `passes`: does a
    feed of the room want this failure? `pipelines`: the watched ones. `query`: a signature's query as the index takes
    it, for links to a search page; where it gives "" there is no link.
    `reactions`: verbs by the reaction that asks them. `window`: the look-back as of now. `patience`:
    seconds that a search on the spot may take in all. `search`, `window` and `classify` are None where there is nothing
    to ask. `draw` is None where pictures cannot be drawn or shown, and gives None for one that could not be drawn.
    `kind`: of the network where it was heard. `private`: it is answered in private, too.
    """

    heard: Heard
    now: datetime
    store: Store
    health: Health
    signatures: Mapping[str, Signature]
    pipelines: tuple[str, ...]
    links: Links
    statuses: Callable[[], Sequence[NetworkStatus]]
    query: Callable[[str], str] = no_query
    passes: Callable[[Failure], bool] = every
    search: Search | None = None
    window: Window | None = None
    classify: Classify | None = None
    patience: float = 10.0
    draw: Callable[[Plot], Awaitable[Picture | None]] | None = None
    prefix: str = "!"
    private: bool = True
    reactions: Mapping[str, str] = field(default_factory=dict)
    kind: Literal["irc", "matrix", "console"] = "irc"
    words: tuple[str, ...] = ()
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Verb:
    """`usage` is what stands behind the name; `example` a whole line behind the prefix.

    `of_change`: alone in a reply to an announcement it is asked about that announcement's change.
    """

    name: str
    usage: str
    help: str
    example: str
    run: Callable[[Ask], Awaitable[Message]]
    of_change: bool = False
