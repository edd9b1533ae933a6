"""Answers of a homeserver without the events that nio's parser would choke on: one of them would cost the whole answer.

It would come again with each try, so that the bot heard nothing any more. Pure. An odd time, and what is added to an
event, is mended instead: any server of a room may write any time, and a room whose state we passed over would look
unencrypted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Where events stand: https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3sync and .../messages
LISTS = ("events", "chunk")
DEEPEST = 6  # levels below which an answer has no such list of its own
OF_TYPE = {"type": str, "content": dict, "sender": str, "event_id": str, "origin_server_ts": int, "state_key": str}
ALWAYS = ("type", "content")
OF_ROOM = (*ALWAYS, "sender", "event_id", "origin_server_ts")  # what is said in a room; state and keys may have less
LATEST = 2**53  # milliseconds


def without_odd_events(body: Any) -> int:
    """Take them out of the answer, in place; how many there were."""
    return _clean(body, ALWAYS, DEEPEST) if isinstance(body, dict) else 0


def _clean(inside: dict[str, Any], needed: Sequence[str], depth: int) -> int:
    odd = 0
    for name, value in inside.items():
        if name in LISTS and isinstance(value, list):
            wanted = OF_ROOM if name == "chunk" else needed
            for event in value:
                if isinstance(event, dict):
                    _mend(event, wanted)
            kept = [event for event in value if is_sane(event, wanted)]
            odd += len(value) - len(kept)
            value[:] = kept
        elif isinstance(value, dict) and depth:
            odd += _clean(value, OF_ROOM if name == "timeline" else ALWAYS, depth - 1)
    return odd


def is_sane(event: Any, needed: Sequence[str]) -> bool:
    """Has it what it needs, and each of its type?"""
    if not isinstance(event, dict) or any(name not in event for name in needed):
        return False
    for name, kind in OF_TYPE.items():
        if name in event and (not isinstance(event[name], kind) or isinstance(event[name], bool)):
            return False
    return True


def _mend(event: dict[str, Any], needed: Sequence[str]) -> None:
    """The nearest time that can be; 0 for state whose time is none (rooms up to version 5 may have fractions).

    What a server adds to an event goes where it is nothing of the kind.
    """
    if not isinstance(event.get("unsigned", {}), dict):
        del event["unsigned"]
    at = event.get("origin_server_ts")
    if isinstance(at, int) and not isinstance(at, bool):
        event["origin_server_ts"] = max(0, min(at, LATEST))
    elif "state_key" in event and (at is not None or "origin_server_ts" in needed):
        event["origin_server_ts"] = 0
