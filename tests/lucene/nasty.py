"""Texts that analysers and indices get wrong, drawn by a seeded chance."""

from __future__ import annotations

from random import Random

SCRIPTS = (
    *("日本語漢字𠀀", "ひらがな", "カタカナーｱｲ", "한국어", "नमस्ते हिन्दी", "สวัสดีครับ", "ລາວ", "မြန်မာ", "ខ្មែរ"),
    *("עברית\"'׳״", "مرحبا بكم", "aßİıI ΣσςΟΔΟΣ ǅ", "ａｂ１２", "²½①Ⅷ٣", "𝒳𐐀🄰", "éÉßﬁ"),
    *("😀👍🏽❤️👨‍👩‍👧🇩🇪🇫🇷1️⃣#️⃣*⃣©®™☃✈️☎➡", "\u200d\u200c\u00ad\ufeff\u200b\u2060\u0301\ufe0f\ufe0e\u202f"),
    *("abc", "ABC", "012", "._:·'’,;-+/=_ ", "   \t", "__"),
)
WORDS = (
    *("error", "Error", "ERROR", "nova", "n-cpu", "cpu.txt", "10.0.0.1", "10.0.0.1:8080", "don't", "dont", "__init__"),
    *(
        "a.b",
        "a",
        "b",
        "c",
        "1.5",
        "1,000",
        "foo_bar",
        "foo._bar",
        "İstanbul",
        "istanbul",
        "ISTANBUL",
        "straße",
        "STRASSE",
    ),
    *(
        "café",
        "cafe\u0301",
        "CAFÉ",
        "日本語",
        "日本",
        "カタカナ",
        "नमस्ते",
        "สวัสดี",
        "👍🏽",
        "🇩🇪",
        "☃",
        "x\u200by",
        "x\u00ady",
        "ΟΔΟΣ",
        "οδος",
    ),
    *(
        "***",
        "--",
        "=",
        "[",
        "(nova)",
        '"quoted"',
        "key=value",
        "http://10.0.0.1/a?b=c",
        "/var/log/nova.log",
        "2026-11-20",
    ),
    *("timed", "out", "Lock", "no", "noo", "nov", "nvoa", "novas", "ab", "ba", "abc", "acb"),
)


def text(chance: Random) -> str:
    """A few characters of any script, with what joins and parts them."""
    return "".join(chance.choice(chance.choice(SCRIPTS)) for _ in range(chance.randint(2, 10)))


def long(chance: Random) -> str:
    """One run that is about as long as a token may be, or twice that."""
    unit = chance.choice(("a", "_", "1", "a.", "_a", "é", "a1", "日", "𝒳", "e\u0301", "a,1", "Zm9v+/", "ไ"))
    return chance.choice(("", "x", "__")) + unit * (chance.choice((254, 255, 256, 300, 511, 600)) // len(unit)) + "b c"


def message(chance: Random) -> str:
    """One line: mostly words, now and then empty, of odd scripts, or with a very long token."""
    kind = chance.random()
    if kind < 0.04:
        return chance.choice(("", " ", "***", "\t"))
    if kind < 0.12:
        return f"{text(chance)} nova {text(chance)}"
    if kind < 0.18:
        return f"error {long(chance)} {chance.choice(WORDS)}"
    return " ".join(chance.choice(WORDS) for _ in range(chance.randint(1, 9)))
