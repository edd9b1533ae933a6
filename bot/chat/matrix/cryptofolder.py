"""The folder of encryption: nio's store per device, the key that it is encrypted with, and our signing seeds.

Only the bot's account may enter the folder (0700) and read the files that we write (0600).
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from bot.errors import PermanentError

PICKLE_KEY = "pickle.key"
SEEDS = "cross-signing.json"


class CryptoFolder:
    """Its methods block: call them beside the event loop. They raise PermanentError for what only an operator mends."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> str:
        """Make the folder where it is not there; the key of the stores in it."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._shut()
            return self._pickle_key()
        except OSError as error:
            raise self._unusable(error) from error

    def store_name(self, device: str) -> str:
        """The file of one device's store."""
        return f"{quote(device, safe='')}.db"

    def ready_store(self, device: str) -> str:
        """The same, once nobody else may read that file: its library would let the umask decide."""
        file = self.path / self.store_name(device)
        try:
            file.touch(mode=0o600)
            file.chmod(0o600)
        except OSError as error:
            raise self._unusable(error) from error
        return file.name

    def look(self, device: str) -> tuple[bytes, str] | None:
        """The device's account, encrypted, and the key to it; None where it is not there. Writes nothing."""
        file = self.path / self.store_name(device)
        if not file.exists():
            return None
        try:
            key = (self.path / PICKLE_KEY).read_text(encoding="ascii").strip()
            with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as store:
                row = store.execute("SELECT account FROM accounts WHERE device_id = ?", (device,)).fetchone()
        except (OSError, ValueError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        return None if row is None else (row[0], key)

    def seeds(self) -> Mapping[str, str]:
        """Our seeds of cross-signing by their use, empty where there are none."""
        try:
            found = json.loads((self.path / SEEDS).read_text(encoding="ascii"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._unusable(error) from error
        return {str(use): str(seed) for use, seed in found.items()}

    def keep_seeds(self, seeds: Mapping[str, str]) -> None:
        """Returns when they are safe on the disk."""
        try:
            self._write(SEEDS, json.dumps(dict(seeds)))
        except OSError as error:
            raise self._unusable(error) from error

    def _shut(self) -> None:
        """To others; not if there is more in it than ours."""
        if not self.path.stat().st_mode & 0o077:
            return
        for file in self.path.iterdir():
            if not file.name.startswith((PICKLE_KEY, SEEDS)) and ".db" not in file.name:
                raise PermanentError(
                    f"{self.path} is open to others, and {file.name} in it is not the bot's: let crypto_folder name a "
                    "folder of its own"
                )
        self.path.chmod(0o700)

    def _pickle_key(self) -> str:
        try:
            key = (self.path / PICKLE_KEY).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            if any(self.path.glob("*.db")):
                raise PermanentError(
                    f"{self.path} has encrypted stores, and {PICKLE_KEY} is gone: put both back from one backup, "
                    "or move the folder away, and the bot becomes a new device"
                ) from None
            key = secrets.token_hex(32)
            self._write(PICKLE_KEY, key + "\n")
        return key

    def _write(self, name: str, text: str) -> None:
        """All of it or nothing, and nobody else may read it at any moment."""
        unfinished = self.path / f"{name}.new"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.path / name)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)  # the name is safe only then
        finally:
            os.close(folder)

    def _unusable(self, error: Exception) -> PermanentError:
        return PermanentError(f"the keys of encryption cannot be kept in {self.path}: {error}")
