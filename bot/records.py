"""What the store remembers, as frozen dataclasses: read and written whole, decided on by pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from bot.model import Build, Hit, Line
from bot.talk import Message, Said

ALL = "all"  # the signature id of an Unsearched that stands for more than ten


@dataclass(frozen=True, slots=True)
class Found:
    """A hit as the store has it. `quiet`: a new or changed signature found it in a build that was asked before."""

    hit: Hit
    at: datetime
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Unsearched:
    """A signature (or ALL, then `count` of them) that did not answer completely for a build, and when to ask again."""

    signature: str
    why: str
    tries: int
    next_try: datetime
    count: int = 1


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A signature (or ALL, then up to `count` of them) that did not answer for some builds of the look-back.

    `tries`: how often in a row at the most for one build. `why`: of one of them.
    """

    signature: str
    builds: int
    tries: int
    why: str
    count: int = 1


class State(Enum):
    """What is known of a failed build. The first three are said."""

    KNOWN = "known"  # a signature explains it
    UNKNOWN = "unknown"  # settled, and no signature explains it
    NOT_READY = "not ready"  # its logs still grow after wait_for_logs
    PENDING = "pending"  # neither settled nor known
    EXPLAINED = "explained"  # by a signature that says nothing (suppress-notification)
    NONVOTING = "non-voting"  # not announced and not counted


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed build as the store has it.

    `unit`: what speaks once (the buildset, or a made key). `first_seen`: when first listed; `waits_from`: the same,
    moved on by the time in which no search answered, since no deadline passes then. `documents` since `count_since`;
    `asked`: the documents at which its signatures were last asked, -1 for never. `old`: its newest line was
    over say_within old when first listed. `reason`: its most telling line; `reason_asked`: it was looked for.
    """

    build: Build
    unit: str
    first_seen: datetime
    waits_from: datetime
    newest: datetime
    documents: int
    count_since: datetime
    settled: bool = False
    old: bool = False
    asked: int = -1
    state: State = State.PENDING
    reason: Line | None = None
    reason_asked: bool = False
    found: tuple[Found, ...] = ()
    unsearched: tuple[Unsearched, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """What the incident step found changed; append only. `cause` is a signature's id, or ""."""

    at: datetime
    unit: str
    build: str
    state: State
    cause: str = ""


class Kind(Enum):
    """What a delivery is about."""

    CHANGE = "change"  # one unit: about is its key
    CATCH_UP = "catch-up"  # old news of a room
    DIGEST = "digest"  # folded rows of a room
    SAY = "say"  # an operator's own words


class Stage(Enum):
    """Where a delivery is; the last four are ends, each with a reason."""

    QUEUED = "queued"
    SENDING = "sending"
    SAID = "said"
    FAILED = "failed"
    EXPIRED = "expired"
    FOLDED = "folded"


@dataclass(frozen=True, slots=True)
class Spoke:
    """What a message said of one build."""

    build: str
    state: State
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one room: a row of the outbox, unique on (about, room, revision).

    `due` None: not yet to be claimed. `not_before`: put off after a temporary error. `message`, `key`, `spoke` and
    `replaces` are frozen by the claim; `doubt`: the far end may have it already, so it is tried again as it is.
    `gap`: of a catch-up, the time of which nothing was seen.
    """

    id: int
    kind: Kind
    about: str
    room: str
    revision: int
    created: datetime
    due: datetime | None
    stage: Stage = Stage.QUEUED
    reason: str = ""
    not_before: datetime | None = None
    tries: int = 0
    doubt: bool = False
    key: str = ""
    message: Message | None = None
    loud: bool = False
    mentions: tuple[str, ...] = ()
    wakes: bool = False
    spoke: tuple[Spoke, ...] = ()
    replaces: Said | None = None
    said: Said | None = None
    ended: datetime | None = None
    folded_into: int | None = None
    gap: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a claim freezes in a row. `loud`, `mentions` and `wakes` as in Post."""

    message: Message
    spoke: tuple[Spoke, ...] = ()
    loud: bool = False
    replaces: Said | None = None
    mentions: tuple[str, ...] = ()
    wakes: bool = False


@dataclass(frozen=True, slots=True)
class SignatureState:
    """The digest with which a signature was last asked of the look-back, and why it is off ("": it is not)."""

    id: str
    digest: str
    off: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """The little of a Failure that tells whether a tick has anything to do for it. `retry`: the next Unsearched's."""

    documents: int
    settled: bool
    asked: int
    state: State
    reason_asked: bool
    old: bool = False
    retry: datetime | None = None
