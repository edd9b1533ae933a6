"""The folder of encryption is shut to others where it is the bot's alone, and safe on the disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bot.chat.matrix.cryptofolder import PICKLE_KEY, CryptoFolder
from bot.errors import PermanentError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("inside", [(), (PICKLE_KEY, "GWABC.db", "GWABC.db-journal", "cross-signing.json")])
def test_one_that_is_the_bot_s_alone_is_shut(tmp_path: Path, inside: tuple[str, ...]) -> None:
    folder = tmp_path / "crypto"
    folder.mkdir(mode=0o755)
    for name in inside:
        (folder / name).write_text("key")
    CryptoFolder(folder).open()
    assert mode(folder) == 0o700


def test_one_with_other_things_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    (folder / "other.txt").touch()
    with pytest.raises(PermanentError, match=r"shared is open to others, and other\.txt in it is not the bot's: let"):
        CryptoFolder(folder).open()
    assert mode(folder) == 0o755
    folder.chmod(0o700)
    CryptoFolder(folder).open()


def test_the_name_of_a_new_key_is_safe_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(stat.S_ISDIR(os.fstat(file).st_mode)))
    CryptoFolder(tmp_path / "crypto").open()
    assert synced == [False, True]
