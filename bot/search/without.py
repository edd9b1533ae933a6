"""What a cluster keeps from this login: said once, and gone without from then on."""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

Notice = Callable[[str], None]


def logged(sentence: str) -> None:
    log.warning("%s", sentence)


class Without:
    """The actions of the far end that are not asked for any more. `notice`: who is told, in a sentence."""

    def __init__(self, notice: Notice = logged) -> None:
        self._notice = notice
        self._actions: set[str] = set()

    def __contains__(self, action: str) -> bool:
        return action in self._actions

    def add(self, action: str, instead: str) -> None:
        """`action` is refused, and what is done instead worked."""
        if action not in self._actions:
            self._actions.add(action)
            self._notice(f"the cluster refuses {action}: {instead}")
