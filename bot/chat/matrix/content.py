"""From a post to the content of an m.room.message event; pure.

https://spec.matrix.org/v1.15/client-server-api/#mroommessage
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from bot.chat.matrix.markup import clean
from bot.talk import EVERYBODY, Post

Content = dict[str, Any]

# An event may have 65,536 bytes of canonical JSON (https://spec.matrix.org/v1.15/client-server-api/#size-limits), an
# edit carries text and HTML twice, and encryption makes four bytes of three.
LIMIT = 8000
CUT = "…"

# C0 without tab and line feed, DEL, C1, and lone surrogates, which are no UTF-8.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def message_content(post: Post, threads: bool = False) -> Content:
    """The event's content: plain body always, HTML where it fits, `m.mentions` always, strings only.

    `threads`: a reply opens a thread below what it answers, where that is in none.
    """
    shown = _shown(post)
    if post.replaces is not None and post.replaces.id:
        return _edit(shown, post.replaces.id, post.wakes)
    relation = relation_of(post, threads)
    return {**shown, "m.relates_to": relation} if relation else shown


def scrub(text: str) -> str:
    """The text without control characters; line ends become a line feed."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def cut(text: str, limit: int = LIMIT) -> str:
    """The text, shortened so that its `_size` is at most `limit`, the mark of the cut included."""
    if _size(text) <= limit:
        return text
    room = limit - _size(CUT)
    for at, character in enumerate(text):
        room -= _size(character)
        if room < 0:
            return text[:at].rstrip() + CUT
    return text


def _size(text: str) -> int:
    """Bytes of it in an event that nio encrypts: JSON in ASCII, where an emoji has twelve."""
    return len(json.dumps(text)) - 2


def _shown(post: Post) -> Content:
    text, html = scrub(post.message.text), _html(scrub(post.message.html))
    shown: Content = {
        # m.notice never notifies anybody, not even those it mentions (facts: default push rules).
        "msgtype": "m.text" if post.loud else "m.notice",
        "body": cut(text),
        # Without the key a server looks for names in the body, and a job named like a user pings that user.
        "m.mentions": _mentions(post.mentions),
    }
    if html:
        shown |= {"format": "org.matrix.custom.html", "formatted_body": html}
    return shown


def _html(html: str) -> str:
    """What of it may be shown; "" where that is too long: cut HTML would be broken HTML."""
    cleaned = clean(html) if _size(html) <= LIMIT else ""
    return cleaned if _size(cleaned) <= LIMIT else ""


def _mentions(mentioned: Collection[str]) -> Content:
    """https://spec.matrix.org/v1.15/client-server-api/#user-and-room-mentions"""
    people = sorted(set(mentioned) - {EVERYBODY})
    return ({"user_ids": people} if people else {}) | ({"room": True} if EVERYBODY in mentioned else {})


def _edit(shown: Content, original: str, wakes: bool) -> Content:
    """https://spec.matrix.org/v1.15/client-server-api/#event-replacements; no other relation beside it.

    An edit notifies those alone whom its outer mentions have.
    """
    outer = {**shown, "body": f"* {shown['body']}", "m.mentions": shown["m.mentions"] if wakes else {}}
    if "formatted_body" in shown:
        outer["formatted_body"] = f"* {shown['formatted_body']}"
    return {**outer, "m.new_content": shown, "m.relates_to": {"rel_type": "m.replace", "event_id": original}}


def relation_of(post: Post, threads: bool) -> Content:
    """A reply to what was heard, in its thread if it was in one."""
    heard = post.answers
    target = "" if heard is None else (heard.about if heard.reaction else heard.id)
    thread = post.thread or ("" if heard is None else heard.thread)
    if threads and not thread and heard is not None and not heard.private:
        thread = target
    if thread:
        reply = {"event_id": target or thread}
        return {"rel_type": "m.thread", "event_id": thread, "is_falling_back": True, "m.in_reply_to": reply}
    return {"m.in_reply_to": {"event_id": target}} if target else {}
