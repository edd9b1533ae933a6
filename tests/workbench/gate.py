"""A gate of some weeks that was made up, and what is true of it, counted from its own builds."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.model import FAILED_RESULTS, Build, Line, Window
from tests.search.contract import Logged, build
from tests.search.layouts import documents

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = Window(NOW - 10 * DAY, NOW + timedelta(hours=1))
PHRASES = ("alpha fault", "beta fault", "gamma fault", "delta fault")
DOTTED = "gate.lib.exceptions.MadeUpFault: was raised"  # a line of the newest build
QUERIES = {name: f'message:"{phrase}"' for name, phrase in zip(("a", "b", "c", "d"), PHRASES, strict=True)}
# How often a phrase stands in a failed and in a passed build.
SHARES = {"alpha fault": (0.3, 0.01), "beta fault": (0.2, 0.15), "gamma fault": (0.05, 0.0), "delta fault": (0.0, 0.0)}
JOBS = ("unit", "tempest-full", "grenade", "functional")
RESULTS = ("SUCCESS",) * 12 + ("FAILURE",) * 5 + ("TIMED_OUT", "POST_FAILURE", "CANCELED")


def made(seed: int, builds: int = 150, days: float = 14) -> list[Logged]:
    """Builds that ended within the last days, the newest one just now, and their lines of half an hour before."""
    chance = random.Random(seed)
    return [_one(number, chance, days) for number in range(builds)]


def _one(number: int, chance: random.Random, days: float) -> Logged:
    result = chance.choice(RESULTS)
    of = build(
        number,
        job=chance.choice(JOBS),
        result=result,
        pipeline=chance.choice(("gate", "gate", "gate", "check")),
        voting=chance.random() < 0.85,
    )
    ended = NOW - timedelta(seconds=int(days * 86400 * chance.random()) if number else 0)
    messages = [f"line {place} of nothing" for place in range(4)]
    for phrase, (failing, passing) in SHARES.items():
        if chance.random() < (failing if result in FAILED_RESULTS else passing):
            messages += [f"it was the {phrase} again"] * chance.randint(1, 3)
    chance.shuffle(messages)
    messages += [DOTTED] * (number == 0)
    steps = [timedelta(seconds=1800 * place // len(messages)) for place in reversed(range(len(messages)))]
    lines = (Line(ended - step, text, "job-output.txt", of.log_url) for step, text in zip(steps, messages, strict=True))
    return Logged(of, tuple(lines))


def as_documents(gate: Sequence[Logged]) -> Iterator[dict[str, Any]]:
    """In today's layout."""
    return documents("logsender", gate)


@dataclass(frozen=True)
class Seen:
    """A build of the window with what one phrase has in it: the times of its lines."""

    build: Build
    newest: datetime
    times: tuple[datetime, ...]


def seen(gate: Sequence[Logged], phrase: str, window: Window = WINDOW) -> list[Seen]:
    """The oracle: all builds of the window, by going through every line."""
    found = []
    for one in gate:
        newest = max(line.at for line in one.lines)
        if window.start <= newest < window.end:
            times = tuple(line.at for line in one.lines if phrase in line.message and line.at >= window.lines_from)
            found.append(Seen(one.build, newest, times))
    return found


def failed(one: Seen) -> bool:
    return one.build.voting and one.build.result in FAILED_RESULTS


def passed(one: Seen) -> bool:
    return one.build.voting and one.build.result == "SUCCESS"
