"""nio's store of keys in one SQLite file, which asks its memory and not the file whom it trusts."""

from __future__ import annotations

from typing import Any

from nio.store import SqliteStore

# Seconds for which another process may have the file locked; the event loop stands still meanwhile.
LONGEST_WAIT = 1


class CryptoStore(SqliteStore):  # type: ignore[misc]  # nio has no types
    """A room's key is given to each device after three such questions: with 200 devices they would take two seconds.

    What is in memory was read from the file, and each change of it goes to both.
    """

    def _create_database(self) -> Any:
        database = super()._create_database()
        database.timeout = LONGEST_WAIT
        return database

    def is_device_verified(self, device: Any) -> bool:
        return bool(device.verified)

    def is_device_blacklisted(self, device: Any) -> bool:
        return bool(device.blacklisted)

    def is_device_ignored(self, device: Any) -> bool:
        return bool(device.ignored)
