"""Lines of logs against signatures, without an index; the oracle is the index over the same lines."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli.logtest import known_of, messages
from bot.errors import UserError
from bot.lucene.parse import parse
from bot.lucene.rewrite import rewrite
from bot.model import Window
from bot.resources import shipped
from bot.search import Question
from bot.search.embedded import EmbeddedSearch
from bot.search.embedded.loading import load as load_logs
from bot.search.embedded.logfolder import read_builds
from bot.signatures import load
from bot.workbench.logs import LogTest, fields_given, joined
from tests.search.contract import found

DAY = shipped("examples/gate-day")


async def test_it_matches_what_the_index_finds_for_every_shipped_signature(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    load_logs(tmp_path / "index", DAY, now)
    search = EmbeddedSearch(tmp_path / "index")
    fields = found(await search.fields())
    trees = load([shipped("signatures")]).trees
    asked = [Question(id, rewrite(tree, search.profile, fields)) for id, tree in trees.items()]
    answers = await search.hits(asked, None, Window(now - timedelta(days=2), now + timedelta(hours=1)))
    theirs = Counter({(id, hit.build): hit.count for id, answer in answers.items() for hit in found(answer)})
    ours: Counter[tuple[str, str]] = Counter()
    later = "912408-glance-functional/controller/logs/syslog.txt"  # day.yaml keeps it from the first loading
    for build in read_builds(DAY)[0]:
        for log in (one for one in build.files if one.name != later):
            lines = [message for _, message in messages(str(log.file))]
            of_build = {name: [str(value)] for name, value in build.document(log).items() if name != "tags"}
            for id, tree in trees.items():
                test = LogTest(tree, of_build | {"tags": known_of(str(log.file))["tags"]})
                count = sum(map(test.matches, lines))
                ours += Counter({(id, build.build.uuid): count})
    assert ours == theirs
    assert len({id for id, _ in ours}) >= 6


def lines_matched(
    query: str, *lines: str, log: str = "job-output.txt", fields: dict[str, list[str]] | None = None
) -> int:
    test = LogTest(parse(query), joined(fields or {}, known_of(log)))
    return sum(map(test.matches, lines))


@pytest.mark.parametrize(
    ("query", "log", "count"),
    [
        ('tags:"console" AND message:"boom"', "x/job-output.txt", 1),
        ('tags:"console.html" AND message:"boom"', "job-output.txt.gz", 1),
        ('tags:"screen-n-cpu.txt" AND message:"boom"', "job-output.txt", 0),
        ('tags:"screen-n-cpu.txt" AND message:"boom"', "logs/screen-n-cpu.txt.gz", 1),
        ('filename:"logs/screen-n-cpu.txt" AND message:"boom"', "controller/logs/screen-n-cpu.txt", 1),
        ('filename:"console.html" AND message:"boom"', "job-output.txt", 1),
        ('@tags:"console" AND @message:"boom"', "job-output.txt", 1),
        ('tags:"anything" AND message:"boom"', "-", 1),
        ('build_name:"x" AND message:"boom" AND NOT build_status:"SUCCESS"', "job-output.txt", 1),
    ],
)
def test_what_a_name_tells_and_what_it_does_not(query: str, log: str, count: int) -> None:
    assert lines_matched(query, "it went BOOM", "quiet", log=log) == count


def test_what_is_given_is_believed() -> None:
    query = 'build_name:"tempest-full" AND message:"boom" AND own:x'
    tree = parse(query)
    assert lines_matched(query, "boom", fields=fields_given(["build_name=tempest-full"], tree)) == 1
    assert lines_matched(query, "boom", fields=fields_given(["@fields.build_name=unit"], tree)) == 0
    assert (
        lines_matched('tags:"multinode" AND message:boom', "boom", fields=fields_given(["tags=multinode"], tree)) == 1
    )
    assert fields_given(["own=b=c", "own=d"], tree) == {"own": ["b=c", "d"]}


def test_a_field_that_nothing_has_is_refused() -> None:
    with pytest.raises(UserError, match=r"there is no field buildname; did you mean build_name\?"):
        fields_given(["buildname=tempest-full"], parse('build_name:"x"'))


@pytest.mark.parametrize("option", ["build_name", "=x", "build_name="])
def test_a_field_without_name_or_value_is_refused(option: str) -> None:
    with pytest.raises(UserError, match="write NAME=VALUE"):
        fields_given([option], parse("boom"))


def test_it_says_what_is_taken_to_be_so_and_what_each_clause_finds_alone() -> None:
    query = 'build_name:"x" AND tags:"console" AND message:"boom" AND NOT message:"quiet" AND message:/bo+m/'
    test = LogTest(parse(query), known_of("job-output.txt"))
    assert [test.matches(line) for line in ("boom quiet", "quiet")] == [False, False]
    assert test.taken == ["build_name", "regular expressions, which are not run"]
    assert test.clauses == {'tags:"console"': 2, 'message:"boom"': 1, 'message:"quiet"': 2}
    assert LogTest(parse(query), known_of("-")).taken == [
        "build_name",
        "tags",
        "regular expressions, which are not run",
    ]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("message:foo*", 2),
        ("NOT message:foobar", 2),
        ('message:"***"', 0),
        ("message:*", 3),
        ("*:*", 3),
        ("message:foo-qux", 1),
        ('message:"istanbul"', 1),
        ("message:fobar~1", 1),
        ('message:"foo bar"~2 OR message:"foo qux"', 1),
    ],
)
def test_a_line_is_passed_over_only_where_it_cannot_match(query: str, count: int) -> None:
    """The words of the clause need not stand in the line as they stand in the query."""
    assert lines_matched(query, "foobar", "FOO-qux", "İstanbul") == count


def test_it_says_where_a_word_only_stands_inside_another() -> None:
    test = LogTest(parse('message:"ServerFault" AND message:"again" AND NOT message:"lib"'), {})
    assert not any(test.matches(line) for line in ("Got ServerFaults", "tempest.lib.ServerFault: again"))
    assert test.hints == [
        "ServerFault stands inside tempest.lib.ServerFault, which is one word: "
        "write tempest.lib.ServerFault or, without quotes, *ServerFault"
    ]
    test.matches("a ServerFault")
    assert test.hints == []
