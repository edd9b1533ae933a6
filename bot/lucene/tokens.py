"""Text -> the tokens by which an analysed field is searched.

This is the `standard` analyser of Elasticsearch and OpenSearch (Lucene's StandardTokenizer: Unicode's UAX 29, and a
token for each emoji; in lower case, no stop words) as one regular expression. Letters hold together over a single
`.`, `:` or `'`, digits over `.`, `,`, `;` or `'`, and `_` over both: `cpu.txt`, `10.0.0.1`, `__init__` are one token
each, `n-cpu`, `a.1` are two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex

# StandardTokenizer's max_token_length, in UTF-16 units: what is longer is cut there, and the rest begins anew.
LONGEST = 255

# The names by which a query means the analysed field before any index is known; "" is no name at all.
MESSAGES = frozenset({"", "message", "@message"})


def _word(
    letter: str, digit: str, over_letters: str, over_digits: str, joining: str, ending: str = "", katakana: str = ""
) -> str:
    """Runs of letters and digits, or of Katakana, that `joining` characters hold together."""
    letters = rf"{letter}(?:(?:{over_letters})?{letter})*" + (f"(?:{ending})?" if ending else "")
    run = rf"(?:{letters}|{digit}(?:(?:{over_digits})?{digit})*)+"
    part = rf"(?:{run}|(?:{katakana})+)" if katakana else run
    return rf"(?:{joining})*{part}(?:(?:{joining})+{part})*(?:{joining})*"


def _unicode() -> str:
    """For the module `regex`; `mark`: UAX 29's rule 4."""
    mark = r"[\p{wb=Extend}\p{wb=Format}\p{wb=ZWJ}]*"
    middle = r"\p{wb=MidNumLet}\p{wb=Single_Quote}"
    hebrew = rf"(?<=\p{{wb=Hebrew_Letter}}{mark})"
    word = _word(
        letter=rf"[\p{{wb=ALetter}}\p{{wb=Hebrew_Letter}}]{mark}",
        digit=rf"[\p{{wb=Numeric}}０-９]{mark}",
        over_letters=rf"[\p{{wb=MidLetter}}{middle}]{mark}|{hebrew}\p{{wb=Double_Quote}}{mark}(?=\p{{wb=Hebrew_Letter}})",
        over_digits=rf"[\p{{wb=MidNum}}{middle}]{mark}",
        joining=rf"\p{{wb=ExtendNumLet}}{mark}",
        ending=rf"{hebrew}\p{{wb=Single_Quote}}{mark}",
        katakana=rf"\p{{wb=Katakana}}{mark}",
    )
    single = rf"[\p{{Script=Han}}\p{{Script=Hiragana}}]{mark}"
    # Scripts without spaces (Line_Break=Complex_Context): a run is one token.
    scripts = ("Thai", "Lao", "Myanmar", "Khmer", "Tai_Le", "New_Tai_Lue", "Tai_Tham", "Tai_Viet")
    complex_context = "".join(rf"\p{{Script={name}}}" for name in scripts)
    run = rf"(?:[[{complex_context}]&&[\p{{L}}\p{{M}}]]{mark})+"
    return rf"{_emoji(mark)}|{single}|{word}|{run}"


def _emoji(mark: str) -> str:
    picture, tone, shown, joiner = r"[\p{Extended_Pictographic}&&\p{Emoji}]", r"\p{Emoji_Modifier}", "\ufe0f", "\u200d"
    tail = rf"(?:[[\p{{wb=Extend}}\p{{wb=Format}}\p{{wb=ZWJ}}]--[\ufe0e\ufe0f]]{mark})?"
    joined = rf"{joiner}?(?:{picture}(?:{tone}|{shown})?{joiner})*{picture}(?:{shown}|(?:{tone})?{tail})"
    flag = rf"(?:\p{{wb=Regional_Indicator}}{mark}){{2}}"
    return rf"{flag}|[#*©®™〰〽]{shown}?\u20e3|{joined}|{tone}{mark}"


# A row of joining characters alone is no token; read as one, so that it is not looked at again from each of them.
_JOINING = regex.compile(r"\p{wb=ExtendNumLet}++")
_ANY = regex.compile(rf"{_unicode()}|{_JOINING.pattern}", regex.VERSION1)
# For nearly every line: the same where there is nothing but ASCII, and five times as fast.
_ASCII = re.compile(_word("[A-Za-z]", "[0-9]", "[.:']", "[.,;']", "_") + "|_++")


def tokens(text: str) -> list[str]:
    """The tokens of a text in their order; empty if it has neither letter nor digit."""
    if text.isascii():
        found = _ASCII.findall(text.lower())
        if any(len(token) > LONGEST for token in found):
            found = list(_cut(text.lower(), _ASCII))
        return [token for token in found if token[0] != "_" or token.strip("_")]
    return [lower(token) for token in _cut(text, _ANY) if not _JOINING.fullmatch(token)]


def lower(text: str) -> str:
    """Character by character as Java does it: the Turkish İ stays one letter, and a last Σ is not ς."""
    return "".join("i" if char == "İ" else char.lower() for char in text)


def _cut(text: str, pattern: re.Pattern[str] | regex.Pattern[str]) -> Iterator[str]:
    """The matches, those that are too long in pieces: each the longest that fits, as if the text ended there."""
    at = long = 0  # `long`: where a match that is too long ends; it is not matched again from each of its pieces
    while match := _next(text, at, long, pattern):
        start, at = match.span()
        end = _reach(text, start)
        if at <= end or _JOINING.fullmatch(match[0]):
            yield match[0]
            continue
        long = at
        joined = _JOINING.match(text, start)
        start = max(start, joined.end() - LONGEST) if joined else start
        while not (piece := _piece(text, start, pattern)) and start < len(text):
            start += 1  # the halves of a flag, say, with so many marks between them that no part of it is a token
        if piece:
            yield piece
        at = start + len(piece)


def _next(
    text: str, at: int, long: int, pattern: re.Pattern[str] | regex.Pattern[str]
) -> re.Match[str] | regex.Match[str] | None:
    """The next match; within one that is too long only as far as a token may reach, up to a row of joining signs."""
    while at < long:
        match = pattern.match(text, at, _reach(text, at))
        if match and _JOINING.fullmatch(match[0]):
            break
        if match:
            return match
        at += 1
    return pattern.search(text, at)


def _piece(text: str, start: int, pattern: re.Pattern[str] | regex.Pattern[str]) -> str:
    match = pattern.match(text, start, _reach(text, start))
    return match[0] if match and not _JOINING.fullmatch(match[0]) else ""


def _reach(text: str, start: int) -> int:
    """How far LONGEST UTF-16 units reach."""
    part = text[start : start + LONGEST]
    units = part.encode("utf-16-le", "surrogatepass")[: 2 * LONGEST]
    return start + len(units.decode("utf-16-le", "ignore"))
