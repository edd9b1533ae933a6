"""What the bot remembers: one writer, one order of writes, all or nothing."""

from __future__ import annotations

from bot.store.lock import LockLost
from bot.store.store import Store, locked_elsewhere
from bot.store.tx import Tx

__all__ = ["LockLost", "Store", "Tx", "locked_elsewhere"]
