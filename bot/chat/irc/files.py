"""What an IRC network's section keeps in files: passwords and certificates. Without the irc library, for `check`."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.certificates import NO_KEY, why_not_shown, why_not_trusted
from bot.chat.irc.config import IrcConfig, WithPassword
from bot.errors import PermanentError
from bot.section import secret


@dataclass(frozen=True)
class Secrets:
    """Passwords in clear, as the config or its files have them; never shown."""

    server: str | None = field(default=None, repr=False)
    nickserv: str | None = field(default=None, repr=False)
    sasl: str | None = field(default=None, repr=False)
    keys: dict[str, str] = field(default_factory=dict, repr=False)  # by channel, in lower case


class Unusable(PermanentError):
    """A file, or a password, that is of no use."""


def read_secrets(network: str, config: IrcConfig) -> Secrets:
    """Reads files. Raises PermanentError where one cannot be read, or cannot be sent as one word."""
    keys = {name.lower(): key.get_secret_value() for name, key in config.keys.items()}
    try:
        return Secrets(_server(config), _nickserv(config), _sasl(config), keys)
    except Unusable as error:
        raise PermanentError(f"{network}: {error}") from None


def _server(config: IrcConfig) -> str | None:
    return _one_word(config, "password")


def _nickserv(config: IrcConfig) -> str | None:
    return _one_word(config.nickserv, "nickserv password")


def _sasl(config: IrcConfig) -> str | None:
    found = _password(config.sasl)
    if found == "":
        raise Unusable("the sasl password is empty")
    return found


def _one_word(section: WithPassword | None, name: str) -> str | None:
    found = _password(section)
    if found is not None and (not found or any(character.isspace() for character in found)):
        raise Unusable(f"the {name} is empty or has a space or line end in it")
    return found


def _password(section: WithPassword | None) -> str | None:
    if section is None:
        return None
    try:
        return secret(section.password, section.password_file)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Unusable(f"cannot read password_file {section.password_file}: {why}") from None


def tls_context(network: str, config: IrcConfig) -> ssl.SSLContext | None:
    """TLS as the system trusts it or as `ca_file` says, with the certificate for CertFP; None without TLS.

    Reads files. Raises PermanentError where one cannot be used.
    """
    if not config.tls:
        return None
    try:
        context = _trusting(config.ca_file)
        _show(context, config.certfp)
    except Unusable as error:
        raise PermanentError(f"{network}: {error}") from None
    return context


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise Unusable(f"cannot use ca_file {ca_file}: {why_not_trusted(error)}") from None


def _show(context: ssl.SSLContext, certfp: Path | None) -> None:
    if certfp is None:
        return
    try:
        context.load_cert_chain(certfp, password="")  # else one that has a password asks for it at the terminal
    except OSError as error:
        why = why_not_shown(error, certfp)
        hint = ": put the key into the same file, behind the certificate" if why == NO_KEY else ""
        raise Unusable(f"cannot use certfp {certfp}: {why}{hint}") from None


def faults(config: IrcConfig) -> Iterator[tuple[tuple[str, ...], str]]:
    """What of it the bot could not use: the key in the section, and why not."""
    checks: dict[tuple[str, ...], Callable[[], object]] = {
        _named(config): lambda: _server(config),
        ("nickserv", *_named(config.nickserv)): lambda: _nickserv(config),
        ("sasl", *_named(config.sasl)): lambda: _sasl(config),
        ("ca_file",): lambda: _trusting(config.ca_file),
        ("certfp",): lambda: _show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), config.certfp),
    }
    for path, check in checks.items():
        try:
            check()
        except Unusable as error:
            yield path, str(error)


def _named(section: WithPassword | None) -> tuple[str, ...]:
    return ("password_file",) if section is not None and section.password_file is not None else ("password",)
