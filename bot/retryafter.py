"""When a server wants to be asked again; pure."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime


def asked_for(retry_after: str | None, date: str | None) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3), None where it says nothing that can be read.

    A time in it is counted from the answer's own Date, as the server's clock may not be ours.
    """
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return float(retry_after)
    then, now = _moment(retry_after), _moment(date or "")
    return None if then is None or now is None else max(0.0, (then - now).total_seconds())


def _moment(text: str) -> datetime | None:
    """An HTTP date (RFC 9110, 5.6.7), None for what is none."""
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
