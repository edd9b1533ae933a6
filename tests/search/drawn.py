"""Documents of today's layout and queries about them, drawn by a seeded chance: for two engines to count."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bot.lucene.escapes import escape_word, quote
from tests.lucene import nasty

NAMES = ("gate-nova", "gate-nova-python27", "Gate-Nova", "tempest-full-py3", "nova", "a b", "x" * 300, "é-jøb", "日本")
PROJECTS = ("openstack/nova", "openstack/Nova", "openstack/neutron", "opendev/system-config")
TAGS = ("console", "console.html", "screen-n-cpu.txt", "syslog", "a b", "")
CHANGES = (0, 1, 912345, 912346, 912999, 2**31)


def documents(seed: int, count: int, now: datetime) -> Iterator[dict[str, Any]]:
    """`count` lines of 40 builds in the twelve hours before `now`."""
    chance = Random(seed)
    for number in range(count):
        at = now - timedelta(minutes=chance.randint(1, 720), milliseconds=chance.randint(0, 999))
        document: dict[str, Any] = {
            "build_uuid": f"drawn-{number % 40}",
            "message": nasty.message(chance),
            "@timestamp": at.replace(tzinfo=None).isoformat(timespec="milliseconds"),
            "build_name": chance.choice(NAMES),
            "project": chance.choice(PROJECTS),
            "tags": chance.sample(TAGS, chance.randint(0, 3)),
            "voting": chance.randint(0, 2),
        }
        if chance.random() < 0.8:
            document["build_change"] = chance.choice(CHANGES)
        if chance.random() < 0.5:
            document["build_status"] = chance.choice(("SUCCESS", "FAILURE", "TIMED_OUT"))
        yield document


def queries(seed: int, count: int) -> list[str]:
    chance = Random(seed)
    return [_query(chance, depth=2) for _ in range(count)]


def _query(chance: Random, depth: int) -> str:
    text = _clause(chance, depth)
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 3))):
        text += chance.choice((" AND ", " OR ", " ", " && ", " || ")) + _clause(chance, depth)
    return text


def _clause(chance: Random, depth: int) -> str:
    sign = chance.choice(("", "", "", "", "+", "-", "NOT ", "!"))
    if depth and chance.random() < 0.15:
        return f"{sign}({_query(chance, depth - 1)}){_boost(chance)}"
    kinds = (_message, _message, _message, _message, _exact, _number, _time, _other)
    return sign + chance.choice(kinds)(chance) + _boost(chance)


def _boost(chance: Random) -> str:
    return chance.choice(("", "", "", "", "", "^2", "^0"))


def _message(chance: Random) -> str:
    word = chance.choice((chance.choice(nasty.WORDS), chance.choice(nasty.WORDS), nasty.text(chance).strip() or "a"))
    words = " ".join(chance.choice(nasty.WORDS) for _ in range(chance.randint(0, 4)))
    at = chance.randrange(len(word))
    value = chance.choice(
        (
            escape_word(word),
            quote(words),
            quote(words) + chance.choice(("~1", "~2", "~3", "~5", "~10")),
            quote(nasty.long(chance)),
            escape_word(nasty.long(chance)),
            escape_word(word) + chance.choice(("~", "~0", "~1", "~2")),
            escape_word(word[: at + 1]) + "*",
            "*" + escape_word(word[at:]),
            escape_word(word[:at] or "n") + "?" + escape_word(word[at + 1 :] or "x"),
            f"/{_regex(chance, word)}/",
            f"[{escape_word(word)} TO {escape_word(chance.choice(nasty.WORDS))}]",
            ">" + escape_word(word),
            "*",
        )
    )
    return chance.choice(("message:", "message:", "")) + value


_PATTERNS = (
    "no(va|pe)",
    "nov?a?.*",
    "[a-e]",
    "[^a-e]+",
    ".{2}",
    "a{1,2}b?",
    "(ab|ba|c)*",
    "ERR.*",
    "err.+",
    "@",
    "a&b",
)
_PATTERNS += (
    "~nova",
    "<1-9>",
    '"a"',
    "#",
    "()",
    "[0-9.]+",
    r"10\.0\.0\.1",
    r"\d+",
    r"a\-b",
    "日.*",
    ".",
    ".*",
    "",
    "n.*|e.*",
)
_PATTERNS += (
    "^a$",
    "(?i)a",
    "a+?",
    "[a-]",
    "[]a]",
    r"[\]a]",
    "[a&&b]",
    r"\.",
    "x.{300,}",
    "İ.*",
    "É.*",
    "é.*",
    r"\/.*",
    "a|",
)


def _regex(chance: Random, word: str) -> str:
    plain = "".join(char if char.isalnum() else f"\\{char}" for char in word)
    return chance.choice((*_PATTERNS, plain, plain[:3].rstrip("\\") + ".*"))


def _exact(chance: Random) -> str:
    field, values = chance.choice((("build_name", NAMES), ("project", PROJECTS), ("tags", TAGS), ("tags", TAGS)))
    text = chance.choice(values)
    word = text or "x"
    value = chance.choice(
        (
            quote(text),
            quote(text),
            escape_word(word),
            escape_word(word[: chance.randint(1, 4)]) + "*",
            "*" + escape_word(word[-3:]),
            escape_word(word[:1]) + "?" + escape_word(word[2:] or "x"),
            escape_word(word[1:] or "a") + chance.choice(("~", "~1", "~2")),
            f"/{word[:2].replace('/', '.')}.*/",
            "/.*[a-z]{3}/",
            f"[{escape_word(word)} TO *]",
            "*",
        )
    )
    return f"{chance.choice((field, field, field, field + '.keyword'))}:{value}"


def _number(chance: Random) -> str:
    field, numbers = chance.choice((("voting", (0, 1, 2, 3)), ("build_change", CHANGES)))
    low, high = chance.choice(numbers), chance.choice(numbers)
    ends = chance.choice("[{"), chance.choice("]}")
    value = chance.choice(
        (
            str(low),
            f'"{low}"',
            f"{ends[0]}{low} TO {high}{ends[1]}",
            f"{ends[0]}{low} TO *{ends[1]}",
            f"{ends[0]}* TO {high}{ends[1]}",
            f"{ends[0]}{low}.5 TO {high}{ends[1]}",
            f">{low}",
            f"<={low}",
            chance.choice(
                (
                    "1.0",
                    "1.5",
                    "1e0",
                    "true",
                    "false",
                    "x",
                    '""',
                    r"\-1",
                    "00001",
                    "9" * 18,
                    "9" * 19,
                    "9" * 20,
                    '" 1"',
                    "+1",
                    "0x1",
                    "1f",
                    "1.",
                    ".5",
                    "1_0",
                    "١",
                    "NaN",
                    "Infinity",
                )
            ),
            chance.choice(("1*", "?", "/1/", "1~", "[a TO b]", "*")),
        )
    )
    return f"{field}:{value}"


_TIMES = (
    "2026",
    "2026-08",
    "2026-08-17",
    "2026-08-17T08",
    "2026-08-17T08:30",
    "2026-08-17T08:30:15",
    "2026-08-17T08:30:15.5Z",
)
_TIMES += (
    "2026-08-17T10:00:00+02:00",
    "2026-08-17T08Z",
    "1786950000000",
    "2026-08-16",
    "2027",
    "now-1d",
    "now",
    "2026-08-17||/d",
)
_TIMES += (
    "2026-8-17",
    "2026-08-17 08:30",
    "20260817",
    "yesterday",
    "2026-08-17T08:30:15,5",
    "1786950",
    "-1",
    "2026-08-17T24:00",
    "2026-02-30",
    "2026-08-17T",
)


def _time(chance: Random) -> str:
    low, high = quote(chance.choice(_TIMES)), quote(chance.choice(_TIMES))
    ends = chance.choice("[{"), chance.choice("]}")
    value = chance.choice(
        (
            low,
            f"{ends[0]}{low} TO {high}{ends[1]}",
            f"{ends[0]}{low} TO *{ends[1]}",
            f"{ends[0]}* TO {high}{ends[1]}",
            "*",
        )
    )
    return f"@timestamp:{value}"


def _other(chance: Random) -> str:
    return chance.choice(
        (
            *(
                "_exists_:build_change",
                "_exists_:build_status",
                "_exists_:message",
                "_exists_:nofield",
                "_exists_:tags",
            ),
            *(
                "_exists_:build_name",
                "_exists_:build_name.keyword",
                '_exists_:"message.keyword"',
                "*:*",
                "*",
                "nofield:x",
            ),
            *(
                "nofield:*",
                "nofield:[1 TO 2]",
                "build_status:*",
                "build_*:FAILURE",
                "*:x",
                "_id:x",
                "_index:*",
                "_type:x",
            ),
            *(
                "message.keyword:error",
                "build_change:*",
                "path:x",
                "line:*",
                "build_uuid:drawn-1",
                "build_uuid:drawn-1*",
            ),
            *(
                "@timestamp.keyword:x",
                "voting.keyword:1",
                "_source:x",
                "_field_names:message",
                "_seq_no:1",
                "tags:(a OR b)",
            ),
        )
    )
