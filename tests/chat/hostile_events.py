"""Matrix events that nobody should send, drawn from a seed, and commands among them: it is known which is which.

What is no command either has a text that cannot be one, bent in any way, or is a command in every way but one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

ME, SERVER = "@bot:example.org", "example.org"
IGNORED = "@zuul:example.org"
ANNOUNCEMENT = "$announcement"  # what the bot said once, of a change
HOUR = 3_600_000  # milliseconds
Event = dict[str, Any]

PEOPLE = tuple(f"@{name}{number}:{SERVER}" for number in range(12) for name in ("ada", "bob.x", "c=d"))
# No word of it asks anything of the bot, in any place.
TEXTS = (
    "", " ", "hello", "hello\nworld", "\u202e!olleh", "x" * 60_000, "\0", "\ud800", "\ud83d", "é\u0301" * 300,
    "!!!", "! top", "!=3",
    "botx: top", "/me !top", "> <@a:b> !top", "> !top\n>", "@room", "@ada0:example.org", "<b>!top</b>", "&lt;",
    "\r\n", "\x1b[31m",
    "https://matrix.to/#/@bot:example.org", "🏳️‍🌈" * 40, "https://x/" + "y" * 4000, "%s%n{0}${x}",
    "'; DROP TABLE heard;--",
)  # fmt: skip
IDS = (
    ANNOUNCEMENT, "$nowhere", "", "$", "x" * 300, "!:example.org", "!room:example.org", "!" + "r" * 43,
    "#gate:example.org", "@botx:example.org",
    IGNORED, "@:", "@ada0", "\ud800",
)  # fmt: skip
ATOMS: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, -(2**63), 10**300, 1.5, 1e308, [], {}, [[]], {"": {}}, *TEXTS, *IDS,
)  # fmt: skip
KEYS = (
    "type", "content", "sender", "event_id", "origin_server_ts", "state_key", "unsigned", "redacts", "body",
    "msgtype", "format",
    "formatted_body", "m.relates_to", "m.new_content", "rel_type", "key", "m.in_reply_to", "m.mentions",
    "user_ids", "room", "membership",
    "displayname", "users", "events", "users_default", "url", "info", "file", "is_falling_back", "age",
    "prev_content", "", "é", "__class__",
)  # fmt: skip
KINDS = (
    "m.room.message", "m.reaction", "m.room.redaction", "m.room.member", "m.room.power_levels", "m.room.name",
    "m.room.topic",
    "m.room.encryption", "m.room.canonical_alias", "m.room.join_rules", "m.room.history_visibility",
    "m.room.create", "m.sticker",
    "m.call.invite", "m.poll.start", "org.example.odd", "m.room.pinned_events", "m.space.child",
    "m.room.guest_access", "",
)  # fmt: skip
TYPES = (
    "m.notice",
    "m.emote",
    "m.image",
    "m.file",
    "m.audio",
    "m.video",
    "m.location",
    "m.server_notice",
    "org.x",
    "",
    "M.TEXT",
)
VERBS = (
    "help",
    "HELP",
    "top",
    "top 7d",
    "gate",
    "bug 1",
    "new",
    "status",
    "whoami",
    "why",
    "why 912001",
    "nosuch",
    "x",
    "topp",
)


class Hostile:
    """Events of one room in which the bot is called `bot`."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._number = 0
        self._harmless: tuple[Callable[[], Event], ...] = (
            self._message, self._reaction, self._redaction, self._member, self._state, self._noise,
        )  # fmt: skip

    def event(self) -> tuple[Event, bool]:
        """One event, and whether it asks the bot for something."""
        self._number += 1
        kind = self._random.random()
        if kind < 0.08:
            return self._command(), True
        return (self._nearly() if kind < 0.3 else self._bent(self._one(self._harmless)())), False

    # -- commands -------------------------------------------------------------------------------------------

    def _command(self) -> Event:
        if self._random.random() < 0.1:
            return self._asked_by_reaction()
        relation: dict[str, Any] = self._one(({}, {}, self._replying(), {"m.relates_to": self._value(3)}))
        if _rel_type(relation) == "m.replace":
            relation = {}
        return self._made("m.room.message", {**self._extras(), **self._line(), **relation})

    def _line(self) -> Event:
        verb = self._one(VERBS) + self._one(("", "", " " + self._one(TEXTS)[:500]))
        pill = f'<a href="https://matrix.to/#/{ME}">Bot</a>'
        return {
            "msgtype": "m.text",
            **self._one(
                (
                    {"body": f"!{verb}"},
                    {"body": f"  !{verb}\n{self._one(TEXTS)}"},
                    {"body": f"bot: {verb}"},
                    {"body": f"BOT, {verb}"},
                    {"body": f"{ME} {verb}"},
                    {"body": f"Bot: {verb}", "format": "org.matrix.custom.html", "formatted_body": f"{pill}: {verb}"},
                    {"body": f"[Bot](https://matrix.to/#/{ME}): {verb}"},
                    {"body": f"!{verb}", "format": self._one(TEXTS), "formatted_body": self._one(TEXTS)},
                )
            ),
        }

    def _asked_by_reaction(self) -> Event:
        if self._random.random() < 0.5:
            relation = {"rel_type": "m.annotation", "event_id": ANNOUNCEMENT, "key": self._one(("❓", "❓\ufe0f", "?"))}
            return self._made("m.reaction", {**self._extras(), "m.relates_to": relation})
        relation = {"m.in_reply_to": {"event_id": ANNOUNCEMENT}}
        return self._made("m.room.message", {"msgtype": "m.text", "body": "why", "m.relates_to": relation})

    # -- commands but for one thing -------------------------------------------------------------------------

    def _nearly(self) -> Event:
        event = self._made("m.room.message", {**self._extras(), **self._line()})
        content = event["content"]
        match self._random.randrange(9):
            case 0:
                content["msgtype"] = self._one(TYPES)
            case 1:
                content["m.relates_to"] = {"rel_type": "m.replace", "event_id": self._one(IDS)}
                content["m.new_content"] = self._one((dict(self._line()), self._value(3)))
            case 2:
                event["sender"] = self._one((ME, IGNORED))
            case 3:
                event["origin_server_ts"] -= HOUR + self._random.randrange(1_000, 10**12)
            case 4:
                del event[self._one(("type", "content", "sender", "event_id", "origin_server_ts"))]
            case 5:
                content["body"] = self._one((None, True, 7, 1.5, [content["body"]], {"body": content["body"]}))
            case 6:
                event["type"] = self._one([kind for kind in KINDS if kind != "m.room.message"])
            case 7:
                event["content"] = self._one((None, [content], content["body"], 7, {"content": content}))
            case 8:
                event["unsigned"] = {"redacted_because": {**event, "type": "m.room.redaction"}}
                event["content"] = {}
        return event

    # -- what cannot be one, and is bent --------------------------------------------------------------------

    def _message(self) -> Event:
        content = {"msgtype": "m.text", "body": self._one(TEXTS), **self._replying()}
        return self._made("m.room.message", content)

    def _reaction(self) -> Event:
        relation = {
            "rel_type": "m.annotation",
            "event_id": self._one(IDS),
            "key": self._one(("👍", "x" * 5000, *TEXTS)),
        }
        return self._made("m.reaction", {"m.relates_to": relation})

    def _redaction(self) -> Event:
        return self._made(
            "m.room.redaction", {"redacts": self._one(IDS)}, redacts=self._one((*IDS, f"$e{self._number - 1}"))
        )

    def _member(self) -> Event:
        content = {
            "membership": self._one(("join", "leave", "invite", "ban", "knock", "")),
            "displayname": self._one(TEXTS),
        }
        return self._made("m.room.member", content, state_key=self._one(PEOPLE))

    def _state(self) -> Event:
        content = {
            "users": {self._one(PEOPLE): self._value(1)},
            "events": self._value(2),
            "users_default": self._value(1),
        }
        kind = self._one([kind for kind in KINDS if kind not in ("m.room.create", "m.room.encryption")])
        return self._made(kind, content, state_key=self._one(("", *PEOPLE)))

    def _noise(self) -> Event:
        return self._made(self._one(KINDS), self._mapping(4))

    def _bent(self, event: Event) -> Event:
        """Up to three of its values, wherever they stand, become something else or go."""
        for _ in range(self._random.randrange(4)):
            inside: Any = event if self._random.random() < 0.2 else event.get("content")
            if not isinstance(inside, dict) or not inside:
                continue
            while True:
                name = self._one(list(inside))
                if not isinstance(inside[name], dict) or not inside[name] or self._random.random() < 0.3:
                    break
                inside = inside[name]
            if self._random.random() < 0.2:
                del inside[name]
            else:
                inside[name] = self._value(4)
        if event.get("state_key") == ME:  # what the bot itself is in the room, only its server says
            del event["state_key"]
        return event

    # -- parts ----------------------------------------------------------------------------------------------

    def _made(self, kind: str, content: Any, **more: Any) -> Event:
        return {
            "type": kind,
            "event_id": f"$e{self._number}",
            "sender": self._one(PEOPLE),
            "origin_server_ts": int(time.time() * 1000),
            "content": content,
            **more,
        }

    def _replying(self) -> Event:
        """A relation to something else than the announcement."""
        id = self._one([id for id in IDS if id != ANNOUNCEMENT])
        return self._one(
            (
                {},
                {"m.relates_to": {"m.in_reply_to": {"event_id": id}}},
                {"m.relates_to": {"rel_type": "m.thread", "event_id": id, "is_falling_back": self._value(0)}},
                {"m.relates_to": {"m.in_reply_to": self._value(2)}},
            )
        )

    def _extras(self) -> Event:
        """What clients may add to a content and nothing depends on."""
        extras = {
            "m.mentions": self._value(2),
            "org.example.odd": self._value(5),
            "url": self._value(1),
            "": self._value(1),
        }
        return {name: value for name, value in extras.items() if self._random.random() < 0.3}

    def _mapping(self, depth: int) -> Event:
        return {self._one(KEYS): self._value(depth - 1) for _ in range(self._random.randrange(5))}

    def _value(self, depth: int) -> Any:
        kind = self._random.random()
        if depth <= 0 or kind < 0.5:
            return self._deep() if kind < 0.005 else deepcopy(self._one(ATOMS))
        return (
            self._mapping(depth) if kind < 0.8 else [self._value(depth - 1) for _ in range(self._random.randrange(4))]
        )

    def _deep(self) -> Any:
        """Deeper than Synapse lets through, which stops at 128."""
        found: Any = self._one(TEXTS)
        for _ in range(self._random.randrange(20, DEEPEST)):
            found = self._one(([found], {"m.relates_to": found}))
        return found

    def _one(self, choices: Any) -> Any:
        return self._random.choice(choices)


DEEPEST = 300


def _rel_type(relation: Mapping[str, Any]) -> Any:
    inner = relation.get("m.relates_to")
    return inner.get("rel_type") if isinstance(inner, dict) else None
