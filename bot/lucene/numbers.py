"""Numbers in query texts, as servers read them: by Java's Float.parseFloat (its grammar: java.lang.Double.valueOf)."""

from __future__ import annotations

import re

GREATEST_WHOLE = 2**31 - 1
GREATEST_FLOAT = 3.4028235677973366e38  # from here on parseFloat says Infinity

_AROUND = "".join(map(chr, range(0x21)))  # what Java's trim takes off
_DECIMAL = re.compile(r"([+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[fFdD]?")
_HEXADECIMAL = re.compile(r"([+-]?0[xX](?:[0-9a-fA-F]++\.?[0-9a-fA-F]*+|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?")
_NAMED = re.compile(r"[+-]?(?:NaN|Infinity)")


def java_float(text: str) -> float | None:
    """The number that a text is, None if it is none; too great a one is infinite."""
    trimmed = text.strip(_AROUND)
    if match := _DECIMAL.fullmatch(trimmed):
        return float(match[1])
    if match := _HEXADECIMAL.fullmatch(trimmed):
        try:
            return float.fromhex(match[1])
        except OverflowError:
            return float("-inf" if trimmed.startswith("-") else "inf")
    return float(trimmed) if _NAMED.fullmatch(trimmed) else None


def whole(number: float) -> int:
    """Cut to a whole number of 32 bits, as Java's casts do it; what is no number is 0."""
    return int(max(-GREATEST_WHOLE, min(GREATEST_WHOLE, number))) if number == number else 0
