"""The networks that the docs and the example name: their blocks are what the config takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bot.chat.irc.config import IrcConfig

ROOT = Path(__file__).parents[2]


def in_operating(network: str) -> str:
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if block.startswith(f"{network}:"))


def in_example(network: str) -> str:
    """The block as it is without its signs of a comment."""
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    match = re.search(rf"^  # {network}:\n(  #   .*\n)+", text, re.MULTILINE)
    assert match is not None
    return re.sub(r"^  # ", "", match[0], flags=re.MULTILINE)


@pytest.mark.parametrize("where", [in_operating, in_example])
def test_oftc_and_libera_are_a_block_each(where: object) -> None:
    assert callable(where)
    oftc = IrcConfig.model_validate(yaml.safe_load(where("oftc"))["oftc"])
    assert (oftc.host, oftc.port, oftc.tls) == ("irc.oftc.net", 6697, True)
    assert oftc.certfp is not None and oftc.sasl is None
    assert oftc.nickserv is None or oftc.nickserv.order == "password-first"
    libera = IrcConfig.model_validate(yaml.safe_load(where("libera"))["libera"])
    assert (libera.host, libera.port, libera.tls) == ("irc.libera.chat", 6697, True)
    assert libera.sasl is not None and libera.sasl.required
    assert libera.sasl.password or libera.sasl.password_file
