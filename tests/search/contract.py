"""What every search adapter must do, on one small gate of our own.

To run it on an adapter, subclass SearchContract in a test module and give two fixtures:

    class TestMine(SearchContract):
        @pytest.fixture
        async def search(self) -> AsyncIterator[Search]:
            '''The adapter, on an index of its own that is still empty; closed afterwards.'''

        @pytest.fixture
        async def fill(self, search) -> Fill:
            '''An async callable that puts builds with their lines into that index, visible when it returns.'''

`fill` may be called several times in one test; what it gets is always added. Words that the layout of
`search.profile` lacks (`tenant`, say) are expected to come back empty. An adapter that pages should do so by ten
builds here, so that a page's end is met. `GATE` is what most tests fill in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.lucene.tree import Bool, Clause, Node, Occur, Phrase, Wildcard, Word
from bot.model import Answer, Build, Complete, Hit, Line, Listed, Profile, Ran, T, Where, Window
from bot.search import Question, Search

NOW = datetime(2026, 8, 17, 12, tzinfo=UTC)
DAY = Window(start=NOW - timedelta(hours=24), end=NOW)
FAILED = ("FAILURE", "TIMED_OUT", "POST_FAILURE")


@dataclass(frozen=True, slots=True)
class Logged:
    """A build and the lines of its logs."""

    build: Build
    lines: tuple[Line, ...]


Fill = Callable[[Sequence[Logged]], Awaitable[None]]


def build(number: int, **other: object) -> Build:
    """A failed gate build with a uuid of its own, told apart by its first characters."""
    uuid = f"{number:07x}{number * 7919:025x}"
    change = str(912000 + number)
    given: dict[str, object] = {
        "uuid": uuid,
        "job": "tempest-full-py3",
        "result": "FAILURE",
        "project": "openstack/nova",
        "pipeline": "gate",
        "branch": "master",
        "ref": f"refs/changes/{change[-2:]}/{change}/3",
        "change": change,
        "patchset": "3",
        "buildset": f"{number:032x}",
        "log_url": f"https://logs.example.org/{change[-2:]}/{change}/3/gate/tempest-full-py3/{uuid[:7]}/",
        "tenant": "openstack",
    }
    return Build(**(given | other))  # type: ignore[arg-type]


def logged(of: Build, *lines: tuple[float, str], filename: str = "job-output.txt") -> Logged:
    """Lines as (hours before NOW, message)."""
    return Logged(
        of, tuple(Line(NOW - timedelta(hours=hours), text, filename, of.log_url + filename) for hours, text in lines)
    )


RESET = "urllib3: ('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))"
FIRST = build(1)
LONG = build(2, job="tempest-full-py3-ipv6", project="openstack/neutron", branch="stable/2026.1")
CHECK = build(3, pipeline="check", result="TIMED_OUT")
PASSED = build(4, result="SUCCESS")
OLD = build(5)
FUTURE = build(6)
NONVOTING = build(7, voting=False, job="nova-emulation", change="912001", ref="refs/changes/01/912001/3")
GATE = (
    logged(FIRST, (2, RESET), (3, "Running: stack.sh"), (2.5, f"again {RESET}"), (1, "FAILED with status: 2")),
    # one line in the reach before the window, one before that
    logged(LONG, (5, "nothing of note"), (44, RESET), (50, "long forgotten")),
    logged(CHECK, (4, RESET), (3, "Build timed out"), filename="screen-n-cpu.txt"),
    logged(PASSED, (4, RESET), (3, "all went well")),
    logged(OLD, (30, RESET), (26, "the end")),
    logged(FUTURE, (1, RESET), (-1, "a clock that is fast")),
    logged(NONVOTING, (1.5, "no machine <b>today</b>: \x1b[31mcafé ☃")),
)


def found(answer: Answer[T]) -> T:
    """What a complete answer found."""
    assert isinstance(answer, Complete), answer
    return answer.found


def phrase(search: Search, text: str) -> Node:
    return Phrase(search.profile.names["message"], text)


def exact(path: str | None, text: str) -> Node:
    assert path is not None
    return Phrase(path, text)


def every(*nodes: Node, without: Sequence[Node] = ()) -> Node:
    return Bool((*(Clause(Occur.MUST, node) for node in nodes), *(Clause(Occur.MUST_NOT, node) for node in without)))


def as_kept(of: Build, profile: Profile) -> Build:
    """The build without what its layout has no field for."""
    lacking = {word: "" for word in ("buildset", "tenant") if word not in profile.names}
    return replace(of, **lacking)


def hours(number: float) -> datetime:
    return NOW - timedelta(hours=number)


def uuids(*builds: Build) -> list[str]:
    return [one.uuid for one in builds]


def by_uuid(hits: Sequence[Hit]) -> list[Hit]:
    """Their order is not said."""
    return sorted(hits, key=lambda hit: hit.build)


def by_build(hits: Sequence[Hit]) -> dict[str, int]:
    return {hit.build: hit.count for hit in hits}


class SearchContract:
    async def test_lists_builds_with_their_lines_and_newest(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        listed = found(await search.builds(DAY, Where(pipelines=("gate",), results=FAILED)))
        assert sorted(listed, key=lambda one: one.uuid) == [
            Listed(FIRST.uuid, 4, hours(1)),
            Listed(LONG.uuid, 2, hours(5)),
            Listed(NONVOTING.uuid, 1, hours(1.5)),
        ]

    async def test_lists_by_each_condition(self, search: Search, fill: Fill) -> None:
        await fill(GATE)

        async def listed(where: Where) -> set[str]:
            return {one.uuid for one in found(await search.builds(DAY, where))}

        assert await listed(Where()) == set(uuids(FIRST, LONG, CHECK, PASSED, NONVOTING))
        assert await listed(Where(pipelines=("check", "gate"), results=("TIMED_OUT",))) == {CHECK.uuid}
        assert await listed(Where(results=("SUCCESS", "FAILURE"), change="912001")) == set(uuids(FIRST, NONVOTING))
        assert await listed(Where(uuids=(LONG.uuid, OLD.uuid, "0" * 32))) == {LONG.uuid}
        assert await listed(Where(change="no-such-change")) == set()

    async def test_the_window_is_half_open(self, search: Search, fill: Fill) -> None:
        await fill([logged(FIRST, (2, "at the start")), logged(LONG, (1, "at the end"))])
        window = Window(hours(2), hours(1))
        assert [one.uuid for one in found(await search.builds(window, Where()))] == [FIRST.uuid]

    async def test_a_count_grows_with_what_comes_later(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        await fill([logged(LONG, (4.5, "a late file"), (40, "an older line of it"), filename="syslog.txt")])
        listed = found(await search.builds(DAY, Where(uuids=(LONG.uuid,))))
        assert listed == [Listed(LONG.uuid, 4, hours(4.5))]

    async def test_counts_do_not_shrink_while_the_window_moves(self, search: Search, fill: Fill) -> None:
        """The line 44 h old is in the reach of both windows, though one begins 24 h ago and one 21 h."""
        await fill(GATE)
        for start in (24, 21):
            window = Window(hours(start), NOW)
            assert found(await search.builds(window, Where(uuids=(LONG.uuid,)))) == [Listed(LONG.uuid, 2, hours(5))]
        assert found(await search.builds(Window(hours(6), NOW, timedelta(hours=1)), Where(uuids=(LONG.uuid,)))) == [
            Listed(LONG.uuid, 1, hours(5))
        ]

    async def test_describes_builds(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        asked = [*uuids(FIRST, LONG, CHECK, PASSED, NONVOTING), "f" * 32]
        described = found(await search.described(asked, DAY))
        assert sorted(described, key=lambda one: one.uuid) == [
            as_kept(one, search.profile) for one in (FIRST, LONG, CHECK, PASSED, NONVOTING)
        ]
        assert found(await search.described([], DAY)) == []

    async def test_finds_hits_with_counts_times_and_the_first_line(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        asked = [
            Question("1", phrase(search, "Connection reset by peer")),
            Question("2", phrase(search, "Running: stack.sh")),
            Question("3", phrase(search, "no such thing anywhere")),
        ]
        answers = await search.hits(asked, uuids(FIRST, LONG), DAY)
        assert set(answers) == {"1", "2", "3"}
        first = Line(hours(2.5), f"again {RESET}", "job-output.txt", f"{FIRST.log_url}job-output.txt")
        old = Line(hours(44), RESET, "job-output.txt", f"{LONG.log_url}job-output.txt")
        assert by_uuid(found(answers["1"])) == [
            Hit("1", FIRST.uuid, 2, hours(2.5), hours(2), first),
            Hit("1", LONG.uuid, 1, hours(44), hours(44), old),
        ]
        assert [(hit.signature, hit.build, hit.count) for hit in found(answers["2"])] == [("2", FIRST.uuid, 1)]
        assert found(answers["3"]) == []

    async def test_finds_hits_in_named_builds_alone(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        question = Question("1", phrase(search, "Connection reset by peer"))
        answers = await search.hits([question], uuids(CHECK, OLD, NONVOTING), DAY)
        assert by_build(found(answers["1"])) == {CHECK.uuid: 1, OLD.uuid: 1}

    async def test_finds_hits_in_all_builds_of_the_window(self, search: Search, fill: Fill) -> None:
        """Not those of a build that ended before, or whose newest line is later; but its lines in the reach."""
        await fill(GATE)
        answers = await search.hits([Question("1", phrase(search, "Connection reset by peer"))], None, DAY)
        assert by_build(found(answers["1"])) == {FIRST.uuid: 2, LONG.uuid: 1, CHECK.uuid: 1, PASSED.uuid: 1}

    async def test_many_questions_are_answered_as_each_alone(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        few = [Question(text, phrase(search, text)) for text in (RESET, "Running: stack.sh", "no such thing anywhere")]
        many = [Question(str(number), few[number % len(few)].tree) for number in range(30)]
        for asked in (uuids(FIRST, LONG), None):
            alone = await search.hits(few, asked, DAY)
            answers = await search.hits(many, asked, DAY)
            for number in range(30):
                wanted = [replace(hit, signature=str(number)) for hit in found(alone[few[number % len(few)].id])]
                assert by_uuid(found(answers[str(number)])) == by_uuid(wanted)

    async def test_a_metadata_clause_is_exact(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        fields = found(await search.fields())
        names = search.profile.names
        job, filename = fields[names["job"]].exact, fields[names["filename"]].exact
        reset = phrase(search, "Connection reset by peer")
        assert job is not None
        asked = [
            Question("job", every(reset, exact(job, "tempest-full-py3"))),
            Question("prefix", every(reset, Wildcard(job, "tempest-full-py3*"))),
            Question("part", every(reset, exact(job, "tempest"))),
            Question("file", every(reset, exact(filename, "screen-n-cpu.txt"))),
            Question("not", every(reset, without=[exact(filename, "screen-n-cpu.txt")])),
        ]
        answers = await search.hits(asked, uuids(FIRST, LONG, CHECK), DAY)
        assert {id_: set(by_build(found(answer))) for id_, answer in answers.items()} == {
            "job": set(uuids(FIRST, CHECK)),
            "prefix": set(uuids(FIRST, LONG, CHECK)),
            "part": set(),
            "file": {CHECK.uuid},
            "not": set(uuids(FIRST, LONG)),
        }

    async def test_the_message_is_analysed(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        message = search.profile.names["message"]
        asked = [
            Question("case", Word(message, "CONNECTIONRESETERROR")),
            Question("part", Word(message, "connectionreset")),
            Question(
                "either",
                Bool((Clause(Occur.SHOULD, Word(message, "timed")), Clause(Occur.SHOULD, Word(message, "running")))),
            ),
            Question("order", Phrase(message, "peer by reset")),
        ]
        answers = await search.hits(asked, uuids(FIRST, CHECK), DAY)
        assert {id_: by_build(found(answer)) for id_, answer in answers.items()} == {
            "case": {FIRST.uuid: 2, CHECK.uuid: 1},
            "part": {},
            "either": {FIRST.uuid: 1, CHECK.uuid: 1},
            "order": {},
        }

    async def test_gives_lines_of_one_build_oldest_first(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        anything = Wildcard("*", "*")
        lines = found(await search.lines(FIRST.uuid, anything, 100, DAY))
        assert [line.at for line in lines] == [hours(3), hours(2.5), hours(2), hours(1)]
        assert lines[0].message == "Running: stack.sh"
        assert found(await search.lines(FIRST.uuid, anything, 2, DAY)) == lines[:2]
        reset = phrase(search, "Connection reset by peer")
        assert [line.at for line in found(await search.lines(FIRST.uuid, reset, 100, DAY))] == [hours(2.5), hours(2)]
        assert [line.at for line in found(await search.lines(LONG.uuid, anything, 9, DAY))] == [hours(44), hours(5)]

    async def test_a_line_comes_back_as_it_was_written(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        lines = found(await search.lines(NONVOTING.uuid, Wildcard("*", "*"), 9, DAY))
        assert [line.message for line in lines] == ["no machine <b>today</b>: \x1b[31mcafé ☃"]

    async def test_counts_voting_builds_of_every_result(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        await fill([logged(build(8), (2, "one"), (3, "two"))])
        totals = found(await search.totals(DAY))
        # FUTURE has a line inside the window too; OLD's are all before it; NONVOTING's job blocks nothing
        assert sorted(totals, key=lambda one: (one.pipeline, one.project, one.job, one.result)) == [
            Ran("check", "openstack/nova", "tempest-full-py3", "TIMED_OUT", 1),
            Ran("gate", "openstack/neutron", "tempest-full-py3-ipv6", "FAILURE", 1),
            Ran("gate", "openstack/nova", "tempest-full-py3", "FAILURE", 3),
            Ran("gate", "openstack/nova", "tempest-full-py3", "SUCCESS", 1),
        ]

    async def test_names_its_fields(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        fields = found(await search.fields())
        names = search.profile.names
        assert fields[names["message"]].kind == "text"
        assert fields[names["at"]].kind == "date"
        for word in ("uuid", "job", "result", "project", "pipeline", "branch", "change", "filename", "tags"):
            assert fields[names[word]].exact is not None, word
        assert "no_such_field" not in fields

    async def test_an_empty_window_is_empty(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        window = Window(NOW - timedelta(days=400), NOW - timedelta(days=399))
        assert found(await search.builds(window, Where(results=FAILED))) == []
        assert found(await search.totals(window)) == ()
        answers = await search.hits([Question("1", phrase(search, "Connection reset by peer"))], None, window)
        assert found(answers["1"]) == []

    async def test_asks_nothing_of_nobody(self, search: Search, fill: Fill) -> None:
        await fill(GATE)
        assert await search.hits([], uuids(FIRST), DAY) == {}
        assert await search.hits([Question("1", phrase(search, "peer"))], [], DAY) == {"1": Complete([])}

    async def test_pages_through_many_builds(self, search: Search, fill: Fill) -> None:
        many = [build(number, job=f"job-{number % 12:02}") for number in range(100, 125)]
        await fill([logged(one, (2, RESET), (1, "the end")) for one in many])
        listed = found(await search.builds(DAY, Where(results=("FAILURE",))))
        assert sorted(one.uuid for one in listed) == uuids(*many)
        assert {one.documents for one in listed} == {2}
        assert {one.uuid for one in found(await search.described(uuids(*many), DAY))} == set(uuids(*many))
        answers = await search.hits([Question("1", phrase(search, "reset by peer"))], uuids(*many), DAY)
        assert len(found(answers["1"])) == 25
        totals = found(await search.totals(DAY))
        assert len(totals) == 12
        assert sum(one.builds for one in totals) == 25
