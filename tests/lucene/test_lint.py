"""Each remark, where it is due and where it is not."""

from __future__ import annotations

import pytest
import yaml

from bot.lucene.lint import Remark, lint
from bot.lucene.parse import parse
from bot.model import Field, Profile
from bot.search.profiles import LOGSENDER, LOGSTASH, LOGSTASH_V0
from tests.servers import corpus

PROFILE = Profile(
    "logsender",
    {"uuid": "build_uuid", "job": "build_name", "message": "message", "tags": "tags", "voting": "voting"},
    aliases={"@message": "message", "@tags": "tags", "@fields.module": "module"},
    constant={"build_node": "zuul-executor"},
)
FIELDS = {
    name: Field(name, "text", f"{name}.keyword") for name in ("build_uuid", "build_name", "tags", "build_node")
} | {
    "message": Field("message", "text", None),
    "voting": Field("voting", "number", "voting"),
}
OPEN_OR = (
    "an OR outside of parentheses: here either side is enough, but elastic-recheck added its own AND to the last side "
    "and left the others without effect; put parentheses around it"
)

NOTHING = "nothing stands between this and the clause before it, which means OR"


@pytest.mark.parametrize(
    ("text", "remarks"),
    [
        ('message:"a b" AND tags:console AND NOT build_name:gate-*', []),
        ('@message:"a b" AND @tags:"console" AND voting:1', []),
        ("_exists_:tags AND build_short_uuid:abc1234 AND *:*", []),
        ("voting:true AND voting:[0 TO 1] AND voting:* AND tags.keyword:a", []),
        ('message:(ab~ AND ab~1 AND ab~2.0^3 AND ab~auto AND "a b"~7)', []),
        (
            "message:ab~3 AND message:ab^2~0.5",
            [
                Remark(10, "Elasticsearch 8 and later refuse ~3; here it is rounded: write 0, 1 or 2"),
                Remark(29, "Elasticsearch 8 and later refuse ~0.5; here it is rounded: write 0, 1 or 2"),
            ],
        ),
        (
            r'message:/~(abc)/ AND tags:/\~a[~]"~"/',
            [Remark(8, "OpenSearch 3 reads ~ in a regular expression as a plain sign; write it with NOT")],
        ),
        (
            'message:a AND build-name:"x"',
            [Remark(25, "the index has no field build-name, so this clause finds nothing; did you mean build_name?")],
        ),
        ("_exists_:quux", [Remark(9, "the index has no field quux, so this clause finds nothing")]),
        ("build_node:x", [Remark(11, "build_node is zuul-executor in every document of this index")]),
        (
            'message:"a" AND message:"took *ms"',
            [Remark(24, "in quotes * and ? are no wildcards, but plain text: *ms")],
        ),
        ('message:"** (process) what? 3 * 4"', []),
        (
            'tags:"screen-*.txt"',
            [Remark(5, "in quotes * and ? are no wildcards, but plain text: screen-*.txt")],
        ),
        (
            'message:"" AND message:"a"',
            [Remark(8, "this has neither letter nor digit, so the search leaves the clause out")],
        ),
        ('tags:""', [Remark(5, "an empty text finds only documents in which tags is empty")]),
        (
            'message:"***" AND tags:"***"',
            [Remark(8, "this has neither letter nor digit, so the search leaves the clause out")],
        ),
        ("tags:a b", [Remark(7, "no field is named, so the message is searched; write message: before it")]),
        (
            "tags:n-cpu AND message:screen-n-cpu.txt",
            [Remark(23, "without quotes this finds any of screen, n, cpu.txt; put it in quotes")],
        ),
        (
            "build_name:*-pypy AND tags:*",
            [Remark(11, "*-pypy begins with a wildcard, which is slow; name the values with OR")],
        ),
        ("voting:yes", [Remark(7, "voting is a number and yes is none, so the search refuses the query")]),
        ("voting:1*", [Remark(7, "voting is a number, in which the search refuses wildcards")]),
        (
            "tags:a AND tags:b OR tags:c",
            [Remark(18, "AND and OR are mixed without parentheses; Lucene reads this as +tags:a +tags:b tags:c")],
        ),
        ("tags:a AND (tags:b OR tags:c) AND tags:d", []),
        ('((tags:a AND tags:b) OR tags:"c AND d")', []),
        ("+tags:a -tags:b !tags:c AND tags:(+d +e) AND tags:[a TO b] AND message:f~1", []),
        ('tags:a message:"b" (tags:c) tags:d', [Remark(at, NOTHING) for at in (7, 19, 28)]),
        ("tags:(a OR b) AND (tags:c OR tags:d)", []),
        ("(tags:a AND tags:b) || tags:c OR tags:d", [Remark(20, OPEN_OR)]),
        (
            "x tags:*y",
            [
                Remark(0, "no field is named, so the message is searched; write message: before it"),
                Remark(2, NOTHING),
                Remark(7, "*y begins with a wildcard, which is slow; name the values with OR"),
            ],
        ),
    ],
)
def test_what_is_questionable_gets_a_remark(text: str, remarks: list[Remark]) -> None:
    assert lint(text, parse(text), PROFILE, FIELDS) == remarks


def test_while_the_index_is_not_known_the_profile_says_which_fields_there_are() -> None:
    text = "module:a AND build_name:b AND build_name.keyword:c"
    remark = Remark(7, "the index has no field module, so this clause finds nothing")
    assert lint(text, parse(text), PROFILE, None) == [remark]


@pytest.mark.parametrize(
    ("profile", "strange", "constant"),
    [
        (LOGSENDER, ["loglevel", "module", "syslog_program"], ["build_node", "node_provider"]),
        (LOGSTASH, ["build_set"], []),
        (LOGSTASH_V0, ["build_set"], []),
    ],
)
def test_a_layout_knows_what_it_lacks_and_what_says_nothing(
    profile: Profile, strange: list[str], constant: list[str]
) -> None:
    fields = ("build_set", "@fields.loglevel", "module", "syslog_program", "build_node", "node_provider", "voting")
    text = " AND ".join(f"{field}:x" for field in fields)
    remarks = [remark.message for remark in lint(text, parse(text), profile, None)]
    lacks = [one.partition(" no field ")[2].partition(",")[0] for one in remarks if " no field " in one]
    assert lacks == strange
    assert [one.partition(" is ")[0] for one in remarks if "every document" in one] == constant


def test_only_one_layout_has_constant_fields() -> None:
    text = "build_node:x"
    assert lint(text, parse(text), Profile("logstash", PROFILE.names), FIELDS) == []


def test_most_of_the_corpus_is_beyond_reproach() -> None:
    fields = FIELDS | {
        name: Field(name, "text", f"{name}.keyword")
        for name in ("filename", "project", "build_queue", "build_branch", "build_status", "node_provider")
    }
    files = (corpus() / "signatures").glob("*.yaml")
    queries = [yaml.safe_load(file.read_text(encoding="utf-8"))["query"] for file in files]
    questionable = [query for query in queries if lint(query, parse(query), PROFILE, fields)]
    assert 0 < len(questionable) < 60
