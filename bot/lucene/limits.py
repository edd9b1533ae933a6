"""How much of a query is taken. `parse` holds all of it, so a signature file, the command line and chat agree.

Each limit is far above any query of elastic-recheck's (at most 532 characters, 8 clauses, 2 scans, 3 parentheses deep)
and below what a supported server refuses or suffers from: such a query costs the cluster nothing.
"""

from __future__ import annotations

import re

from bot.lucene.faults import SyntaxFault
from bot.lucene.tokens import tokens
from bot.lucene.tree import Fuzzy, Leaf, Node, Regex, Wildcard, Word, leaves

# OpenSearch 3 refuses a query string of over 32,000 characters, many proxies a body of 1 MB. 50 of these fit 500 kB.
MAX_LENGTH = 10_000
# Python's stack holds about 300 levels of the parser; servers take 1,000.
MAX_NESTING = 100
# indices.query.bool.max_clause_count of Elasticsearch 7 and OpenSearch is 1,024 of the whole rewritten query, in which
# the bot's own filters take a few.
MAX_CLAUSES = 1000
# Clauses for which the server reads every term that its index has, in every shard.
MAX_SCANS = 20
# The words that one `word~` may become (fuzzy_max_expansions of query_string).
FUZZY_WORDS = 50

# Bytes of a signature's file, which may have sample lines too; YAML takes half a second for twice as many.
MAX_FILE = 50_000

# Control characters but tab and line ends, and halves of characters; no log line is found by them.
_UNSEARCHABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def check_text(text: str) -> None:
    """Raises SyntaxFault for a text that is not worth reading; takes no longer for a long one."""
    if len(text) > MAX_LENGTH:
        raise SyntaxFault(
            f"the query has {len(text):,} characters, and {MAX_LENGTH:,} are the most; split it into several",
            MAX_LENGTH,
        )
    if strange := _UNSEARCHABLE.search(text):
        sign = f"U+{ord(strange[0]):04X}"
        raise SyntaxFault(f"the control character {sign} cannot be searched for; leave it out", strange.start())


def check_tree(node: Node) -> None:
    """Raises SyntaxFault, at the first leaf that is too much, for a query that would cost a server too much."""
    clauses = scans = 0
    for leaf in leaves(node):
        clauses += _clauses(leaf)
        scans += _is_scan(leaf)
        if clauses > MAX_CLAUSES:
            raise SyntaxFault(
                f"the query has more than {MAX_CLAUSES:,} clauses, which is what servers take; split it into several",
                leaf.at,
            )
        if scans > MAX_SCANS:
            raise SyntaxFault(
                f"the query has more than {MAX_SCANS} leading wildcards and regular expressions, "
                "for each of which a server reads all its terms; name the values with OR",
                leaf.at,
            )


def _clauses(leaf: Leaf) -> int:
    """As many as the server may make of it: a word is one for each of its tokens, a phrase is one."""
    if isinstance(leaf, Fuzzy):
        return FUZZY_WORDS
    return max(1, len(tokens(leaf.text))) if isinstance(leaf, Word) else 1


def _is_scan(leaf: Leaf) -> bool:
    return isinstance(leaf, Regex) or (isinstance(leaf, Wildcard) and leaf.pattern[0] in "*?" and leaf.pattern != "*")
