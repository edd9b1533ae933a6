"""The section of an IRC network in the config file. Does not import the irc library: `check` stays quick."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr

from bot.section import ConfigPath, Section, duration

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# RFC 2812 1.3: a channel starts with one of these and has neither space, comma, BEL nor a control character.
CHANNEL_SIGNS = "#&+!"
CHANNEL = re.compile(rf"[{CHANNEL_SIGNS}][^\x00-\x20,\x7f]+")


def seconds(value: object) -> object:
    """`90s` or `2m` as seconds; a number stays as it is."""
    if isinstance(value, str):
        return getattr(duration(value), "total_seconds", lambda: value)()
    return value


Formatting = Literal["none", "bold", "colour"]
Seconds = Annotated[float, BeforeValidator(seconds), Field(ge=0)]


class Timings(Section):
    """How long the bot waits for what, in seconds or as `90s`; the defaults suit any network."""

    connect: Seconds = 20
    registration: Seconds = 60
    step: Seconds = 15  # for one answer of the server's while capabilities are agreed on
    identify: Seconds = 10
    join: Seconds = 15  # for the answer to a JOIN
    joining: Seconds = 15  # for all rooms to be joined; then announcements start, and take turns with what is left
    join_again: tuple[Seconds, ...] = Field(default=(30, 60, 120, 300, 900), min_length=1)
    join_soon: tuple[Seconds, ...] = Field(default=(10, 20, 30, 60, 120), min_length=1)  # where it passes by itself
    kicked: Seconds = 30  # out of a channel, by a kick or a forced part
    forget_kicks: Seconds = 3600  # of a channel that the bot came back to
    move: Seconds = 120  # of a connection away, until others take its rooms
    regain: Seconds = 60  # between two tries to get the configured nick
    idle: Seconds = 60  # silence after which the bot asks with a PING; each costs a token of the pace
    dead: Seconds = 60  # further silence after which the connection is given up
    whois: Seconds = 5  # for the account of who asks something
    playback: Seconds = 3600  # lines said longer ago are a bouncer's, and not heard
    echo: Seconds = 10  # for a line to come back where the server echoes; then the bot asks with a PING
    confirm: Seconds = 60  # for the PONG behind a line; a busy ircd-hybrid took 15 s
    reconnect: tuple[Seconds, ...] = Field(default=(5, 10, 20, 40, 80, 160, 300), min_length=1)
    reconnect_floor: Seconds = 3  # ircd-hybrid lets one address connect every 2 s
    # Where people have to mend something first: a ban, a password, a certificate. Each is between the first and itself.
    long_wait: tuple[Seconds, ...] = Field(default=(300, 600, 1200, 3600), min_length=1)
    stable: Seconds = 600  # ready for so long: the next try after it is the first again, at once
    goodbye: Seconds = 1.5


class PaceLimits(Section):
    """Lines that a server takes at once, and per second after that; three stock servers took 4 and 1."""

    burst: int = Field(default=4, ge=4, le=50)  # an announcement and a reply are two each: line and PING
    per_second: float = Field(default=1.0, gt=0, le=50)


class RoomSpeech(Section):
    """How one room is spoken to where it differs from its network; None: as the network says."""

    notice: bool | None = None
    formatting: Formatting | None = None


class WithPassword(Section):
    """A password, itself or in a file; or none."""

    password: SecretStr | None = None
    password_file: ConfigPath | None = None


class NickServ(WithPassword):
    """How the bot tells services who it is. `order` and `regain` differ between kinds of services."""

    account: str | None = None  # the nick, if none is given
    order: Literal["password-first", "nick-first"] = "nick-first"  # OFTC takes the password first
    regain: Literal["REGAIN", "RECOVER", "GHOST"] = "REGAIN"  # OFTC and Atheme REGAIN, Anope RECOVER
    service: str = "NickServ"  # NickServ@services.example.org where the network knows that form


class SaslLogin(WithPassword):
    """How the bot logs in before it is let in: with a password, or with the network's `certfp`."""

    account: str | None = Field(default=None, min_length=1)  # the nick, if none is given
    mechanism: Literal["EXTERNAL", "SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] | None = None  # the best of both ends
    required: bool = False  # without it no channel is joined


class IrcConfig(WithPassword):
    """One IRC network. What is wrong with it by more than one key, or its needed ones, `checks` says."""

    type: Literal["irc"]
    host: str = Field(min_length=1)
    port: int = Field(default=6697, ge=1, le=65535)
    tls: bool = True
    ca_file: ConfigPath | None = None
    nick: str
    further_nicks: tuple[str, ...] = ()
    username: str = Field(default="gatewatch", pattern=r"^[A-Za-z0-9._-]{1,10}$")
    realname: str = Field(default="gatewatch: CI gate failures; ask {prefix}help", max_length=100)
    sasl: SaslLogin | None = None
    nickserv: NickServ | None = None
    certfp: ConfigPath | None = None
    notice: bool = False
    ignore: tuple[str, ...] = ()  # nicks, or nick!user@host with * and ?: other bots
    formatting: Formatting = "none"
    rooms: Mapping[str, RoomSpeech] = Field(default_factory=dict)
    keys: Mapping[str, SecretStr] = Field(default_factory=dict)
    pace: PaceLimits = PaceLimits()
    timings: Timings = Timings()

    def of_nick(self, nick: str) -> IrcConfig:
        """The section for one of the bot's nicks: services know all of them by the first one's account."""
        logins = {
            name: login and login.model_copy(update={"account": login.account or self.nick})
            for name, login in (("nickserv", self.nickserv), ("sasl", self.sasl))
        }
        return self.model_copy(update={"nick": nick, **logins})


def is_channel(address: str) -> bool:
    """Whether it is meant as one; else it is a person."""
    return address.startswith(tuple(CHANNEL_SIGNS))


def channel_fault(address: str) -> str:
    """What is wrong with a channel's name, "" if nothing is."""
    if CHANNEL.fullmatch(address):
        return ""
    return f"{address!r} is no channel: it starts with # and has neither spaces nor commas"
