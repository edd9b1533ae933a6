"""The words of builds, logs and signatures as frozen dataclasses; standard library only. Those of chat: `talk`.

All times are aware datetimes in UTC. All of it is plain data: nothing here asks a clock, a store or a client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

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
