"""An index without a server: tantivy, in a folder of this machine, with the documents of today's layout."""

from __future__ import annotations

from bot.search.embedded.index import EmbeddedSearch

__all__ = ["EmbeddedSearch"]
