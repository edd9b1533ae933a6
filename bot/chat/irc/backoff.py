"""How long to wait before the next try."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

# What servers write before they hang up on somebody whom they do not want back soon; and a certificate that has
# expired, which takes people to mend.
UNWANTED = re.compile(
    r"throttl|too fast|too many connections|[kgdz]-?line|\bbanned\b|akill|certificate .* has expired", re.IGNORECASE
)

Jitter = Callable[[float, float], float]


class Backoff:
    """The waits of `steps` (seconds) one after the other, the last for ever; each anywhere from `floor` to itself."""

    def __init__(self, steps: Sequence[float], floor: float, jitter: Jitter) -> None:
        self._steps = steps
        self._floor = floor
        self._jitter = jitter
        self._next = 0

    def reset(self) -> None:
        """The next try is the first again."""
        self._next = 0

    def wait(self, at_least: float = 0.0) -> float:
        """Seconds to the next try."""
        step = self._steps[min(self._next, len(self._steps) - 1)]
        self._next += 1
        floor = max(self._floor, at_least)
        return self._jitter(floor, max(floor, step, 1.5 * at_least))


def unwanted(why: str) -> bool:
    """Whether a server's last words ask for a longer wait."""
    return UNWANTED.search(why) is not None
