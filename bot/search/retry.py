"""How often a request is tried, and how long is waited in between; pure but for the dice."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime


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


def asked_for(retry_after: str | None, date: str | None) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3), None where it says nothing that can be read.

    A time in it is counted from the answer's own Date, as the server's clock may not be ours.
    """
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return float(retry_after)
    then, now = moment(retry_after), moment(date or "")
    return None if then is None or now is None else max(0.0, (then - now).total_seconds())


def moment(text: str) -> datetime | None:
    """An HTTP date (RFC 9110, 5.6.7), None for what is none."""
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
