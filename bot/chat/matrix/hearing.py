"""From an event to what the bot hears: which text is meant for it; pure."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from nio import BadEvent, Event, ReactionEvent, RedactionEvent, RoomMessageText

from bot.chat.matrix.config import Acting
from bot.chat.matrix.globs import matches_any
from bot.chat.matrix.levels import Levels
from bot.chat.matrix.mapping import mapping
from bot.talk import Heard, Person

# What older clients put before a reply: the quoted lines and an empty one.
_REPLY_QUOTE = re.compile(r"(?:> ?[^\n]*\n)+\n?")
_PILL = re.compile(r'\s*(?:<p>\s*)?<a [^>]*?href="([^"]*)"[^>]*>([^<]*)</a>')
_WORD = re.compile(r"[A-Za-z]{1,20}[?!.]?")
_VERB = re.compile(r"[^\W_][^\s:]{0,29}(?:\s|$)")  # an id of room version 12 has no colon, but 43 letters
_MARKDOWN_PILL = re.compile(r"\s*\[([^\]]*)\]\(([^)\s]*)\)")


@dataclass(frozen=True, slots=True)
class Ear:
    """What must be known of a room to understand what is said in it.

    `room`: its full name. `me`: the bot's Matrix id. `prefix`: with it a line is a command. `names`: what else
    people call the bot there. `private`: only the bot and one person are in it. `people`: display names by Matrix id,
    the speaker's at least. `levels`: who has which power there. `ignored`: Matrix ids with * and ? who are not heard.
    `acting`: because of whom the bot may act there.
    """

    network: str
    room: str
    me: str
    prefix: str
    names: Collection[str]
    private: bool
    people: Mapping[str, str]
    levels: Levels
    ignored: Sequence[str] = ()
    acting: Acting = field(default_factory=Acting)

    def person(self, user: str, verified: bool) -> Person:
        """The allow-list goes first: an operator need not have power in a room."""
        level, needed = self.levels.of(user), self.acting.level
        may_act = matches_any(user, self.acting.people) or (needed is not None and level >= needed)
        return Person(self.people.get(user) or user, user, level, verified=verified, may_act=may_act)


def hear(event: Event, ear: Ear, now: datetime, oldest: timedelta) -> Heard | None:
    """What the event says to the bot, or None.

    Nothing from the bot itself, no notices (bots must not answer bots), no edits, nothing older than `oldest`.
    """
    redacts = _redacts(event)
    if not isinstance(event, RoomMessageText | ReactionEvent) and not redacts:  # and no event that could not be read
        return None
    if not is_listened_to(event, ear, now, oldest):
        return None
    at = _time(event.server_timestamp, now)
    if isinstance(event, ReactionEvent):
        return _heard(event, ear, at, text="", reaction=event.key, about=event.reacts_to)
    if redacts:
        return _heard(event, ear, at, text="", about=redacts, removed=True)
    content = mapping(event.source.get("content"))
    relation = mapping(content.get("m.relates_to"))
    if relation.get("rel_type") == "m.replace":
        return None
    text, called = addressed(content, ear)
    about, thread = _replied_to(relation), _thread(relation)
    # A word alone in a reply may be a verb about what it replies to.
    alone = bool(about or thread) and _WORD.fullmatch(text) is not None
    if not text or not (ear.private or called or alone or is_verb(text, ear.prefix)):
        return None
    return _heard(event, ear, at, text=text, called=called, about=about, thread=thread)


def is_listened_to(event: Event, ear: Ear, now: datetime, oldest: timedelta) -> bool:
    """Is it from somebody else, who is not to be ignored, and not too old?"""
    from_others = event.sender != ear.me and not matches_any(event.sender, ear.ignored)
    return from_others and now - _time(event.server_timestamp, now) <= oldest


def _redacts(event: Event) -> str:
    """The id of what an m.room.redaction takes away.

    From version 11 of rooms on it may stand in the content alone, which nio finds bad:
    https://spec.matrix.org/v1.16/client-server-api/#mroomredaction
    """
    if not isinstance(event, RedactionEvent | BadEvent) or event.source.get("type") != "m.room.redaction":
        return ""
    return _text(event.source.get("redacts")) or _text(mapping(event.source.get("content")).get("redacts"))


def addressed(content: Mapping[str, Any], ear: Ear) -> tuple[str, str]:
    """The text as typed (a leading mention as its display text), and the bot's name if it begins with that.

    Behind a mention or the whole Matrix id a colon is put where there is none, so that it reads as a name does.
    """
    body = _text(content.get("body"))
    if "m.in_reply_to" in mapping(content.get("m.relates_to")):
        quote = _REPLY_QUOTE.match(body)
        body = body[quote.end() :] if quote else body
    body, pilled = _without_markdown(body, ear.me)
    text = body.strip()
    for name in (*pilled, *_pill_names(_text(content.get("formatted_body")), ear.me), ear.me):
        rest = text[len(name) :]
        if name and text.startswith(name) and (not rest or rest[0] in ":," or rest[0].isspace()):
            return f"{name}:{rest.removeprefix(':').removeprefix(',')}", name
    for name in ear.names:
        start, behind = text[: len(name)], text[len(name) : len(name) + 1]
        if name and start.casefold() == name.casefold() and behind in (":", ","):
            return text, start
    return text, ""


def is_verb(text: str, prefix: str) -> bool:
    """Does a word follow the prefix? `!!!` asks nothing, and a room's id is none (`!abc:example.org`)."""
    return text.startswith(prefix) and _VERB.match(text, len(prefix)) is not None


def _pill_names(formatted: str, me: str) -> list[str]:
    match = _PILL.match(formatted)
    return [html.unescape(match[2]).strip()] if match and _points_to(html.unescape(match[1]), me) else []


def _without_markdown(body: str, me: str) -> tuple[str, list[str]]:
    """Some clients write a mention into the plain body as `[name](https://matrix.to/#/@bot:server)`."""
    match = _MARKDOWN_PILL.match(body)
    if match is None or not _points_to(match[2], me):
        return body, []
    return match[1] + body[match.end() :], [match[1]]


def _points_to(link: str, me: str) -> bool:
    """https://spec.matrix.org/v1.15/appendices/#uris: matrix.to links and matrix: URIs."""
    target = unquote(link).partition("?")[0]
    return target in (f"https://matrix.to/#/{me}", f"matrix:u/{me[1:]}")


def _heard(
    event: Event,
    ear: Ear,
    at: datetime,
    *,
    text: str,
    about: str,
    reaction: str = "",
    thread: str = "",
    called: str = "",
    removed: bool = False,
) -> Heard:
    return Heard(
        id=event.event_id,
        network=ear.network,
        room=ear.room,
        private=ear.private,
        person=ear.person(event.sender, event.verified),  # an encrypted event, whose device its sender has signed
        text=text,
        at=at,
        reaction=reaction,
        about=about,
        removed=removed,
        thread=thread,
        called=called,
    )


def _time(milliseconds: int, now: datetime) -> datetime:
    """The sender's server's time, which may be any number; never in the future."""
    latest = int(now.timestamp() * 1000)
    return datetime.fromtimestamp(max(0, min(milliseconds, latest)) / 1000, UTC)


def _replied_to(relation: Mapping[str, Any]) -> str:
    # In a thread, clients without threads get the thread's last message as a stand-in; nobody replied to it.
    if relation.get("rel_type") == "m.thread" and relation.get("is_falling_back") is True:
        return ""
    return _text(mapping(relation.get("m.in_reply_to")).get("event_id"))


def _thread(relation: Mapping[str, Any]) -> str:
    return _text(relation.get("event_id")) if relation.get("rel_type") == "m.thread" else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
