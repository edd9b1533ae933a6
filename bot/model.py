"""The words of the project as frozen dataclasses; standard library only.

All times are aware datetimes in UTC. All of it is plain data: nothing here asks a clock, a store or a client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

EVERYBODY = "@room"  # among those who are mentioned: all who are in the room

# Results that count as a failure when Zuul reports a finished build (RETRY, SKIPPED, CANCELED, ABORTED do not).
FAILED_RESULTS = frozenset(
    {
        "FAILURE",
        "TIMED_OUT",
        "POST_FAILURE",
        "RETRY_LIMIT",
        "NODE_FAILURE",
        "DISK_FULL",
        "ERROR",
        "UNSTABLE",
    }
)


# -- answers --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Complete(Generic[T]):
    """All that was asked for was searched; what is not in `found` is not there."""

    found: T


@dataclass(frozen=True, slots=True)
class Unknown(Generic[T]):
    """Something could not be searched: `found` is real, but what is not in it may be there all the same.

    `why`: one plain sentence. `refused`: asking again gives the same (a 4xx for this very question).
    """

    why: str
    found: T
    refused: bool = False


# Has neither __bool__ nor __len__ nor __iter__: mypy's truthy-bool makes a caller match one of the two.
Answer = Complete[T] | Unknown[T]


# -- what the index has ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """Builds whose newest line lies in [start, end); their lines are counted and searched from `reach` before it.

    The reach keeps counts from shrinking as old lines leave the window.
    """

    start: datetime
    end: datetime
    reach: timedelta = timedelta(hours=24)

    @property
    def lines_from(self) -> datetime:
        return self.start - self.reach


@dataclass(frozen=True, slots=True)
class Where:
    """Which builds are meant; an empty tuple or text is no condition."""

    pipelines: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    uuids: tuple[str, ...] = ()
    change: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A build as a listing gives it: documents counted from Window.lines_from on, and its newest line's time."""

    uuid: str
    documents: int
    newest: datetime


@dataclass(frozen=True, slots=True)
class Build:
    """One run of a job, as Zuul names it. Texts are "" where the index has none."""

    uuid: str
    job: str
    result: str
    project: str = ""
    pipeline: str = ""
    branch: str = ""
    ref: str = ""
    change: str = ""
    patchset: str = ""
    buildset: str = ""
    voting: bool = True
    log_url: str = ""  # the folder of the build's logs, ending in "/", or ""
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One log line: `log_url` is the file's address, "" where the index has none."""

    at: datetime
    message: str
    filename: str = ""
    log_url: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One signature found in one build's logs: how often, when, and the first such line."""

    signature: str
    build: str
    count: int
    first: datetime
    last: datetime
    sample: Line | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """How many distinct builds of a pipeline, project and job ended with a result."""

    pipeline: str
    project: str
    job: str
    result: str
    builds: int


Totals = tuple[Ran, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the index, by the name it has there.

    `exact`: the path for exact clauses and aggregations (`build_name.keyword`, or the name itself), None if
    the index has none. `kind`: "text", "keyword", "number" or "date".
    """

    name: str
    kind: str
    exact: str | None


Fields = Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Profile:
    """How one layout of documents names things; the ready ones are in bot/search/profiles.py.

    `names`: our word (uuid, job, result, project, pipeline, branch, ref, change, patchset, buildset, voting,
    log_url, tenant, at, message, filename, tags) -> the document's field; a word that the layout lacks is absent.
    `aliases`: a field name that a signature may use -> the document's field.
    `base_names`: `filename` holds base names only (`screen-n-cpu.txt`, not `logs/screen-n-cpu.txt`).
    `short_uuid`: the field that holds the first 7 characters of the uuid, "" where the uuid's prefix serves.
    `further`: the layout's fields that are none of our words.
    `constant`: field -> the one value that it has in every document.
    """

    name: str
    names: Mapping[str, str]
    aliases: Mapping[str, str] = field(default_factory=dict)
    base_names: bool = False
    short_uuid: str = ""
    further: frozenset[str] = frozenset()
    constant: Mapping[str, str] = field(default_factory=dict)


# -- signatures -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signature:
    """One known cause. `digest` changes when what it finds may change (query, nonvoting)."""

    id: str
    query: str
    digest: str
    title: str = ""
    bug: str = ""  # a URL, a number, or "": then the id, if it is a number
    advice: str = ""  # "recheck", "wait", "look" or ""
    notify: bool = True  # False (suppress-notification): explains a build, and says nothing
    graph: bool = True  # False (suppress-graph)
    nonvoting: bool = False  # also explains and announces non-voting builds
    resolved_at: str = ""
    test_ids: tuple[str, ...] = ()


# -- chat -----------------------------------------------------------------------------------------------------

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
