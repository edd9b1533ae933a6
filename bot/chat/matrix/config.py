"""The config section of a Matrix network. It does not import nio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from bot.section import ConfigPath, Duration, Section
from bot.talk import room_address


def homeserver(value: str) -> str:
    """The base URL without a slash at its end, as paths are put behind it."""
    scheme, _, rest = value.partition("://")
    if scheme not in ("http", "https") or not rest or any(mark in rest for mark in "?# "):
        raise ValueError("a homeserver is a URL as https://matrix.example.org")
    if "/_matrix" in rest:
        raise ValueError("a homeserver's URL ends before /_matrix: https://matrix.example.org")
    return value.rstrip("/")


def user_id(value: str) -> str:
    """The whole id of an account."""
    if not re.fullmatch(r"@[^:\s]+:\S+", value):
        raise ValueError("a Matrix id is written @gatewatch:example.org")
    return value


# https://spec.matrix.org/v1.16/appendices/#server-name: a host, its port where that is part of people's ids.
SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.*?-]+)(:[0-9*?]+)?")


def server(value: str) -> str:
    """A homeserver's name in which * and ? may stand for anything."""
    if not SERVER.fullmatch(value):
        raise ValueError(f"{value!r} is no homeserver's name as example.org; * and ? stand for anything")
    return value


def people(value: str) -> str:
    """A Matrix id in which * and ? may stand for anything."""
    if not re.fullmatch(r"[@*?]\S*", value):
        raise ValueError(f"{value!r} is no Matrix id as @zuul:example.org; * and ? stand for anything")
    return value


People = Annotated[str, AfterValidator(people)]


def room_fault(address: str) -> str:
    """What is wrong with a room's address, "" if nothing is. An id of room version 12 names no server."""
    if address.startswith("!") or (address.startswith("#") and ":" in address):
        return ""
    return "a Matrix room is written #ALIAS:SERVER or !ID"


def room(value: str) -> str:
    """A room's alias or id."""
    if fault := room_fault(value):
        raise ValueError(f"{value!r}: {fault}")
    return value


class InvitesConfig(Section):
    """Whose invitations to rooms that no feed names are accepted; all others are refused.

    `members`: those of a configured room may talk to the bot in private.
    """

    rooms: tuple[Annotated[str, AfterValidator(room)], ...] = ()
    people: tuple[People, ...] = ()
    servers: tuple[Annotated[str, AfterValidator(server)], ...] = ()
    members: bool = True


class Acting(Section):
    """Because of whom the bot may change something: these people, and who has this power level in a configured room.

    `level` None: only the people. What somebody is in a room of their own making does not count.
    """

    people: tuple[People, ...] = ()
    level: int | None = 50


class Timings(Section):
    """How long the bot waits; the defaults serve, tests shorten them.

    `sync`: how long the server may hold a poll. `request`: for any other answer. `first_sync`: for the first
    answer with the whole state. `pause` to `longest_pause`: back-off after errors. `join_pause` to
    `longest_join_pause`: between tries to join a room. `oldest`: what was said longer ago is not heard.
    `relogin`: a token that is refused sooner than this after a login is not worth a new login. `key_wait`: a message
    whose key has not come after this gets a hint; one per person and room in `hint_again`.
    """

    sync: Duration = timedelta(seconds=30)
    request: Duration = timedelta(seconds=30)
    first_sync: Duration = timedelta(minutes=2)
    pause: Duration = timedelta(seconds=1)
    longest_pause: Duration = timedelta(minutes=1)
    join_pause: Duration = timedelta(seconds=10)
    longest_join_pause: Duration = timedelta(minutes=10)
    oldest: Duration = timedelta(hours=1)
    relogin: Duration = timedelta(hours=1)
    key_wait: Duration = timedelta(seconds=10)
    hint_again: Duration = timedelta(hours=1)


class RoomSpeech(Section):
    """How one room is spoken to where it differs from its network; None: as the network says."""

    threads: bool | None = None


class MatrixConfig(Section):
    """One account on one homeserver. What is wrong with it by more than one key, or its files, `checks` says.

    With a password the bot logs in once and keeps the token; a pasted token is used as it is. Without either somebody
    has to log in by hand, with `gatewatch matrix login`. `crypto_folder`: where the keys of encryption are, None for a
    place beside the store (`Config.crypto_folder` knows it). `ignore_unverified_devices`: False gives keys only to
    devices that their owners have signed. `ignore`: who is never heard. `leave_unknown`: rooms that nobody configured,
    and to which nobody from `invites` asked the bot, are left. `threads`: what follows a message (a correction that
    says something new, a reply) is said in its thread.
    """

    type: Literal["matrix"]
    homeserver: Annotated[str, AfterValidator(homeserver)]
    user: Annotated[str, AfterValidator(user_id)]
    password: SecretStr | None = None
    password_file: ConfigPath | None = None
    token: SecretStr | None = None
    token_file: ConfigPath | None = None
    ca_file: ConfigPath | None = None
    ignore: tuple[People, ...] = ()
    invites: InvitesConfig = InvitesConfig()
    acting: Acting = Acting()
    leave_unknown: bool = True
    encryption: bool = False
    crypto_folder: ConfigPath | None = None
    ignore_unverified_devices: bool = True
    threads: bool = False
    rooms: Mapping[str, RoomSpeech] = Field(default_factory=dict)
    timings: Timings = Timings()

    @field_validator("rooms")
    @classmethod
    def are_rooms(cls, value: Mapping[str, RoomSpeech]) -> Mapping[str, RoomSpeech]:
        for address in value:
            if fault := room_fault(address):
                raise ValueError(f"{address}: {fault}")
        return value

    @property
    def has_password(self) -> bool:
        return self.password is not None or self.password_file is not None

    @property
    def has_token(self) -> bool:
        return self.token is not None or self.token_file is not None

    def threads_in(self, room: str) -> bool:
        """Of a room by its full name."""
        own = self.rooms.get(room_address(room)[1])
        return self.threads if own is None or own.threads is None else own.threads
