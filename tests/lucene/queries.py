"""Query texts drawn from the grammar by a seeded chance, half of them broken by one character."""

from __future__ import annotations

from random import Random

import yaml

from tests.servers import corpus

WORDS = ("error", "timed", "out", "nova", "cpu.txt", "n-cpu", "10.0.0.1", "Lock", "a1.2", "foo:bar", "__init__", "no")
TAGS = ("console", "screen-n-cpu.txt", "syslog", "a b")
_MODIFIERS = ("", "", "", "", "+", "-", "NOT ", "!", "- ", "! ")
_JOINS = (" AND ", " AND ", " OR ", " OR ", " ", " && ", " || ", "AND", "\n")
_BREAKING = '"()[]{}:^~*?\\/+-! '


# Joined without parentheses, with implicit operators, and with nothing but what is forbidden.
JOINED = """
error AND nova OR timed | error OR nova AND timed | error nova AND timed | error AND nova timed | error nova timed
+error -nova timed | +error nova | error -nova | -error | NOT error | !error | -error -nova | NOT error OR nova
NOT error AND nova | error OR NOT nova | error AND NOT nova OR timed | NOT error NOT nova | -error OR +nova
error AND (nova OR timed) | error AND (NOT nova) | error OR (NOT nova) | error AND (-nova -timed) | (-error) (-nova)
NOT (NOT error) | NOT (-error -nova) | -(-(-error)) | error AND -(nova timed) | +(error nova) +(timed out) | (error)^2
error && nova || timed | error && !nova | error || !nova && timed | tags:console AND NOT error | -tags:console
NOT tags:console OR error AND nova | *:* AND NOT error | *:* -error | "***" AND error | error AND "***" OR nova
message:(error AND nova OR timed) | message:(error -nova) AND tags:console | message:(-error) | tags:(console OR syslog)
"""


def joined() -> list[str]:
    return [query for row in JOINED.strip().split("\n") for query in row.split(" | ")]


def of_corpus() -> list[str]:
    """elastic-recheck's queries."""
    files = sorted((corpus() / "signatures").glob("*.yaml"))
    return [yaml.safe_load(file.read_text(encoding="utf-8"))["query"] for file in files]


def line(chance: Random) -> str:
    """A message made of the words that the queries ask for."""
    return " ".join(chance.choice((*WORDS, "=", "(", "***")) for _ in range(chance.randint(1, 9)))


def queries(seed: int, count: int) -> list[str]:
    """`count` queries; on fields other than the message there are no terms in a row."""
    chance = Random(seed)
    drawn = [_query(chance, depth=2) for _ in range(count)]
    return [_broken(chance, text) if at % 2 else text for at, text in enumerate(drawn)]


def _query(chance: Random, depth: int) -> str:
    text = _clause(chance, depth)
    for _ in range(chance.randint(0, 3)):
        text += chance.choice(_JOINS) + _clause(chance, depth)
    return text


def _clause(chance: Random, depth: int) -> str:
    sign = chance.choice(_MODIFIERS)
    if depth and chance.random() < 0.3:
        field = chance.choice(("", "", "message:"))
        return f"{sign}{field}({_query(chance, depth - 1)}){_boost(chance)}"
    return sign + chance.choice((_on_message, _on_message, _on_tags))(chance)


def _on_message(chance: Random) -> str:
    word = _escaped(chance.choice(WORDS))
    phrase = " ".join(chance.choice(WORDS) for _ in range(chance.randint(0, 3)))
    value = chance.choice(
        (
            word,
            word,
            f'"{phrase}"',
            f'"{phrase}"~{chance.choice(("", "1", "2.7", "x"))}',
            f"{word}~{chance.choice(('', '0', '1', '2', '1.5', 'AUTO', '9'))}",
            word[:2].rstrip("\\") + "*",
            "*" + word[-3:],
            f"{word[0]}?{word[2:]}",
            f"[{chance.choice(('a', '*'))} TO {chance.choice(('n', '*', 'o'))}{chance.choice(']}')}",
            f'{{"b" TO "x y"{chance.choice("]}")}',
            "/no(va)?/",
            "/[e-t].{3,4}/",
            "/err\\/or|ti~x@/",
            ">n",
            "<=lock",
            "*",
            r"\u006eova",
            '"***"',
        )
    )
    return chance.choice(("", "", "message:")) + value + _boost(chance)


def _on_tags(chance: Random) -> str:
    tag = chance.choice(TAGS)
    value = chance.choice((f'"{tag}"', f'"{tag}"', _escaped(tag), _escaped(tag[:3]) + "*", "*sole", "*"))
    return chance.choice(("tags", "tags", "tags", "unmapped", "_exists_", "*")) + f":{value}"


def _escaped(text: str) -> str:
    return text.replace(":", "\\:").replace(" ", "\\ ")


def _boost(chance: Random) -> str:
    return chance.choice(("", "", "", "", "^2", "^0.5"))


def _broken(chance: Random, text: str) -> str:
    at = chance.randrange(len(text))
    if chance.random() < 0.4:
        return text[:at] + text[at + 1 :]
    return text[:at] + chance.choice(_BREAKING) + text[at:]
