"""What the store of encryption raises when its file cannot be read or written: the error of nio's library for that."""

from __future__ import annotations

try:
    from peewee import PeeweeException as StoreFault
except ImportError:  # it comes with the extra e2e; without it there is no store

    class StoreFault(Exception):  # type: ignore[no-redef]
        """Never raised."""


__all__ = ["StoreFault"]
