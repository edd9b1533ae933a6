"""Query texts that hardly anybody writes, drawn by a seeded chance: for verdicts, not for meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

# What the lexer has a rule for, and what comes near it.
_PIECES = (
    *("a", "nova", "n-cpu", "10.0.0.1", "AND", "OR", "NOT", "TO", "and", "&&", "||", "&", "|", "!", "+", "-"),
    *("(", ")", "()", "( )", ":", "message:", "tags:", "_exists_:", "unmapped:", "*:", "mess*:", r"a\:b:", "*:*", "*"),
    *("?", "a*", "*a", "n?va", r"\*", r"\?", r"a\*b*", '"', '""', '"a b"', r'"a \" b"', r'"\\"', '"*"', "'", "“a”"),
    *(
        "~",
        "~1",
        "~2",
        "~3",
        "~0.5",
        "~1.5",
        "~-1",
        "~0",
        "~AUTO",
        "~auto",
        "~x",
        "~1e3",
        "~1f",
        "~.5",
        "~5.",
        "~+1",
        "~NaN",
        "~-0.9",
        "~0x1p3",
    ),
    *("^", "^2", "^0.5", "^-1", "^2.", "^.5", "^1e3", "^x", "^ 2", "^99999999999999999999999999999999999999999"),
    *("[", "]", "{", "}", "[a TO b]", "{a TO b}", "[a TO b}", "{a TO *]", "[* TO *]", '["a" TO "b c"]', "[1 TO 2"),
    *("[TO TO TO]", "[ a TO b ]", "[a\tTO b]", "[a TO b c]", "[a, b]", "[]", r"[\] TO a]", '["a TO b"]', "[a b TO c]"),
    *("/", "//", "/a/", "/a.*b/", r"/a\/b/", "/[/", "/a|b/", "/(a/", "/a{2,1}/", "/~a/", "/<1-9>/", "/@/", "/a b/"),
    *("\\", "\\\\", r"\u0041", r"\u00e9", r"\u12", r"\u", r"\x", r"\ ", r"\AND", r"\"", r"\(", "\\\u3000", r"\u0000"),
    *(
        ">",
        "<",
        ">=",
        "<=",
        ">a",
        "<=a",
        ">=5",
        "=",
        "@timestamp:",
        "#",
        "$",
        "%",
        ";",
        ",",
        ".",
        "`",
        "_",
        "é",
        "日本",
        "😀",
    ),
    *(" ", " ", " ", " ", " ", "\t", "\n", "\r", "\u3000", "\u00a0", "\u2028", "\x0b", "\x0c", "\ufeff", "\u200b"),
)
_BREAKING = "()[]{}\"'^~*?:\\/+-!&|<>=. \n\u3000aT0u"

_REGEX_PIECES = (
    *("a", "b", "1", "2", "é", "😀", " ", ":", "\n", ".", "*", "+", "?", "|", "(", ")", "[", "]", "{", "}", "^", "-"),
    *("\\", '"', "<", ">", "~", "&", "@", "#", ",", r"\d", r"\w", r"\S", r"\x", r"\.", r"\/", r"\-", "()"),
    *("{2}", "{1,3}", "{2,}", "{3,1}", "{0}", "[a-c]", "[^a]", "[z-a]", r"[\d-z]", "<1-5>", "<5-1>", "<01-10>"),
)


def wild_patterns(seed: int, count: int) -> list[str]:
    """`count` regular expressions, half of them faulty: pieces of Lucene's dialect in a row."""
    chance = Random(seed)
    return ["".join(chance.choice(_REGEX_PIECES) for _ in range(chance.randint(1, 8))) for _ in range(count)]


def wild(seed: int, count: int, known: Sequence[str]) -> list[str]:
    """`count` texts: pieces of the grammar in a row, and known queries with one to three characters changed."""
    chance = Random(seed)
    ways: tuple[Callable[[], str], ...] = (lambda: soup(chance), lambda: mutated(chance, chance.choice(known)))
    return [chance.choice(ways)() for _ in range(count)]


def soup(chance: Random) -> str:
    """One to seven pieces of the grammar, in any order."""
    return "".join(chance.choice(_PIECES) for _ in range(chance.randint(1, 7)))


def mutated(chance: Random, text: str) -> str:
    """With one to three characters dropped, doubled, put in, exchanged or turned round, or cut off."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text) + 1)
        before, here, after = text[:at], text[at : at + 1], text[at + 1 :]
        text = chance.choice(
            (
                before + after,
                before + here + here + after,
                before + chance.choice(_BREAKING) + here + after,
                before + chance.choice(_BREAKING) + after,
                before + after[:1] + here + after[1:],
                before if chance.random() < 0.2 else before + after,
            )
        )
    return text
