"""What no single key of an IRC network's section can say. Without the irc library, for `check`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address

from bot.chat.irc import files
from bot.chat.irc.config import LOOPBACK, IrcConfig

Path = tuple[str | int, ...]
Fault = tuple[Path, str]  # the key in the section, and what is wrong
Given = Callable[..., bool]
LOGINS: tuple[tuple[str, ...], ...] = ((), ("nickserv",), ("sasl",))
# RFC 2812 2.3.1, without its limit of nine characters, which no server holds to any more.
NICK = re.compile(r"[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]*")
MASK = re.compile(r"[^\s!@]+(![^\s!@]+@[^\s!@]+)?")
LONGEST_REALNAME = 50  # bytes: ircd-hybrid's limit (REALLEN); other daemons have 128 and more


def faults(config: IrcConfig, given: Given) -> Iterator[Fault]:
    """All of them. `given("sasl", "password")`: has the file that key of the section, be it right or wrong?"""
    if wrong := _host(config.host):
        yield ("host",), wrong
    yield from _nicks(config)
    yield from _passwords(config, given)
    yield from _logins(config, given)
    yield from _lists(config)
    yield from files.faults(config)


def warnings(config: IrcConfig) -> Iterator[Fault]:
    """What works, though not as it was meant on every network."""
    if len(config.realname.encode()) > LONGEST_REALNAME:
        yield ("realname",), f"over {LONGEST_REALNAME} bytes, where ircd-hybrid (OFTC) cuts it"


def _host(host: str) -> str:
    """What is wrong with it, "" if nothing is."""
    if "://" in host:
        return "a host has no scheme in front: irc.example.org"
    if ":" in host and not _is_address(host):
        return "a host has no port behind it: that is `port`"
    try:
        host.encode("idna")
    except UnicodeError:
        return "no host has such a name: one of its parts is empty, or over 63 letters long"
    return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _nicks(config: IrcConfig) -> Iterator[Fault]:
    named: dict[Path, str] = {("nick",): config.nick}
    named |= {("further_nicks", at): nick for at, nick in enumerate(config.further_nicks)}
    for path, nick in named.items():
        if not NICK.fullmatch(nick):
            yield path, "a nick has letters, digits and []\\`_^{|}- only, and no digit in front"
    nicks = [nick.lower() for nick in (config.nick, *config.further_nicks)]
    if len(set(nicks)) < len(nicks):
        yield ("further_nicks",), "names a nick twice: each connection needs its own"


def _passwords(config: IrcConfig, given: Given) -> Iterator[Fault]:
    for login in LOGINS:
        if given(*login, "password") and given(*login, "password_file"):
            yield (*login, "password_file"), "give either password or password_file"
        if _has_password(given, login) and not config.tls and config.host not in LOOPBACK:
            yield (*login, "password"), "a password would cross the network in the open: set tls: true"


def _logins(config: IrcConfig, given: Given) -> Iterator[Fault]:
    if config.certfp is not None and not config.tls:
        yield ("certfp",), "it needs tls: true"
    if config.nickserv is not None and not (_has_password(given, ("nickserv",)) or given("sasl") or given("certfp")):
        yield ("nickserv",), "needs password or password_file, or sasl or certfp beside it"
    if config.sasl is None:
        return
    mechanism = config.sasl.mechanism
    if mechanism not in (None, "EXTERNAL") and not _has_password(given, ("sasl",)):
        yield ("sasl",), f"{mechanism} needs password or password_file"
    elif mechanism == "EXTERNAL" and not given("certfp"):
        yield ("sasl",), "EXTERNAL needs certfp beside it"
    elif not given("certfp") and not _has_password(given, ("sasl",)):
        yield ("sasl",), "needs password or password_file, or certfp beside it"


def _has_password(given: Given, login: tuple[str, ...]) -> bool:
    return given(*login, "password") or given(*login, "password_file")


def _lists(config: IrcConfig) -> Iterator[Fault]:
    for at, mask in enumerate(config.ignore):
        if not MASK.fullmatch(mask):
            yield ("ignore", at), f"{mask!r} is neither a nick nor nick!user@host; * and ? stand for anything"
    for channel, own in config.rooms.items():
        if own.notice and own.formatting not in (None, "none"):
            yield ("rooms", channel, "formatting"), "a NOTICE has no formatting: leave out one of the two"
    for channel, key in config.keys.items():
        word = key.get_secret_value()
        if not word or word.startswith(":") or any(sign.isspace() or sign == "," for sign in word):
            yield ("keys", channel), "a key has no spaces and no commas, and no colon in front"
