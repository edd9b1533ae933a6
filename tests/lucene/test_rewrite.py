"""The one rule - metadata is exact, the message is analysed - for three layouts."""

from __future__ import annotations

import pytest

from bot.lucene.parse import parse
from bot.lucene.printing import to_text
from bot.lucene.rewrite import rewrite
from bot.lucene.tree import Bool, Clause, Occur, Phrase, Word
from bot.model import Field, Profile

NAMES = {"uuid": "build_uuid", "job": "build_name", "filename": "filename", "message": "message", "tags": "tags"}
TODAY = Profile(
    "logsender",
    NAMES,
    aliases={"@message": "message", "@fields.build_name": "build_name", "@fields.filename": "filename"},
    base_names=True,
)
FLAT = Profile("logstash", NAMES, aliases={"@message": "message"}, short_uuid="build_short_uuid")
OLD = Profile(
    "logstash-v0",
    {"uuid": "@fields.build_uuid", "filename": "@fields.filename", "message": "@message", "tags": "@tags"},
    aliases={
        "build_name": "@fields.build_name",
        "message": "@message",
        "filename": "@fields.filename",
        "tags": "@tags",
    },
    short_uuid="@fields.build_short_uuid",
)

STRINGS = ("build_uuid", "build_name", "filename", "tags", "build_short_uuid", "hosts")
TODAY_FIELDS = {name: Field(name, "text", f"{name}.keyword") for name in STRINGS} | {
    "message": Field("message", "text", "message.keyword"),
    "voting": Field("voting", "number", "voting"),
    "@timestamp": Field("@timestamp", "date", "@timestamp"),
    "note": Field("note", "text", None),
}
# Of old every string but the message was exact by itself.
FLAT_FIELDS = {name: Field(name, "keyword", name) for name in STRINGS} | {"message": Field("message", "text", None)}
OLD_FIELDS = {f"@fields.{name}": Field(f"@fields.{name}", "keyword", f"@fields.{name}") for name in STRINGS} | {
    "@message": Field("@message", "text", None),
    "@tags": Field("@tags", "keyword", "@tags"),
}


@pytest.mark.parametrize(
    ("text", "today", "flat", "old"),
    [
        ("a", "message:a", "message:a", "@message:a"),
        ('message:"a b"~2', 'message:"a b"~2', 'message:"a b"~2', '@message:"a b"~2'),
        ("@message:n-cpu", "message:n-cpu", "message:n-cpu", "@message:n-cpu"),
        ("message:a*", "message:a*", "message:a*", "@message:a*"),
        ('build_name:"x"', 'build_name.keyword:"x"', 'build_name:"x"', '@fields.build_name:"x"'),
        ("build_name:x-y^2", 'build_name.keyword:"x-y"^2', 'build_name:"x-y"^2', '@fields.build_name:"x-y"^2'),
        ('build_name:"x y"~3', 'build_name.keyword:"x y"', 'build_name:"x y"', '@fields.build_name:"x y"'),
        ("build_name:*-x-*", "build_name.keyword:*-x-*", "build_name:*-x-*", "@fields.build_name:*-x-*"),
        ("build_name:/x.y/", "build_name.keyword:/x.y/", "build_name:/x.y/", "@fields.build_name:/x.y/"),
        ("build_name:x~1", "build_name.keyword:x~1", "build_name:x~1", "@fields.build_name:x~1"),
        ("build_name:[a TO b}", "build_name.keyword:[a TO b}", "build_name:[a TO b}", "@fields.build_name:[a TO b}"),
        ("build_name:*", "build_name:*", "build_name:*", "@fields.build_name:*"),
        ("_exists_:build_name", "build_name:*", "build_name:*", "@fields.build_name:*"),
        ('_exists_:"message"', "message:*", "message:*", "@message:*"),
        ("*:*", "*:*", "*:*", "*:*"),
        ("@fields.build_name:x", 'build_name.keyword:"x"', "@fields.build_name:x", '@fields.build_name:"x"'),
        ("module:x-y", "module:x-y", "module:x-y", "module:x-y"),
        ('tags:"console"', 'tags.keyword:"console"', 'tags:"console"', '@tags:"console"'),
        (
            'build_short_uuid:"abc1234"',
            "build_uuid.keyword:abc1234*",
            'build_short_uuid:"abc1234"',
            '@fields.build_short_uuid:"abc1234"',
        ),
        (
            "build_short_uuid:abc*",
            "build_uuid.keyword:abc????*",
            "build_short_uuid:abc*",
            "@fields.build_short_uuid:abc*",
        ),
        (
            "build_short_uuid:a*f OR build_short_uuid:?bcdef? OR build_short_uuid:*a*",
            "build_uuid.keyword:a?????f* OR build_uuid.keyword:?bcdef?* OR build_uuid.keyword:*a**",
            "build_short_uuid:a*f OR build_short_uuid:?bcdef? OR build_short_uuid:*a*",
            "@fields.build_short_uuid:a*f OR @fields.build_short_uuid:?bcdef? OR @fields.build_short_uuid:*a*",
        ),
        (
            "build_short_uuid:/ab.*f/",
            "build_uuid.keyword:/(ab.*f).*/",
            "build_short_uuid:/ab.*f/",
            "@fields.build_short_uuid:/ab.*f/",
        ),
        (
            'filename:"logs/screen-n-cpu.txt"',
            'filename.keyword:"screen-n-cpu.txt"',
            'filename:"logs/screen-n-cpu.txt"',
            '@fields.filename:"logs/screen-n-cpu.txt"',
        ),
    ],
)
def test_a_leaf_gets_the_path_of_each_layout(text: str, today: str, flat: str, old: str) -> None:
    tree = parse(text)
    assert to_text(rewrite(tree, TODAY, TODAY_FIELDS)) == today
    assert to_text(rewrite(tree, FLAT, FLAT_FIELDS)) == flat
    assert to_text(rewrite(tree, OLD, OLD_FIELDS)) == old


@pytest.mark.parametrize(
    ("text", "today"),
    [
        ("voting:1", "voting:1"),
        ('voting:"1"', 'voting:"1"'),
        ("voting:true", "voting:1"),
        ('NOT voting:"false"', '-voting:"0"'),
        ("_exists_:voting", "voting:*"),
        ("_exists_:build_short_uuid", "build_uuid:*"),
        ("voting:[0 TO 1]", "voting:[0 TO 1]"),
        ("@timestamp:>2024", "@timestamp:{2024 TO *]"),
        ("note:x-y", "note:x-y"),
        ("hosts:a", 'hosts.keyword:"a"'),
        ("message.keyword:a", "message.keyword:a"),
    ],
)
def test_numbers_dates_and_texts_without_an_exact_path_stay(text: str, today: str) -> None:
    assert to_text(rewrite(parse(text), TODAY, TODAY_FIELDS)) == today


@pytest.mark.parametrize(
    ("written", "today"),
    [
        ("filename:logs*screen-n-cpu.txt", 'filename.keyword:"screen-n-cpu.txt"'),
        ("filename:*screen-n-cpu.txt", "filename.keyword:*screen-n-cpu.txt"),
        (r"filename:logs\/screen-*.txt", "filename.keyword:screen-*.txt"),
        (r"filename:*\/syslog.txt", 'filename.keyword:"syslog.txt"'),
        ("filename:logs*", "filename.keyword:logs*"),
        (r"filename:logs\/*", "filename:*"),
        ('filename:"job-output.txt"', 'filename.keyword:"job-output.txt"'),
        ('filename:"logs/a/b/extra.txt.gz"', 'filename.keyword:"extra.txt.gz"'),
        ('filename:"console.html"', 'tags.keyword:"console.html"'),
        ("@fields.filename:console.html", 'tags.keyword:"console.html"'),
        (r"filename:logs\/console.html*", "filename.keyword:console.html*"),
        ("filename:logs*console.html^2", 'tags.keyword:"console.html"^2'),
    ],
)
def test_file_names_lose_their_folders_where_the_layout_has_none(written: str, today: str) -> None:
    assert to_text(rewrite(parse(written), TODAY, TODAY_FIELDS)) == today


def test_the_bools_around_the_leaves_stay_as_they_are() -> None:
    tree = parse('+message:"a" -(tags:b OR build_name:c)^2 d')
    expected = 'message:"a" -(tags.keyword:"b" OR build_name.keyword:"c")^2 message:d'
    assert to_text(rewrite(tree, TODAY, TODAY_FIELDS)) == f"+{expected}"
    assert rewrite(parse("-tags:a"), TODAY, TODAY_FIELDS) == Bool(
        (Clause(Occur.MUST_NOT, Phrase("tags.keyword", "a")),)
    )


def test_a_rewritten_leaf_still_knows_where_it_stood() -> None:
    rewritten = rewrite(Word("build_name", "x", at=17), TODAY, TODAY_FIELDS)
    assert isinstance(rewritten, Phrase)
    assert rewritten.at == 17
