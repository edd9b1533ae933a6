"""What a Matrix network's section keeps in files: secrets and certificates. Without nio, for `check`."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator

from bot.certificates import why_not_trusted
from bot.chat.matrix.config import MatrixConfig
from bot.errors import PermanentError
from bot.section import secret


def read_secret(config: MatrixConfig, name: str) -> str:
    """The "password" or the "token". Reads its file. Raises PermanentError where that cannot be, or it is empty."""
    file = getattr(config, f"{name}_file")
    try:
        found = secret(getattr(config, name), file)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PermanentError(f"{name}_file {file} cannot be read: {why}") from error
    if not found:
        raise PermanentError(f"the {name} of {config.user} is empty")
    return found


def tls_context(config: MatrixConfig) -> ssl.SSLContext | bool:
    """As `ca_file` says; True for what the system trusts. Raises PermanentError where the file cannot be used."""
    if config.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except OSError as error:
        raise PermanentError(f"ca_file {config.ca_file} cannot be used: {why_not_trusted(error)}") from error


def faults(config: MatrixConfig) -> Iterator[tuple[tuple[str, ...], str]]:
    """What of it the bot could not use: the key in the section, and why not."""
    checks: dict[str, Callable[[], object]] = {"ca_file": lambda: tls_context(config)}
    if config.has_password:
        checks["password" if config.password_file is None else "password_file"] = lambda: read_secret(
            config, "password"
        )
    if config.has_token:
        checks["token" if config.token_file is None else "token_file"] = lambda: read_secret(config, "token")
    for key, check in checks.items():
        try:
            check()
        except PermanentError as error:
            yield (key,), str(error)
