"""What is said, in words: plain text of one line, and HTML. Pure: no client, no clock, no store.

Whatever came from a log, an index or a signature file is scrubbed here, and escaped in the HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import chain

from bot.incidents import Judged
from bot.links import Links, web
from bot.model import Build
from bot.reasons import telling
from bot.records import State
from bot.talk import Message
from bot.text import counted, cut, one_line, size

# The worst case of a line's budget on IRC (nick 30, user 11, host 64, channel 50): facts of RFC 2812 2.3 with the
# server's prefix before it. A text that fits here is never cut by the adapter.
LINE = 340
TITLE, REASON, JOB, NAME, RESULT, LINK = 70, 110, 80, 60, 20, 200
# A Matrix event has room for 64 kB, and an edit carries all of it twice; beyond this the text alone is shown.
HTML, HREF, CAUSES = 6000, 500, 5
ADVICE = {"recheck": "recheck ok", "wait": "wait before a recheck", "look": "look first"}


@dataclass(frozen=True, slots=True)
class Cause:
    """A signature as a message shows it. `count`: builds in 24 h inside the room's filter; `total`: in all."""

    id: str
    title: str = ""
    advice: str = ""
    bug: str = ""  # a URL, or ""
    count: int = 0
    total: int = 0

    @property
    def name(self) -> str:
        return f"#{cut(one_line(self.id), NAME)}"

    @property
    def often(self) -> str:
        return f"x{self.count}/24h" + (f" [{self.total}]" if self.total != self.count else "")


@dataclass(frozen=True, slots=True)
class Report:
    """One unit as one room may hear of it: the failures that pass, and how many others there are."""

    failures: Sequence[Judged]
    others: int
    causes: Mapping[str, Cause]
    signatures: int  # how many there are to ask


@dataclass(frozen=True, slots=True)
class Summary:
    """Many failures at once: builds and how many are known, causes with the most builds first."""

    builds: int
    known: int
    worst: Sequence[Cause]
    gap: tuple[datetime, datetime] | None = None


def change_message(report: Report, links: Links) -> Message:
    """What a room hears of a unit for the first time, or reads in an edit."""
    return Message(_fitting("", report, links), _html(report, links))


def corrected_message(report: Report, news: Sequence[Judged], also: bool, links: Links) -> Message:
    """A correction: the whole as an edit, and for networks that cannot edit one line about `news` alone ("": none)."""
    whole = change_message(report, links)
    if not news:
        return whole
    part = Report(news, 0, report.causes, report.signatures)
    return Message(whole.text, whole.html, _fitting("also: " if also else "now: ", part, links))


def catch_up(summary: Summary) -> Message:
    """Old news of a room, in one line."""
    return _plain(f"catching up, last 24 h: {_summed(summary)}" + _gap(summary.gap))


def digest(summary: Summary, changes: int, first: datetime, last: datetime) -> Message:
    """What was folded, in one line."""
    span = f"{first:%H:%M} to {last:%H:%M} UTC"
    return _plain(f"digest: {counted(changes, 'change')} failed {span}: {_summed(summary)}")


def _summed(summary: Summary) -> str:
    rate = f", {round(100 * summary.known / summary.builds)} % known" if summary.builds else ""
    worst = ", ".join(f"{cause.name} x{cause.count}" for cause in summary.worst)
    return counted(summary.builds, "failed build") + rate + (f", worst {worst}" if worst else "")


def _gap(gap: tuple[datetime, datetime] | None) -> str:
    if gap is None:
        return ""
    start, end = (f"{at.day} {at:%b %H:%M}" for at in gap)
    return f"; nothing was seen {start} to {end} UTC"


def _plain(text: str) -> Message:
    return Message(text, escape(text))


# -- one line -------------------------------------------------------------------------------------------------


def _fitting(lead: str, report: Report, links: Links) -> str:
    """The richest wording that fits into one line everywhere; the link is always kept."""
    link = _link(report.failures[0].build, links)
    tail = (f" +{counted(report.others, 'other job')}" if report.others else "") + (f" | {link}" if link else "")
    head = lead + _head(report.failures[0].build) + " failed: "
    text = ""
    for title, reason in ((TITLE, REASON), (TITLE, 50), (30, 30), (0, 0)):
        text = head + "; ".join(_parts(report, title, reason))
        if size(text + tail) <= LINE:
            return text + tail
    return cut(text, LINE - size(tail)) + tail


def _head(build: Build) -> str:
    project = one_line(build.project).rpartition("/")[2] or "?"
    what = f"{build.change},{build.patchset}" if build.change else (build.branch or build.ref or "?")
    return f"[{cut(project, NAME)}] {cut(one_line(build.pipeline), NAME)} {cut(one_line(what), NAME)}"


def _parts(report: Report, title: int, reason: int) -> list[str]:
    """Jobs of the same causes together, known ones first."""
    parts = []
    for ids, failures in _by_causes(report.failures).items():
        jobs = ", ".join(_job(one) for one in failures)
        if ids:
            parts.append(f"{jobs}: " + " ".join(_cause(report.causes[id], title) for id in ids))
        else:
            parts += [f"{_job(one)}: {_open(one, report.signatures, reason)}" for one in failures]
    return parts


def _by_causes(failures: Iterable[Judged]) -> dict[tuple[str, ...], list[Judged]]:
    grouped: dict[tuple[str, ...], list[Judged]] = {}
    for one in sorted(failures, key=lambda one: (one.state is not State.KNOWN, one.build.job)):
        grouped.setdefault(tuple(sorted(one.causes)), []).append(one)
    return grouped


def _job(one: Judged) -> str:
    job = cut(one_line(one.build.job), JOB)
    return job if one.build.result == "FAILURE" else f"{job} ({cut(one_line(one.build.result), RESULT)})"


def _cause(cause: Cause, title: int) -> str:
    if not title:
        return cause.name
    facts = ", ".join(word for word in (cause.often if cause.count else "", ADVICE.get(cause.advice, "")) if word)
    words = (cause.name, cut(one_line(cause.title), title), f"({facts})" if facts else "")
    return " ".join(word for word in words if word)


def _open(one: Judged, signatures: int, reason: int) -> str:
    """A failure without a signature: its most telling line, and what could not be asked."""
    if one.state is State.NOT_READY:
        return "logs not ready"
    words = "unknown"
    if reason:
        line = one.failure.reason
        if line:
            words += f' "{cut(telling(line), reason)}"'
        elif one.failure.reason_asked:
            words += ", no telling line"
    if one.unanswered:
        words += f" ({one.unanswered} of {signatures} signatures could not be asked)"
    return words


def _link(build: Build, links: Links) -> str:
    """The build's page, else its logs; none that would leave no room for words."""
    link = links.build(build.uuid) or web(build.log_url)
    return link if size(link) <= LINK else ""


# -- HTML -----------------------------------------------------------------------------------------------------


def _html(report: Report, links: Links) -> str:
    build = report.failures[0].build
    head = escape(_head(build))
    url = links.change(build.change)
    rows, left = "", list(chain.from_iterable(_by_causes(report.failures).values()))
    while left and size(rows + (row := _row(left[0], report, links))) <= HTML:
        rows += row
        left.pop(0)
    others = report.others + len(left)
    more = f"<li>and {counted(others, 'other job')}</li>" if others else ""
    return f"<b>{_anchor(head, url)}</b> failed:<ul>{rows}{more}</ul>"


def _row(one: Judged, report: Report, links: Links) -> str:
    job = _anchor(escape(_job(one)), _link(one.build, links))
    if one.causes:
        said = " ".join(_html_cause(report.causes[id]) for id in sorted(one.causes)[:CAUSES])
        said += f" and {len(one.causes) - CAUSES} more" if len(one.causes) > CAUSES else ""
    else:
        said = escape(_open(one, report.signatures, REASON))
        line = one.failure.reason
        said += f" {_anchor('log', web(line.log_url))}" if line and web(line.log_url) else ""
    return f"<li>{job}: {said}</li>"


def _html_cause(cause: Cause) -> str:
    rest = _cause(cause, TITLE).removeprefix(cause.name)
    return f"<b>{_anchor(escape(cause.name), cause.bug)}</b>{escape(rest)}"


def _anchor(html: str, url: str) -> str:
    linked = url.startswith(("http://", "https://")) and size(url) <= HREF
    return f'<a href="{escape(url)}">{html}</a>' if linked else html
