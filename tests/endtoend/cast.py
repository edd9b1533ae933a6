"""The bot among people: a room on each network, somebody in it, and what they read and ask there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chat.human_irc import Human as IrcHuman
from tests.chat.human_matrix import Event, until
from tests.chat.human_matrix import Human as MatrixHuman
from tests.endtoend.process import Bot
from tests.endtoend.reading import Told, is_announcement, told_by_events, told_by_lines
from tests.endtoend.stage import Audience, feeds
from tests.servers.ircd import Ircd
from tests.servers.synapse import SERVER_NAME, Synapse

PASSWORD = "the bot's own"
IRC_TIMINGS = {"reconnect": [0.5], "reconnect_floor": 0.5, "long_wait": [1], "regain": 1}
MATRIX_TIMINGS = {"sync": "5s", "pause": "1s", "longest_pause": "1s", "join_pause": "1s", "longest_join_pause": "1s"}


SHOWN = re.compile(r"\d\d:\d\d <gatewatch> (?:\[(?P<room>#\w+)\] )?(?P<text>.*)")


@dataclass
class Servers:
    """All that the bot talks to, and the folder of its signatures."""

    search: str
    ircd: Ircd
    synapse: Synapse
    signatures: Path

    def config(self, nick: str, index: str, rooms: Mapping[str, Audience]) -> dict[str, Any]:
        """A whole config file."""
        irc = {"type": "irc", "host": "localhost", "port": self.ircd.tls_port, "nick": nick}
        account = {"type": "matrix", "user": f"@{nick}:{SERVER_NAME}", "password": PASSWORD}
        return {
            "search": {"url": self.search, "index": index},
            "networks": {
                "irc": {**irc, "ca_file": str(self.ircd.ca_file), "timings": IRC_TIMINGS},
                "matrix": {**account, "homeserver": self.synapse.url, "timings": MATRIX_TIMINGS},
            },
            "feeds": feeds(rooms),
            "signatures": {"folders": [str(self.signatures)]},
            "announce": {"fold_over": 0},
        }


@dataclass
class Channel:
    """An IRC channel as somebody in it reads it."""

    person: IrcHuman
    address: str
    bot: str

    @property
    def room(self) -> str:
        return f"irc:{self.address}"

    def lines(self) -> list[str]:
        """The announcements, in order."""
        return [text for text in self.person.heard(self.address, self.bot) if is_announcement(text)]

    def told(self) -> set[Told]:
        return told_by_lines(self.lines())

    async def ask(self, question: str, begins: str) -> str:
        """Say it there; the first new line of the bot that begins so."""
        before = len(self.person.heard(self.address, self.bot))

        def answers() -> list[str]:
            return [text for text in self.person.heard(self.address, self.bot)[before:] if text.startswith(begins)]

        self.person.say(self.address, question)
        await self.person.until(lambda: bool(answers()), 20)
        return answers()[0]

    async def all_read(self) -> None:
        """What was said before now has been read: the server answers in order."""
        mark = f"read-{len(self.person.lines)}"
        self.person.send(f"PING {mark}")
        await self.person.wait_for(lambda line: " PONG " in line and line.endswith(mark))


@dataclass
class MatrixRoom:
    """A Matrix room as somebody in it reads it."""

    person: MatrixHuman
    id: str
    alias: str
    bot: str

    @property
    def room(self) -> str:
        return f"matrix:#{self.alias}:{SERVER_NAME}"

    async def events(self) -> list[Event]:
        """The announcements and their edits, in order."""
        events = await self.person.do(self.person.messages, self.id, self.bot)
        return [event for event in events if "m.in_reply_to" not in event["content"].get("m.relates_to", {})]

    async def told(self) -> set[Told]:
        return told_by_events(await self.events())

    async def bodies(self) -> list[str]:
        """What was said, one text per event; an edit's new text."""
        contents = [event["content"] for event in await self.events()]
        return [str(content.get("m.new_content", content)["body"]) for content in contents]

    async def joined(self) -> None:
        """Wait until the bot is in it."""

        async def look() -> bool:
            return self.bot in await self.person.do(self.person.members, self.id)

        await until(look, 30)

    async def says_something(self) -> None:
        """Wait until an announcement is there."""
        await until(self.events, 30)

    async def ask(self, question: str, begins: str) -> str:
        """Say it there; the answer is a reply to it and begins so."""
        asked = await self.person.do(self.person.send, self.id, question)

        async def answers() -> list[str]:
            events = await self.person.do(self.person.messages, self.id, self.bot)
            return [
                str(event["content"]["body"])
                for event in events
                if event["content"].get("m.relates_to", {}).get("m.in_reply_to", {}).get("event_id") == asked
            ]

        answer = (await until(answers))[0]
        assert answer.startswith(begins), answer
        return answer


async def matrix_room(person: MatrixHuman, alias: str, nick: str) -> MatrixRoom:
    """A new public room of that alias."""
    return MatrixRoom(person, await person.do(person.create, alias), alias, f"@{nick}:{SERVER_NAME}")


@dataclass
class Console:
    """A room of the bot's console as somebody at its terminal reads it."""

    bot: Bot
    address: str

    @property
    def room(self) -> str:
        return f"console:{self.address}"

    def lines(self) -> list[str]:
        """The announcements, in order."""
        shown = [SHOWN.match(line) for line in self.bot.shown()]
        return [line["text"] for line in shown if line is not None and line["room"] == self.address]

    def told(self) -> set[Told]:
        return told_by_lines(self.lines())

    async def ask(self, question: str, begins: str) -> str:
        """Type it; the first new line that begins so. Answers stand there without a room."""
        before = len(self.bot.shown())

        def answers() -> list[str]:
            shown = [SHOWN.match(line) for line in self.bot.shown()[before:]]
            return [line["text"] for line in shown if line is not None and line["text"].startswith(begins)]

        self.bot.type(question)
        await self.bot.until(lambda: bool(answers()))
        return answers()[0]
