"""From a post to the content of an m.room.message event; pure.

https://spec.matrix.org/v1.15/client-server-api/#mroommessage
"""

from __future__ import annotations

import re
from typing import Any

from bot.chat.matrix.markup import clean
from bot.model import Post

# An event may have 65,536 bytes of canonical JSON, and an edit carries text and HTML twice
# (https://spec.matrix.org/v1.15/client-server-api/#size-limits).
LIMIT = 8000
CUT = "…"

# C0 without tab and line feed, DEL, C1, and lone surrogates, which are no UTF-8.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def message_content(post: Post) -> dict[str, Any]:
    """The event's content: plain body always, HTML where it fits, `m.mentions` always, strings only."""
    shown = _shown(post)
    if post.replaces is not None and post.replaces.id:
        return _edit(shown, post.replaces.id)
    relation = _relation(post)
    return {**shown, "m.relates_to": relation} if relation else shown


def scrub(text: str) -> str:
    """The text without control characters; line ends become a line feed."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def cut(text: str, limit: int = LIMIT) -> str:
    """The text, shortened so that it has at most `limit` bytes as a JSON string, the mark of the cut included."""
    if _size(text) <= limit:
        return text
    room = limit - _size(CUT)
    for at, character in enumerate(text):
        room -= _size(character)
        if room < 0:
            return text[:at].rstrip() + CUT
    return text


def _size(text: str) -> int:
    return len(text.encode("utf-8")) + sum(text.count(mark) for mark in '"\\\n\t')


def _shown(post: Post) -> dict[str, Any]:
    text, html = scrub(post.message.text), _html(scrub(post.message.html))
    shown: dict[str, Any] = {
        # m.notice never notifies anybody, not even those it mentions (facts: default push rules).
        "msgtype": "m.text" if post.loud else "m.notice",
        "body": cut(text),
        # Without the key a server looks for names in the body, and a job named like a user pings that user.
        "m.mentions": {"user_ids": sorted(set(post.mentions))} if post.mentions else {},
    }
    if html:
        shown |= {"format": "org.matrix.custom.html", "formatted_body": html}
    return shown


def _html(html: str) -> str:
    """What of it may be shown; "" where that is too long: cut HTML would be broken HTML."""
    cleaned = clean(html) if _size(html) <= LIMIT else ""
    return cleaned if _size(cleaned) <= LIMIT else ""


def _edit(shown: dict[str, Any], original: str) -> dict[str, Any]:
    """https://spec.matrix.org/v1.15/client-server-api/#event-replacements; no other relation beside it."""
    outer = {**shown, "body": f"* {shown['body']}"}
    if "formatted_body" in shown:
        outer["formatted_body"] = f"* {shown['formatted_body']}"
    return {**outer, "m.new_content": shown, "m.relates_to": {"rel_type": "m.replace", "event_id": original}}


def _relation(post: Post) -> dict[str, Any]:
    """A reply to what was heard, in its thread if it was in one."""
    heard = post.answers
    target = "" if heard is None else (heard.about if heard.reaction else heard.id)
    thread = post.thread or ("" if heard is None else heard.thread)
    if thread:
        reply = {"event_id": target or thread}
        return {"rel_type": "m.thread", "event_id": thread, "is_falling_back": True, "m.in_reply_to": reply}
    return {"m.in_reply_to": {"event_id": target}} if target else {}
