"""What the documents of an index look like: three ready layouts, each a map from our names to theirs."""

from __future__ import annotations
