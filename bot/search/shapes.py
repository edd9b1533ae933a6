"""Taking apart JSON that somebody else made: what has not the shape that it should have is Unreadable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MOST = 2**53


class Unreadable(Exception):
    """A part of an answer is missing, or something else than it should be; the text says which and what."""


def part(of: Any, *path: str) -> Any:
    """What stands at a path of keys."""
    for key in path:
        if not isinstance(of, Mapping) or key not in of:
            raise Unreadable(f"there is no {'.'.join(path)}")
        of = of[key]
    return of


def mapping(of: Any, *path: str) -> Mapping[str, Any]:
    """What stands there, if it is a mapping."""
    found = part(of, *path)
    if not isinstance(found, Mapping):
        raise Unreadable(f"{'.'.join(path) or 'it'} is no mapping")
    return found


def items(of: Any, *path: str) -> list[Any]:
    """What stands there, if it is a list."""
    found = part(of, *path)
    if not isinstance(found, list):
        raise Unreadable(f"{'.'.join(path) or 'it'} is no list")
    return found


def number(of: Any, *path: str) -> float:
    """What stands there, if it is a finite number."""
    found = part(of, *path)
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not isfinite(found):
        raise Unreadable(f"{'.'.join(path) or 'it'} is no number")
    return float(found)


def isfinite(found: float) -> bool:
    """Also no for a whole number that is too large for a float: JSON has no limit (RFC 8259, 6)."""
    try:
        return math.isfinite(found)
    except OverflowError:
        return False


def count(of: Any, *path: str) -> int:
    """A whole number; more than JSON keeps exactly (RFC 8259, 6) is none."""
    found = number(of, *path)
    if not 0 <= found < MOST or found != int(found):
        raise Unreadable(f"{'.'.join(path) or 'it'} is no count")
    return int(found)


def word(of: Any, *path: str) -> str:
    """A text, also where it is kept as a number or a truth."""
    found = part(of, *path)
    if not isinstance(found, (str, int, float)):
        raise Unreadable(f"{'.'.join(path) or 'it'} is no text")
    return str(found)
