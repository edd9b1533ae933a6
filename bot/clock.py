"""The one clock: whoever needs the time of now is given this, or one that a test sets."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Aware, in UTC."""
    return datetime.now(UTC)
