"""Lines that are not said now: what a bouncer or a server plays back to a client that was away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.chat.irc.connection import Event

# https://ircv3.net/specs/batches/chathistory, and ZNC's own.
KINDS = frozenset({"chathistory", "draft/chathistory", "playback", "znc.in/playback", "history"})
MOST_BATCHES = 64  # open at the same time; no server needs more


class Playback:
    """What one connection is shown of the past. `oldest`: a line said longer ago is of the past."""

    def __init__(self, oldest: timedelta) -> None:
        self._oldest = oldest
        self._open: set[str] = set()
        self._ahead = timedelta(0)  # of the bot's clock is the server's

    def on_batch(self, event: Event) -> None:
        """`BATCH +reference type` and `BATCH -reference`; one within a playback is playback, too."""
        sign, reference = event.target[:1], event.target[1:]
        if sign == "-":
            self._open.discard(reference)
        elif sign == "+" and len(self._open) < MOST_BATCHES:
            kind = event.arguments[0].lower() if event.arguments else ""
            if kind in KINDS or self.encloses(event):
                self._open.add(reference)

    def on_answer(self, event: Event, now: datetime) -> None:
        """Learn from a line of the server's own what its clock says: numerics and PONG are never of the past."""
        said = said_at(event)
        if said is not None and not event.userhost and (event.kind == "pong" or event.kind.isdecimal()):
            self._ahead = said - now

    def encloses(self, event: Event) -> bool:
        """Whether a line is in a batch that plays back."""
        return event.tags.get("batch") in self._open

    def has(self, event: Event, now: datetime) -> bool:
        """Whether a line is of the past: by its batch, or by its age (server-time) on the server's clock."""
        said = said_at(event)
        return self.encloses(event) or (said is not None and now - said + self._ahead > self._oldest)


def said_at(event: Event) -> datetime | None:
    """When a line was said, in UTC (https://ircv3.net/specs/extensions/server-time); None where nothing tells."""
    try:
        at = datetime.fromisoformat(event.tags.get("time", ""))
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
