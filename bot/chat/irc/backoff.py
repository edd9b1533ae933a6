"""How long to wait before the next try."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bot.errors import TemporaryError

# What servers write before they hang up on somebody whom they do not want back soon.
UNWANTED = re.compile(
    r"throttl|too fast|too many [\w/ ]*connections|\b[kgdzx]-?line|\bbanned\b|akill|dnsbl|blacklist|bad password",
    re.IGNORECASE,
)

Jitter = Callable[[float, float], float]


def longest(low: float, high: float) -> float:
    """No jitter: for what is between the bot and its own network alone, which nobody else does at the same moment."""
    return high


class LongWait(TemporaryError):
    """What people have to mend, at either end: it is tried again, but not soon. A network is not given up for it.

    So nobody locks the bot's account, or bans it for longer, because it keeps trying.
    """


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

    def wait(self) -> float:
        """Seconds to the next try."""
        step = self._steps[min(self._next, len(self._steps) - 1)]
        self._next += 1
        return self._jitter(self._floor, max(self._floor, step))


def unwanted(why: str) -> bool:
    """Whether a server's last words ask for a longer wait."""
    return UNWANTED.search(why) is not None
