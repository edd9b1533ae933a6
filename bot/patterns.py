"""How a feed names projects, branches and jobs: a word as it stands, or a regular expression."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import PlainValidator
from pydantic_core import PydanticCustomError


class Pattern:
    """An exact word, or with a leading `^` a regular expression; compiled once.

    The rule is gerritbot's: `^` anchors the start, the end is open unless the expression ends in `$`.
    """

    __slots__ = ("_expression", "text")

    def __init__(self, text: str) -> None:
        """Raises re.error for what is no regular expression."""
        self.text = text
        self._expression = re.compile(text) if text.startswith("^") else None

    def matches(self, text: str) -> bool:
        return text == self.text if self._expression is None else self._expression.search(text) is not None

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


def pattern(value: Any) -> Pattern:
    """A value of the config file as a Pattern; the validator of `Matcher`."""
    if isinstance(value, Pattern):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "expected a text")
    try:
        return Pattern(value)
    except re.error as error:
        at = "" if error.pos is None else f" at character {error.pos + 1}"
        raise ValueError(f"not a regular expression: {error.msg}{at}") from None


Matcher = Annotated[Pattern, PlainValidator(pattern)]
