"""The most telling line of a failed build: what it is looked for with, and how it is chosen. Pure.

One search gives at most LINES lines that have a failure word; the line with the strongest word is chosen, of those one
in job-output before one in another file, and of those the earliest, since consequences come later.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.model import Line
from bot.text import one_line

LINES = 100
WORDS = (
    "error",
    "errors",
    "exception",
    "fail",
    "failed",
    "failure",
    "fatal",
    "fault",
    "killed",
    "refused",
    "denied",
    "timeout",
    "traceback",
    "unreachable",
    '"timed out"',
    '"no space left"',
    '"not found"',
)
# The second is for engines that refuse a leading wildcard (`search.allow_expensive_queries: false`).
QUERIES = (
    f"message:({' OR '.join(WORDS)} OR *error OR *exception*)",
    f"message:({' OR '.join(WORDS)})",
)
# Strongest first; what Ansible and unittest print around every failure is weaker than any cause.
STRENGTH = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(\w*(Error|Exception|Fault)|[Ee]xceptions?(\.\w+)+)\b: ?\S",
        r"\b(FATAL|fatal|panic|Killed|No space left|[Uu]nreachable|[Tt]imed out|[Rr]efused|[Dd]enied)\b",
        r"\b(ERROR|Error|error)\b",
        r"\b(FAIL|FAILED|[Ff]ailed|[Ff]ailure|[Tt]imeout)\b",
    )
)
CONSOLE_NODE = re.compile(r"^[\w.-]+ \| ")
AROUND = re.compile(
    r"non-zero return code|InvocationError|exited with code|Traceback \(most recent call last\)"
    r"|ignored=|failed=0|0 failed|PLAY RECAP"
)


def most_telling(lines: Sequence[Line]) -> Line | None:
    """The line to show for a build, None where no line has a failure word."""
    ranked = [(strength, line) for line in lines if (strength := _strength(line.message)) is not None]
    if not ranked:
        return None
    return min(ranked, key=lambda pair: (pair[0], not pair[1].filename.startswith("job-output"), pair[1].at))[1]


def _strength(message: str) -> int | None:
    weaker = len(STRENGTH) if AROUND.search(message) else 0
    return next((weaker + rank for rank, word in enumerate(STRENGTH) if word.search(message)), None)


def telling(line: Line) -> str:
    """A log line as a reader wants it: without the node's name that the console puts before it."""
    return CONSOLE_NODE.sub("", one_line(line.message))
