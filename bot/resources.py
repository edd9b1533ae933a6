"""Where the files lie that come with Gatewatch: signatures, examples, the example config."""

from __future__ import annotations

from pathlib import Path

CODE = Path(__file__).parent


def shipped(name: str) -> Path:
    """The path of a shipped file or folder, as `signatures` or `examples/gate-day`; it need not exist.

    An installed Gatewatch has them in `bot/data`, where setup.py packs them; a checkout has them beside `bot`.
    The packed ones go first: beside an installed package lies whatever else is installed.
    """
    packed = CODE / "data"
    return (packed if packed.is_dir() else CODE.parent) / name


def came_with_us(file: Path) -> bool:
    """Is it one of the shipped signatures, which whoever runs the bot does not mend?"""
    return file.resolve().is_relative_to(shipped("signatures").resolve())
