"""The lines of `!status` about networks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.commands.reply import ago, reply, short, span
from bot.talk import JOINED, WHEN_NEEDED, Message, NetworkStatus
from bot.text import counted

NAMED = 3  # of rooms that are not as they should be
SENTENCE = 160


def network(one: NetworkStatus, waiting: int, now: datetime) -> Message:
    """A network in one line. `waiting`: messages in the outbox for it."""
    return reply(
        [
            f"{one.name}: {_state(one, now)}, {_rooms(one)}",
            _out(one),
            short(one.trouble, SENTENCE),
            _traffic(one, waiting, now),
            _ends(one),
            _keys(one),
            _last_error(one, now),
        ]
    )


def _state(one: NetworkStatus, now: datetime) -> str:
    state = one.state if one.since is None else f"{one.state} {span(now - one.since)}"
    return state if one.next_try is None else f"{state} (next try in {span(one.next_try - now)})"


def _rooms(one: NetworkStatus) -> str:
    states = list(one.rooms.values())
    spare = states.count(WHEN_NEEDED)
    joined = sum(how == JOINED or how.startswith(f"{JOINED}, ") for how in states)  # in some it cannot speak
    all_rooms = len(states)
    count = f"{counted(joined, 'room')} joined" if joined == all_rooms else f"{joined} of {all_rooms} rooms joined"
    return count + (f", {spare} when needed" if spare else "")


def _out(one: NetworkStatus) -> str:
    """Rooms that are not joined, or in which the bot cannot speak."""
    out = [(room, why) for room, why in one.rooms.items() if why not in (JOINED, WHEN_NEEDED)]
    most = SENTENCE // max(1, min(NAMED, len(out)))
    named = "; ".join(f"{short(room, 60)}: {short(why, most)}" for room, why in out[:NAMED])
    return named + (f"; and {len(out) - NAMED} more" if len(out) > NAMED else "")


def _traffic(one: NetworkStatus, waiting: int, now: datetime) -> str:
    counts = [(waiting, f"{waiting} waiting"), (one.saying, f"{one.saying} being said")]
    counts += [(one.slowed, f"429 x{one.slowed} in 1h")]
    pace = f"one message per {one.pace.total_seconds():.1f}s" if one.pace else ""
    synced = "" if one.synced is None else f"last sync {ago(one.synced, now)}"
    return ", ".join([*(said for count, said in counts if count), *filter(None, [pace, synced])])


def _keys(one: NetworkStatus) -> str:
    """By what others can tell that a message is the bot's."""
    device = f"device {short(one.device, 40)}" if one.device else ""
    fingerprint = f"fingerprint {short(one.fingerprint, 60)}" if one.fingerprint else ""
    return ", ".join(filter(None, [device, fingerprint, short(one.encryption, SENTENCE)]))


def _ends(one: NetworkStatus) -> str:
    """As whom the bot is there and how quick the answers are; of each connection, where there are several."""
    if not one.connections:
        return ", ".join(filter(None, [short(one.who, 60), _lag(one.lag)]))
    return "; ".join(_end(end) for end in one.connections)


def _end(end: NetworkStatus) -> str:
    rooms: Sequence[str] = list(end.rooms.values())
    count = f"{rooms.count(JOINED)} of {counted(len(rooms), 'room')}" if rooms else ""
    return ", ".join(filter(None, [f"{short(end.who or end.name, 60)}: {end.state}", count, _lag(end.lag)]))


def _lag(lag: timedelta | None) -> str:
    return "" if lag is None else f"lag {lag.total_seconds():.1f}s"


def _last_error(one: NetworkStatus, now: datetime) -> str:
    """What is over, and may come again; what is not over is its trouble."""
    if one.erred is None or one.trouble:
        return ""
    return f"last error {ago(one.erred, now)}: {short(one.error, SENTENCE)}"
