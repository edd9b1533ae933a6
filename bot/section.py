"""The base of every section of the config file, and the types that its values have."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationInfo

from bot.resources import shipped

SHIPPED = "shipped:"
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Section(BaseModel):
    """A mapping of the config file: unknown keys are faults, values do not change, secrets do not show."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def duration(value: object) -> object:
    """`90s`, `20m`, `24h` or `14d` as a timedelta; a timedelta (a default) stays as it is."""
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d+)([smhd])", str(value))
    if match is None:
        raise ValueError("a duration is written 90s, 20m, 24h or 14d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def beside_config(path: Path, info: ValidationInfo) -> Path:
    """A relative path is relative to the folder of the config file (validation context `base`).

    `shipped:NAME` is what comes with Gatewatch, as `shipped:examples/gate-day`.
    """
    if str(path).startswith(SHIPPED):
        return shipped(str(path).removeprefix(SHIPPED))
    base = (info.context or {}).get("base")
    return path.expanduser() if base is None else (Path(base) / path.expanduser())


Duration = Annotated[timedelta, BeforeValidator(duration)]
ConfigPath = Annotated[Path, AfterValidator(beside_config)]


def secret(value: SecretStr | None, file: Path | None) -> str | None:
    """The secret itself, given as a value or as a file's content (its last line end cut off).

    Raises OSError where the file cannot be read.
    """
    if value is not None:
        return value.get_secret_value()
    return None if file is None else file.read_text(encoding="utf-8").rstrip("\n")
