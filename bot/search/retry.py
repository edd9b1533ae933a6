"""How often a request is tried, and how long is waited in between; pure but for the dice."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """Seconds, of which a random part is taken; `longest_asked` is the most that a server's wish is worth."""

    tries: int = 3
    first_wait: float = 0.5
    longest_wait: float = 8.0
    longest_asked: float = 30.0

    def wait(self, tried: int, asked: float | None) -> float:
        """Before the next try, after `tried` (from 0); `asked`: what the server wants, which is a least."""
        most = min(self.longest_wait, self.first_wait * 2**tried)
        if asked is not None:
            return min(self.longest_asked, asked) + random.uniform(0, self.first_wait)
        return random.uniform(most / 2, most)
