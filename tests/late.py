"""Seeded schedules by which a failed build's lines reach an index: late, out of order, twice, with wrong clocks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.model import Build, Line
from bot.records import State
from tests.fakes import BANG, BOOM, MINUTE, signature

CRASH = signature("1003", 'filename:"syslog.txt" AND message:"crash"', title="It crashes")
SIGNATURES = (BOOM, BANG, CRASH)
FILES = ("job-output.txt", "syslog.txt", "screen-n-cpu.txt", "screen-q-svc.txt")
SECOND = timedelta(seconds=1)
LAST = 40 * MINUTE  # the longest that a line is on its way


@dataclass(frozen=True)
class Arrival:
    """Lines of one build that can be found from `at` on."""

    at: datetime
    build: Build
    lines: tuple[Line, ...]

    def shows(self, id: str) -> bool:
        """Is there a line that a signature matches? By how it was planted, not by a search."""
        return any(one.message == word(id) and one.filename == file(id, one.filename) for one in self.lines)


@dataclass(frozen=True)
class Schedule:
    """A build and how its lines arrive, by time. `causes`: the signatures that match in the end."""

    build: Build
    arrivals: tuple[Arrival, ...]
    causes: frozenset[str]

    @property
    def state(self) -> State:
        """In the end."""
        return State.KNOWN if self.causes else State.UNKNOWN


def word(id: str) -> str:
    return {BOOM.id: "it went boom", BANG.id: "it went bang", CRASH.id: "crash"}[id]


def file(id: str, otherwise: str) -> str:
    return "syslog.txt" if id == CRASH.id else otherwise


def schedule(build: Build, ended: datetime, random_: random.Random) -> Schedule:
    """Its node's clock is up to 10 minutes off. Some builds get one more file 40 minutes after they had settled.

    Of others a file comes line by line, for so long that its logs are said not to be ready.
    """
    off = timedelta(seconds=random_.uniform(-600, 600))
    causes = random_.choices([(), (BOOM.id,), (BANG.id,), (CRASH.id,), (BOOM.id, CRASH.id)], [4, 2, 2, 2, 2])[0]
    slow = random_.random() < 0.2
    names = set(random_.sample(FILES, random_.randint(1, len(FILES))))
    homes = {id: file(id, random_.choice(sorted(names))) for id in causes}
    arrivals: list[Arrival] = []
    for name in sorted(names | set(homes.values())):
        many = 20 if slow else random_.randint(2, 9)
        lines = [Line(ended + off - n * SECOND, f"Error: {name} {n}") for n in range(many)]
        lines += [Line(ended + off - 30 * SECOND, word(id)) for id, home in homes.items() if home == name]
        random_.shuffle(lines)
        lines = [Line(one.at, one.message, name, f"https://logs.example/{build.uuid}/{name}") for one in lines]
        if slow:
            arrivals += [Arrival(ended + n * 100 * SECOND, build, (line,)) for n, line in enumerate(lines)]
        else:
            arrivals += _of_file(build, lines, ended, random_)
    arrivals.sort(key=lambda one: one.at)
    if random_.random() < 0.4:
        arrivals.append(_straggler(arrivals, random_))
    return Schedule(build, tuple(arrivals), frozenset(causes))


def _of_file(build: Build, lines: Sequence[Line], ended: datetime, random_: random.Random) -> Iterator[Arrival]:
    """A file comes in up to three parts, 1 s to 40 min after the end; logsender may send all of it once more."""
    parts = random_.randint(1, 3)
    for part in range(parts):
        at = ended + timedelta(seconds=LAST.total_seconds() ** random_.random())
        if some := tuple(lines[part::parts]):
            yield Arrival(at, build, some)
    if random_.random() < 0.3:
        yield Arrival(ended + random_.random() * LAST, build, tuple(lines))


def _straggler(arrivals: list[Arrival], random_: random.Random) -> Arrival:
    """One of its parts (often the one that explains it) comes only when the build has been settled for 40 minutes."""
    shown = [one for one in arrivals if any(one.shows(own.id) for own in SIGNATURES)]
    left = random_.choice(shown or arrivals)
    if len(arrivals) > 1:
        arrivals.remove(left)
    settled = arrivals[-1].at + 5 * MINUTE
    return Arrival(settled + LAST + random_.random() * 5 * MINUTE, left.build, left.lines)
