"""What a person makes of an announcement: which jobs of which change failed, and of what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

UNKNOWN = "unknown"
Told = tuple[str, str, str]  # change and patchset, job, cause
JOB = r"[\w.-]+(?: \([A-Z_]+\))?"
HEAD = re.compile(r"(?P<later>also: |now: )?\[(?P<project>[\w.-]+)\] (?P<pipeline>\S+) (?P<change>\d+,\d+) failed: ")
NEXT = re.compile(rf"; (?={JOB}(?:, {JOB})*: (?:#|unknown|logs))")
TAIL = re.compile(r"(?: \+\d+ other jobs?)?(?: \| \S+)?$")
CAUSE = re.compile(r"#([\w-]+)(?: \([^)]*\))?(?: |$)")
ROW = re.compile(r"<li>(?!and \d+ other jobs?</li>)(.*?)</li>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Line:
    """One announcement. `later`: it corrects or adds to an earlier one."""

    change: str
    causes: Mapping[str, frozenset[str]]  # per job
    later: bool = False

    def told(self) -> Iterator[Told]:
        return ((self.change, job, cause) for job, causes in self.causes.items() for cause in causes)


def is_announcement(text: str) -> bool:
    return HEAD.match(text) is not None


def of_line(text: str) -> Line:
    """An IRC or console line."""
    head = HEAD.match(text)
    assert head, f"not understood: {text}"
    causes: dict[str, frozenset[str]] = {}
    for part in NEXT.split(TAIL.sub("", text[head.end() :])):
        jobs, _, what = part.partition(": ")
        for job in jobs.split(", "):
            name = job.partition(" (")[0]
            causes[name] = causes.get(name, frozenset()) | _causes(what)
    return Line(head["change"], causes, bool(head["later"]))


def of_html(html: str) -> Line:
    """A Matrix message as a client shows it."""
    head = HEAD.match(TAG.sub("", html.partition("<ul>")[0]) + " ")
    assert head, f"not understood: {html}"
    causes: dict[str, frozenset[str]] = {}
    for row in ROW.findall(html):
        job, colon, what = unescape(TAG.sub("", row)).partition(": ")
        assert colon, f"not understood: {html}"
        name = job.partition(" (")[0]
        causes[name] = causes.get(name, frozenset()) | _causes(what)
    return Line(head["change"], causes)


def _causes(what: str) -> frozenset[str]:
    if what.startswith(UNKNOWN):
        return frozenset({UNKNOWN})
    assert what.startswith("#"), f"not understood: {what}"
    return frozenset(CAUSE.findall(what))


def told_by_lines(lines: Iterable[str]) -> set[Told]:
    """What a channel's readers know in the end: a later line of a change corrects what was said of its jobs."""
    known: dict[tuple[str, str], frozenset[str]] = {}
    for line in map(of_line, lines):
        for job, causes in line.causes.items():
            before = frozenset() if line.later else known.get((line.change, job), frozenset())
            known[line.change, job] = before | causes
    return {(change, job, cause) for (change, job), causes in known.items() for cause in causes}


def told_by_events(events: Iterable[Mapping[str, Any]]) -> set[Told]:
    """What a Matrix room shows in the end: the last edit of each message."""
    shown: dict[str, str] = {}
    for event in events:
        content = event["content"]
        relation = content.get("m.relates_to", {})
        if relation.get("rel_type") == "m.replace":
            shown[relation["event_id"]] = content["m.new_content"]["formatted_body"]
        else:
            shown[event["event_id"]] = content["formatted_body"]
    return {one for html in shown.values() for one in of_html(html).told()}
