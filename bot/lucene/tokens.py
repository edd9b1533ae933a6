"""Text -> the tokens by which an analysed field is searched.

This is the `standard` analyser of Elasticsearch and OpenSearch (Lucene's StandardTokenizer, Unicode UAX 29, in lower
case, no stop words) as one regular expression. Letters hold together over a single `.`, `:` or `'`, digits over `.`,
`,`, `;` or `'`, and `_` over both: `cpu.txt`, `10.0.0.1`, `__init__` are one token each, `n-cpu`, `a.1` are two.
It differs for emoji (a token each for Lucene), for the marks of Indian and Thai scripts, and for rarer signs.
"""

from __future__ import annotations

import re

# StandardTokenizer's max_token_length: what is longer is cut there, and the rest begins anew.
LONGEST = 255

# The names by which a query means the analysed field before any index is known; "" is no name at all.
MESSAGES = frozenset({"", "message", "@message"})

# A token each: Hiragana, and Chinese, Japanese and Korean ideographs.
_SINGLE = (("3040", "3096"), ("309D", "309F"), ("3400", "4DBF"), ("4E00", "9FFF"), ("F900", "FAFF"))
# Numbers that are neither digits nor letters (superscripts, fractions, numbers in circles): they are in Python's \w.
_OTHER = (("00B2", "00B3"), ("00B9", "00B9"), ("00BC", "00BE"), ("2070", "2089"), ("2150", "215F"), ("2460", "249B"))
# They belong to the letter before them: combining accents, soft hyphen, joiners.
_EXTENDING = (("0300", "036F"), ("00AD", "00AD"), ("200C", "200D"))


def _ranges(ranges: tuple[tuple[str, str], ...], escape: str) -> str:
    return "".join(f"{escape % low}-{escape % high}" for low, high in ranges)


def _token(letter: str, digit: str, single: str, extending: str) -> str:
    letters = f"{letter}{extending}*(?:[.:'’·]?{letter}{extending}*)*"
    digits = f"{digit}(?:[.,;'’]?{digit})*"
    core = f"(?:{letters}|{digits})"
    return f"{single}|_*{core}(?:{core}|_)*"


def _for_python() -> str:
    single, other, extending = (_ranges(ranges, r"\u%s") for ranges in (_SINGLE, _OTHER, _EXTENDING))
    return _token(rf"[^\W\d_{single}{other}]", r"\d", f"[{single}]", f"[{extending}]")


def _for_rust() -> str:
    single, extending = (_ranges(ranges, r"\x{%s}") for ranges in (_SINGLE, _EXTENDING))
    return _token(rf"[\p{{L}}\p{{Nl}}--[{single}]]", r"\p{Nd}", f"[{single}]", f"[{extending}]")


# The same for Rust's regex crate, as tantivy's regex tokenizer takes it; that leaves the case, and cuts nothing.
RUST_TOKEN = _for_rust()
# A row of `_` alone is no token; read as one, so that it is not looked at again from each `_` in it.
_TOKEN = re.compile(rf"{_for_python()}|(?P<none>_++)")


def tokens(text: str) -> list[str]:
    """The tokens of a text in their order; empty if it has neither letter nor digit."""
    found = []
    match = _TOKEN.search(text)
    while match:
        if len(match[0]) > LONGEST:
            match = _TOKEN.match(text, match.start(), match.start() + LONGEST) or match
        if not match["none"]:
            found.append(_lower(match[0]))
        match = _TOKEN.search(text, match.end())
    return found


def _lower(token: str) -> str:
    """Letter by letter as Java does it: the Turkish İ stays one letter."""
    return token.replace("İ", "i").lower()
