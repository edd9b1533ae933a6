"""The words of chat as frozen dataclasses: what is said, what is heard, and how a network is; standard library only.

All times are aware datetimes in UTC. All of it is plain data, as in `model`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

EVERYBODY = "@room"  # among those who are mentioned: all who are in the room
CREATOR_LEVEL = 2**53  # of who made a Matrix room of version 12 or later: over any level that can be given
OPERATOR, VOICED = 50, 25  # what the signs of an IRC channel's members are as levels
# How a room is with which nothing is wrong; and a connection that has nothing to do.
JOINED, WHEN_NEEDED, NOT_YET = "joined", "joined when needed", "not joined yet"
NOT_NEEDED = "not needed"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture beside a text; `alt` says the same in a sentence. Width and height in pixels; `name`: of its file."""

    png: bytes = field(repr=False)
    width: int
    height: int
    alt: str
    name: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is said. `text` is always real (bridges read it); `html` where the network shows it, "" for none.

    `changed`: what a network that cannot edit says instead of an edit, "" for silence. `picture`: shown below the text
    where the network shows any; only a reply has one, as the outbox keeps words alone.
    """

    text: str
    html: str = ""
    changed: str = ""
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the far end called what it got: what a later edit, reply or reaction refers to; "" on IRC.

    `anew`: what it was to replace is not there any more, so that it is a message of its own.
    """

    id: str = ""
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Who speaks. `name` is shown (nick, display name) and proves nothing: whoever comes first has it.

    `account` is who they are to the network (services account, Matrix id): what acts for a person trusts it alone. It
    is "" where the network does not know them, and where it did not say: then `doubt` is the reason, one sentence.
    `userhost` is where they come from on IRC (`user@host`), for telling people apart who have no account.
    `level` is theirs in the room where it was said: on Matrix the power level (CREATOR_LEVEL: above all), on IRC
    OPERATOR or VOICED. `verified`: it came encrypted from a device that is verified to be theirs (Matrix).
    `may_act`: the bot may change something because they say so (Matrix).
    """

    name: str
    account: str = ""
    level: int = 0
    userhost: str = ""
    doubt: str = ""
    verified: bool = False
    may_act: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """One line, reaction or removed reaction that may be meant for the bot.

    `room` is `NETWORK:ADDRESS`, in private the address that answers the person. `text` has the bot's name and
    prefix still on; `called` is that name as it stands there, "" if the line does not begin with it. `about`: id of
    the message it replies or reacts to. `removed`: what the network calls `about` is gone; where that was a reaction
    that was heard, commands get it as `reaction`, and in `about` the message it was on. `thread`: id of the first
    message of the thread it was said in (Matrix), "" outside of one.
    """

    id: str
    network: str
    room: str
    private: bool
    person: Person
    text: str
    at: datetime
    reaction: str = ""
    about: str = ""
    removed: bool = False
    thread: str = ""
    called: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """One message to one room. `key` is the same for the same thing said again (Matrix: transaction id).

    `answers`: what it replies to; such a post goes first and may have several lines. `first`: goes first, too.
    `replaces`: what was said and is now corrected. `loud`: may notify people (Matrix: m.text). `mentions`: whom, by
    Matrix id, or EVERYBODY in the room. Of a correction both say how the message as a whole is, and `wakes`, whether
    people are told of the correction, too: it is worse than what it corrects. `doubt_since`: where the far end may
    have it already, since when at the earliest.
    """

    room: str
    key: str
    message: Message
    loud: bool = False
    mentions: tuple[str, ...] = ()
    answers: Heard | None = None
    thread: str = ""
    replaces: Said | None = None
    first: bool = False
    wakes: bool = False
    doubt_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """How a network is: `state` is one word, `ready` says that announcements may be claimed.

    `rooms`: per room JOINED, WHEN_NEEDED, NOT_YET, or why not. `trouble`: one plain sentence for operators, "" when
    all is well. `lag`: how long the far end took to answer last. `who`: what the bot is there, in words. `error`: what
    broke last, at `erred`, also when all is well again. `connections`: the same of each, where a network has several.
    `pace`: how far apart messages have to be by the far end's limit, zero while none is known.
    `synced`: when the far end last told what is new. `saying`: how many posts are being said or wait for their turn,
    those of the outbox left out. `slowed`: how often in the last hour the far end asked for fewer requests.
    `device`: what the bot's own end is called, `fingerprint`: its key, by which others know it, `encryption`: how that
    is, in words; "" where there is none. `notices`: what happened since the start that operators have to know once.
    `next_try`: when the bot will try to be there again; None while it is there, or is trying.
    """

    name: str
    state: str
    ready: bool
    since: datetime | None = None
    trouble: str = ""
    rooms: Mapping[str, str] = field(default_factory=dict)
    lag: timedelta | None = None
    who: str = ""
    error: str = ""
    erred: datetime | None = None
    connections: tuple[NetworkStatus, ...] = ()
    pace: timedelta = timedelta(0)
    synced: datetime | None = None
    saying: int = 0
    slowed: int = 0
    device: str = ""
    fingerprint: str = ""
    encryption: str = ""
    notices: tuple[str, ...] = ()
    next_try: datetime | None = None


def room_address(room: str) -> tuple[str, str]:
    """`oftc:#openstack-nova` -> ("oftc", "#openstack-nova"); the address may hold colons."""
    network, _, address = room.partition(":")
    return network, address
