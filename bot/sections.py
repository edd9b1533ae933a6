"""The sections of the config file, in the order of config.example.yaml; adapters have theirs beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator

from bot.chat.irc.config import IrcConfig
from bot.chat.matrix.config import MatrixConfig
from bot.patterns import Matcher
from bot.section import ConfigPath, Duration, Section, beside_config, secret
from bot.talk import EVERYBODY
from bot.text import plain_emoji

Event = Literal["known", "unknown"]
MATRIX_ID = re.compile(r"@[^:\s]+:\S+")


def room(value: str) -> str:
    """`NETWORK:ADDRESS`; that the network is there, and its kind of address, is a cross-check."""
    network, _, address = value.partition(":")
    if not network or not address:
        raise ValueError("a room is written NETWORK:ADDRESS, as oftc:#openstack-nova")
    return value


def reaction(value: str) -> str:
    """The same for all looks of an emoji."""
    plain = plain_emoji(value)
    if not plain.strip():
        raise ValueError("expected an emoji, or what else people react with")
    return plain


def web_address(value: str) -> str:
    """The base of links, without a slash at its end."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("expected an address as https://review.opendev.org")
    return value.rstrip("/")


def network_name(value: str) -> str:
    """It stands in front of the first colon of a room."""
    if not value or not all(char.isalnum() or char in "-_" for char in value):
        raise ValueError("the name of a network has letters, digits, - and _ only")
    return value


def mentioned(value: str) -> str:
    """A Matrix id, or everybody in the room."""
    if value != EVERYBODY and not MATRIX_ID.fullmatch(value):
        raise ValueError(f'a mention is written "@ada:example.org", or "{EVERYBODY}" for everybody in the room')
    return value


Room = Annotated[str, AfterValidator(room)]
Mentioned = Annotated[str, AfterValidator(mentioned)]
WebAddress = Annotated[str, AfterValidator(web_address)]


class Builds(Section):
    """Which builds are watched, and how long to wait for what (LIFE: seen, when a change speaks)."""

    source: Literal["index"] = "index"
    pipelines: Annotated[tuple[str, ...], Field(min_length=1)] = ("gate",)
    look_back: Duration = timedelta(hours=24)
    settle: Duration = timedelta(seconds=150)
    hold: Duration = timedelta(seconds=90)
    hold_at_most: Duration = timedelta(minutes=5)
    wait_for_logs: Duration = timedelta(minutes=20)
    say_within: Duration = timedelta(hours=3)


class Poll(Section):
    """How often the index is asked: for failures, and for the totals of all results."""

    every: Duration = timedelta(seconds=60)
    totals_every: Duration = timedelta(minutes=10)


class Store(Section):
    """Where the state is kept. A text in its place is its `url`."""

    url: SecretStr
    password_file: ConfigPath | None = None

    @model_validator(mode="before")
    @classmethod
    def from_text(cls, value: object) -> object:
        return {"url": value} if isinstance(value, str) else value

    @field_validator("url")
    @classmethod
    def known_kind(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        """SQLite's path is made relative to the config file's folder, PostgreSQL gets the driver that we have."""
        scheme, _, rest = value.get_secret_value().partition("://")
        if scheme == "sqlite" and len(rest) > 1 and rest.startswith("/") and ":memory:" not in rest:
            return SecretStr(f"sqlite:///{beside_config(Path(rest[1:]), info)}")
        if scheme in ("postgresql", "postgresql+psycopg") and "/" in rest:
            return SecretStr(f"postgresql+psycopg://{rest}")
        raise ValueError("a store is sqlite:///var/gatewatch.db or postgresql://USER@HOST/NAME")

    @model_validator(mode="after")
    def one_password(self) -> Store:
        login = urlsplit(self.url.get_secret_value())
        if self.password_file is not None and (not login.username or login.password is not None):
            raise ValueError("password_file needs postgresql://USER@HOST/NAME, without a password in it")
        return self

    def file(self) -> Path | None:
        """SQLite's file, None for PostgreSQL."""
        scheme, _, path = self.url.get_secret_value().partition(":///")
        return Path(path) if scheme == "sqlite" else None

    def address(self) -> str:
        """The whole URL, its password (percent-encoded) in it. Raises OSError where the file cannot be read."""
        url = self.url.get_secret_value()
        password = secret(None, self.password_file)
        return url if password is None else url.replace("@", f":{quote(password, safe='')}@", 1)

    def __str__(self) -> str:
        """Without login and parameters, either of which may be secret."""
        scheme, _, rest = self.url.get_secret_value().partition("://")
        return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


class ConsoleConfig(Section):
    """The terminal as a network; any address is a room of it."""

    type: Literal["console"]


Network = Annotated[ConsoleConfig | IrcConfig | MatrixConfig, Field(discriminator="type")]


class Dashboards(Section):
    """Where a person looks at the index: Kibana or OpenSearch Dashboards, up to before `/app`."""

    url: WebAddress
    kind: Literal["opensearch", "kibana"] = "opensearch"
    data_view: str  # the id of the data view or index pattern
    tenant: str = ""


class LinksConfig(Section):
    """The bases of links; what is empty is not linked."""

    zuul: WebAddress | None = None
    change: WebAddress | None = None
    bug: WebAddress | None = None
    dashboards: Dashboards | None = None


class Feed(Section):
    """Who wants to hear what: a filter without words lets everything through."""

    rooms: Annotated[tuple[Room, ...], Field(min_length=1)]
    pipelines: tuple[Matcher, ...] = ()
    projects: tuple[Matcher, ...] = ()
    branches: tuple[Matcher, ...] = ()
    jobs: tuple[Matcher, ...] = ()
    signatures: tuple[Matcher, ...] = ()
    events: Annotated[tuple[Event, ...], Field(min_length=1)] = ("known", "unknown")


class Signatures(Section):
    """Folders of signatures; a later one's file takes the place of an earlier one's of the same name."""

    folders: Annotated[tuple[ConfigPath, ...], Field(validate_default=True)] = (Path("shipped:signatures"),)


class Loud(Section):
    """Which events may notify people (Matrix: m.text instead of m.notice)."""

    known: bool = False
    unknown: bool = True


class Mentions(Section):
    """Whom which events mention (Matrix): ids of people, or EVERYBODY."""

    known: tuple[Mentioned, ...] = ()
    unknown: tuple[Mentioned, ...] = ()


class RoomManner(Section):
    """What one room does differently, and whom it mentions."""

    fold_over: Annotated[int, Field(ge=0)] | None = None
    loud: Loud | None = None
    mentions: Mentions = Mentions()


class Announce(Section):
    """How things are said. `fold_over`: more queued than this become one summary; 0: never."""

    fold_over: Annotated[int, Field(ge=0)] = 10
    loud: Loud = Loud()
    rooms: Mapping[Room, RoomManner] = Field(default_factory=dict)

    def fold_limit(self, room: str) -> int:
        own = self.rooms.get(room)
        return self.fold_over if own is None or own.fold_over is None else own.fold_over

    def mentions_in(self, room: str) -> Mentions:
        own = self.rooms.get(room)
        return Mentions() if own is None else own.mentions

    def loud_in(self, room: str) -> Loud:
        own = self.rooms.get(room)
        return self.loud if own is None or own.loud is None else own.loud


class Commands(Section):
    """How the bot is asked. Limits are commands a minute; ignore: for so long who asks more is not answered.

    private: it also answers in private. reactions: which verb a reaction to an announcement asks.
    """

    prefix: Annotated[str, Field(pattern=r"^[^\s\w]{1,3}$")] = "!"
    per_user: Annotated[int, Field(ge=1)] = 12
    per_room: Annotated[int, Field(ge=1)] = 30
    ignore: Duration = timedelta(minutes=5)
    private: bool = True
    reactions: Annotated[Mapping[Annotated[str, AfterValidator(reaction)], Literal["why"]], Field(max_length=100)] = {
        "❓": "why",
        "❔": "why",
        "⁉": "why",
        "?": "why",
    }


class Logging(Section):
    """Where the log goes: standard error, or a file."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    file: ConfigPath | None = None
