"""Answers that came in parts, put together; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from bot.model import Answer, Complete, Hit, Listed, Unknown, Window

T = TypeVar("T")


def parts(whole: Sequence[T], most: int) -> list[Sequence[T]]:
    """In their order, each of `most` but for the last."""
    return [whole[start : start + most] for start in range(0, len(whole), most)]


def joined(one: Answer[list[Hit]], other: Answer[list[Hit]]) -> Answer[list[Hit]]:
    """Both findings; unknown if either is."""
    found = one.found + other.found
    unknown = next((answer for answer in (one, other) if isinstance(answer, Unknown)), None)
    return Complete(found) if unknown is None else Unknown(unknown.why, found, unknown.refused)


def kept(answer: Answer[list[Hit]], inside: set[str]) -> Answer[list[Hit]]:
    """Only the hits in these builds (uuids)."""
    return replace(answer, found=[hit for hit in answer.found if hit.build in inside])


def newest_in(window: Window, answer: Answer[list[Listed]]) -> Answer[list[Listed]]:
    """Only builds whose newest line lies in [start, end) of the window."""
    return replace(answer, found=[one for one in answer.found if window.start <= one.newest < window.end])
