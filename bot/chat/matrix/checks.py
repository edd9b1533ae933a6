"""What no single key of a Matrix network's section can say. Without nio, for `check`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from bot.chat.matrix import files
from bot.chat.matrix.config import MatrixConfig

Fault = tuple[tuple[str, ...], str]  # the key in the section, and what is wrong
SECRETS = ("password", "password_file", "token", "token_file")
MORE_LIBRARIES = "encryption needs more libraries: pip install '.[e2e]' in the checkout"


def has_extra() -> bool:
    """Are the libraries of the extra e2e there?"""
    return find_spec("vodozemac") is not None


def faults(config: MatrixConfig) -> Iterator[Fault]:
    """All of them."""
    given = [key for key in SECRETS if getattr(config, key) is not None]
    if len(given) > 1:
        yield (given[1],), "give at most one of password, password_file, token and token_file"
    if config.encryption and not has_extra():
        yield ("encryption",), MORE_LIBRARIES
    if config.crypto_folder is not None and not config.encryption:
        yield ("crypto_folder",), "it is for encryption: true"
    if not config.ignore_unverified_devices and not config.encryption:
        yield ("ignore_unverified_devices",), "it is for encryption: true"
    yield from files.faults(config)


def warnings(config: MatrixConfig) -> Iterator[Fault]:
    """What may be right, and seldom is.

    Capitals: https://spec.matrix.org/v1.16/appendices/#historical-user-ids.
    """
    name = config.user.partition(":")[0]
    if name != name.lower():
        yield ("user",), "only very old Matrix ids have capitals; homeservers make new ones small"
