"""The config file: each fault as it is printed, the example, and that no secret shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from bot import config
from bot.config import Config
from bot.errors import UserError
from bot.yamlmarks import KeyPath, read

ROOT = Path(__file__).parents[1]
BAD = sorted((ROOT / "tests" / "bad_configs").glob("*.yaml"))
SECRETS = ("20141120", "secret-token", "hunter2", "from-the-environment")


def faults_of(file: Path) -> str:
    with pytest.raises(UserError) as caught:
        config.load(file, {"A_SECRET": "from-the-environment"})
    return f"{caught.value}\n"


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_config_gets_exactly_these_words(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    said = faults_of(Path(file.name))
    assert said == file.with_suffix(".txt").read_text(encoding="utf-8")
    assert not any(secret in said for secret in SECRETS)
