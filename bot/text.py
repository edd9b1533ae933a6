"""Text that came from a log, a chat line or a signature: made one line, and cut; and counts in words. Pure."""

from __future__ import annotations

import re
import unicodedata

CUT = "…"
SPACE = re.compile(r"\s+")
# Whether an emoji is drawn as text or in colour, and the colour of its skin.
LOOKS = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")


def one_line(text: str) -> str:
    """Without control and format characters (colours, bells, direction marks), white space folded to single spaces."""
    visible = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    shown = "".join(char for char in visible if unicodedata.category(char) not in ("Cf", "Cs", "Co"))
    return SPACE.sub(" ", shown).strip()


def size(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text.encode("utf-8"))


def cut(text: str, most: int) -> str:
    """At most so many bytes of UTF-8, cut at a space where one is near, with an ellipsis at the cut."""
    if size(text) <= most:
        return text
    kept = text.encode("utf-8")[: max(0, most - size(CUT))].decode("utf-8", errors="ignore")
    words, space, _ = kept.rpartition(" ")
    return (words if space and len(words) > len(kept) // 2 else kept).rstrip() + CUT


def counted(number: int, word: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def plain_emoji(text: str) -> str:
    """The same for all looks of an emoji."""
    return LOOKS.sub("", text)
