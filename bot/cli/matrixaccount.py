"""What the verbs behind `gatewatch matrix` share: the account, and what the bot keeps of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.chat.matrix.config import MatrixConfig
from bot.cli.common import store_address
from bot.clock import utc_now
from bot.config import Config
from bot.errors import UserError
from bot.store import Store
from bot.store.keep import StoreKeep
from bot.wording import strange_word


def matrix_account(settings: Config, network: str) -> MatrixConfig:
    """The section of a Matrix network. Raises UserError where it is none."""
    found = settings.networks.get(network)
    if found is None:
        raise UserError(f"{network}: {strange_word('no such network', network, list(settings.networks))}")
    if not isinstance(found, MatrixConfig):
        raise UserError(f"{network} is of type {found.type}: this is for Matrix accounts only")
    return found


@contextmanager
def kept_beside(settings: Config) -> Iterator[StoreKeep]:
    """What the bot keeps, also while it runs. Raises UserError where there is no store yet."""
    store = Store.open(store_address(settings), now=utc_now(), lock=False)
    try:
        yield StoreKeep(store)
    finally:
        store.close_now()
