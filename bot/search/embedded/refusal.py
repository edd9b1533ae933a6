"""What the embedded index says of a query that it cannot answer."""

from __future__ import annotations


class Refusal(Exception):
    """This query would be answered wrongly here; the message is one plain sentence."""
