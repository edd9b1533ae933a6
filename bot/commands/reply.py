"""Replies put together: parts joined into one line of text that fits IRC, and the same as HTML with links in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from bot.talk import Message
from bot.text import cut, one_line, size

LIMIT = 400  # bytes of UTF-8 that a reply of one line has at most
LONGEST_LINK = 250
PROJECT, JOB, TITLE, REASON = 40, 60, 60, 100  # bytes of what others named


@dataclass(frozen=True, slots=True)
class Link:
    """A word that is a link where the network shows HTML; without an address it is the word."""

    shown: str
    url: str


Piece = str | Link
Part = str | Sequence[Piece]


def reply(parts: Iterable[Part], tail: str = "", *long: Link, spared: str = "") -> Message:
    """One line of at most LIMIT bytes; empty parts are left out.

    `tail`: an address that the cut spares, behind the words `spared`. `long`: links for which only the HTML has room.
    """
    kept = [pieces for part in parts if _text(pieces := [part] if isinstance(part, str) else list(part))]
    end = "".join(f" | {one}" for one in (spared, tail if size(tail) <= LONGEST_LINK else "") if one)
    text = cut(one_line(" | ".join(_text(pieces) for pieces in kept)), LIMIT - size(end)) + end
    html = " | ".join([*(_html(pieces) for pieces in kept), *([_html([spared])] if spared else [])])
    links = [Link("link", tail), *long]
    return Message(text, " | ".join([html, *(_anchor(link.shown, link.url) for link in links if link.url)]))


def lines(messages: Sequence[Message]) -> Message:
    """Several lines in one reply."""
    return Message("\n".join(one.text for one in messages), "<br>".join(one.html for one in messages))


def short(text: str, most: int) -> str:
    """A name or line that came from outside: one line, cut."""
    return cut(one_line(text), most)


def project(name: str) -> str:
    """A project without its organisation."""
    return short(name.rpartition("/")[2], PROJECT) or "?"


def ago(at: datetime, now: datetime) -> str:
    """`40s`, `4m`, `2h` or `3d` ago."""
    return f"{span(now - at)} ago"


def span(length: timedelta) -> str:
    """A length of time in its largest unit, from two of it on (`90m`, then `2h`)."""
    seconds = max(0, int(length.total_seconds()))
    for unit, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * unit:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"


def clock(at: datetime, now: datetime) -> str:
    """`12:04Z`, or `20 Nov 12:04Z` on another day."""
    return f"{at:%H:%M}Z" if at.date() == now.date() else f"{at.day} {at:%b %H:%M}Z"


def _text(pieces: Sequence[Piece]) -> str:
    return "".join(piece if isinstance(piece, str) else piece.shown for piece in pieces)


def _html(pieces: Sequence[Piece]) -> str:
    return "".join(_escaped(p) if isinstance(p, str) else _anchor(p.shown, p.url) for p in pieces)


def _escaped(piece: str) -> str:
    # The outer letters keep the spaces at its ends, which part it from the next piece.
    return escape(one_line(f"x{piece}x")[1:-1])


def _anchor(shown: str, url: str) -> str:
    text = _escaped(shown)
    return f'<a href="{escape(url)}">{text}</a>' if url else text
