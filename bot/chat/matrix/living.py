"""What one post becomes in the room: a message, or an edit of one, and a note in its thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from bot.chat.matrix.answers import Refusal, look
from bot.chat.matrix.client import Client
from bot.chat.matrix.content import Content, message_content
from bot.errors import TemporaryError
from bot.talk import Message, Post

# GET of an event that was never there, that we may not see, or whose id is none.
GONE = ("M_NOT_FOUND", "M_FORBIDDEN", "M_UNKNOWN", "M_INVALID_PARAM")


def events(post: Post, threads: bool) -> Iterator[tuple[str, Content]]:
    """The events of a post, each with its transaction id. `threads`: what follows a message goes into its thread.

    There, a correction that says something new is an edit that tells nobody, and a note.
    """
    corrects = post.replaces is not None and post.replaces.id
    if not (corrects and threads and post.message.changed):
        yield post.key, message_content(post, threads)
        return
    yield post.key, message_content(replace(post, wakes=False))
    mentions = post.mentions if post.wakes else ()
    note = replace(post, message=Message(post.message.changed), loud=post.wakes, mentions=mentions, replaces=None)
    yield f"{post.key}.note", message_content(replace(note, thread=post.thread or corrects))


def alone(post: Post) -> Post:
    """The post as a message of its own, for want of what it was to replace.

    Its edit may be out already, under the key of the post: nobody sees that.
    """
    mentions = post.mentions if post.wakes else ()
    return replace(post, key=f"{post.key}.anew", replaces=None, loud=post.wakes, mentions=mentions)


async def still_there(client: Client, room_id: str, post: Post, within: timedelta) -> bool:
    """Is what the post replaces in the room, ours, and not redacted? A server takes an edit of anything.

    Raises TemporaryError, without doubt: nothing was said yet; and TokenRefused.
    """
    if post.replaces is None or not post.replaces.id:
        return True
    try:
        answer = await look(client.room_get_event(room_id, post.replaces.id), post.room, within)
    except Refusal as error:
        if error.code in GONE:
            return False
        raise TemporaryError(str(error)) from error
    source = answer.event.source
    redacted = not source.get("content") or "redacted_because" in source.get("unsigned", {})
    return not redacted and source.get("sender") == client.user_id
