"""What a cluster keeps from this login: said once, and gone without for a while."""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

Notice = Callable[[str], None]


def logged(sentence: str) -> None:
    """To the log alone."""
    log.warning("%s", sentence)


class Without:
    """The actions of the far end that are not asked for now.

    `notice`: who is told, once, in a sentence. `lasts`: seconds of `clock` after which an action is tried again, as a
    refusal may pass.
    """

    def __init__(self, notice: Notice, lasts: float, clock: Callable[[], float]) -> None:
        self._notice = notice
        self._lasts = lasts
        self._clock = clock
        self._refused: dict[str, float] = {}

    def __contains__(self, action: str) -> bool:
        return action in self._refused and self._clock() - self._refused[action] < self._lasts

    def add(self, action: str, instead: str) -> None:
        """`action` is refused, and what is done instead worked."""
        if action not in self._refused:
            self._notice(f"the cluster refuses {action}: {instead}")
        if action not in self:
            self._refused[action] = self._clock()
