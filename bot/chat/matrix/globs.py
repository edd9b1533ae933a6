"""Matrix ids and server names with * and ? in them; pure.

https://spec.matrix.org/v1.16/appendices/#glob-style-matching: these two and no other sign.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def matches_any(text: str, patterns: Iterable[str]) -> bool:
    """Is one of them all of the text? Capitals count, as two ids may differ in them alone."""
    return any(fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in patterns)
