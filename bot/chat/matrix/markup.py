"""The HTML that may go out: a few tags, and links to the web. What is made of logs and chat is escaped long before.

This is the last look at it, by an HTML parser that reads as browsers do (nh3, on ammonia and html5ever).
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import nh3

# Of what clients show (https://spec.matrix.org/v1.15/client-server-api/#mroommessage-msgtypes), what the bot writes.
TAGS = frozenset({"a", "b", "blockquote", "br", "code", "em", "i", "li", "ol", "p", "pre", "strong", "ul"})
# A link to a person or a room is shown as a mention, and we mention nobody in the text. Element takes those of its own
# web pages for that too, wherever they are served: https://app.element.io/#/user/@ada:example.org
MENTIONS = ("matrix.to", "www.matrix.to")
_ELEMENT = re.compile(r"/(?:user|room|group)/|/[@#!+]")


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """The address of a link to the web, None for anything else."""
    try:
        parts = urlsplit(value)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    mentions = host in MENTIONS or _ELEMENT.match(unquote(parts.fragment)) is not None
    return value if parts.scheme in ("http", "https") and host and not mentions else None


_CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    attributes={"a": {"href"}},
    attribute_filter=_kept,
    url_schemes={"http", "https"},
    link_rel=None,
)


def clean(html: str) -> str:
    """The HTML with nothing in it but allowed tags, links to the web, and text."""
    return _CLEANER.clean(html)
