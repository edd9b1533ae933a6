"""What the live index says against signatures, on the embedded one and on a real OpenSearch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from bot.lucene.parse import parse
from bot.lucene.printing import to_text
from bot.lucene.tree import Node
from bot.model import Answer, Hit, Unknown, Window
from bot.search import Question, Search
from bot.workbench.findings import Asker, Findings
from bot.workbench.live import look
from bot.workbench.parts import parts
from tests.search.contract import Logged, found
from tests.workbench.gate import DAY, NOW, WINDOW

pytestmark = pytest.mark.engines

SPAN = "the last 10d"
# "apart" and "silent" are as they should be, but for what "apart" forbids and for the field that "silent" names.
SIGNATURES = {
    "alone": 'message:"alpha fault"',
    "apart": '(message:"alpha fault" OR message:"beta fault") AND NOT (message:"never seen" OR tags:"nowhere.txt")',
    "branch": 'build_branch:"master" AND message:"gamma fault" AND tenant:"openstack"',
    "dead": 'message:"beta fault" AND NOT build_newrev:"0000"',
    "gone": 'message:"epsilon fault" AND tags:("job-output.txt" OR "screen-n-cpu.txt") AND message:"***"',
    "same": 'message:"it was the alpha fault" AND tags:"console"',
    "silent": 'module:"nova" AND message:"beta fault"',
}


def trees(*ids: str) -> dict[str, Node]:
    return {id: parse(SIGNATURES[id]) for id in ids or SIGNATURES}


def hits(gate: Sequence[Logged], *phrases: str) -> str:
    """In the words of a remark, counted from the builds that were made."""
    lines = {
        one.build.uuid: sum(any(phrase in line.message for phrase in phrases) for line in one.lines)
        for one in gate
        if max(line.at for line in one.lines) >= WINDOW.start
    }
    return f"{sum(lines.values())} hits in {sum(map(bool, lines.values()))} builds"


async def asker(search: Search, window: Window = WINDOW) -> Asker:
    return Asker(search, found(await search.fields()), window, SPAN)


def said(findings: Findings) -> dict[str, list[tuple[int, str]]]:
    return {id: [(remark.at, remark.message) for remark in remarks] for id, remarks in findings.remarks.items()}


def at(id: str, text: str) -> int:
    """Where a text stands in a query."""
    return SIGNATURES[id].index(text)


async def test_each_remark_is_made_where_it_is_due_and_nowhere_else(search: Search, gate: list[Logged]) -> None:
    findings = await look(await asker(search), trees())
    alpha, beta, both = hits(gate, "alpha fault"), hits(gate, "beta fault"), hits(gate, "alpha fault", "beta fault")
    assert findings.doubts == {}
    assert said(findings) == {
        "apart": [
            (
                at("apart", '"never'),
                f'without this clause {SPAN} has the same {both}: message:"never seen" OR tags:"nowhere.txt"',
            ),
        ],
        "branch": [
            (at("branch", '"master'), f"build_branch is master in every line of {SPAN} that has it"),
            (at("branch", '"openstack'), f"tenant is openstack in every line of {SPAN} that has it"),
        ],
        "dead": [
            (at("dead", '"0000'), f'without this clause {SPAN} has the same {beta}: build_newrev:"0000"'),
        ],
        "gone": [
            (at("gone", '"epsilon'), f'no line of {SPAN} has this: message:"epsilon fault"'),
            (at("gone", '"screen'), f'no line of {SPAN} has this: tags:"screen-n-cpu.txt"'),
        ],
        "same": [
            (0, f"hits the same {alpha.partition(' in ')[2]} as alone"),
        ],
    }


async def test_of_those_beside_nothing_is_said_but_that_another_hits_the_same(
    search: Search, gate: list[Logged]
) -> None:
    findings = await look(await asker(search), trees("alone"), beside=trees("same", "gone", "branch"))
    builds = hits(gate, "alpha fault").partition(" in ")[2]
    assert said(findings) == {"alone": [(0, f"hits the same {builds} as same")]}


async def test_without_a_build_in_the_window_nothing_is_said_of_any(search: Search) -> None:
    empty = Window(NOW - 400 * DAY, NOW - 399 * DAY)
    findings = await look(await asker(search, empty), trees())
    assert findings == Findings({}, {f"no build has a line in {SPAN}": set(SIGNATURES)})


@dataclass
class Doubtful:
    """A search of which some answers are not sure: those to whose question `doubted` says yes."""

    real: Search
    doubted: Callable[[str], bool]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    async def hits(
        self, questions: Sequence[Question], uuids: Sequence[str] | None, window: Window
    ) -> Mapping[str, Answer[list[Hit]]]:
        answers = await self.real.hits(questions, uuids, window)
        return {
            id: Unknown("1 of 5 shards failed", answer.found) if self.doubted(id) else answer
            for id, answer in answers.items()
        }


@pytest.mark.parametrize(
    ("doubted", "ids", "unsure"),
    [
        (lambda id: id == "alone", ("alone", "same"), {"alone"}),
        (lambda id: "epsilon" in id or "screen" in id, ("gone",), {"gone"}),
        (lambda id: id.startswith("apart "), ("apart",), {"apart"}),
        (lambda id: id.startswith(("build_branch ", "tenant ", "branch ")), ("branch",), {"branch"}),
    ],
)
async def test_what_is_not_sure_is_a_doubt_and_no_remark(
    search: Search, doubted: Callable[[str], bool], ids: tuple[str, ...], unsure: set[str]
) -> None:
    shaky: Any = Doubtful(search, doubted)
    findings = await look(await asker(shaky), trees(*ids))
    assert findings.doubts == {"1 of 5 shards failed": unsure}
    assert not findings.remarks.keys() & unsure
    assert "hits the same" not in str(findings.remarks)


async def test_an_index_that_does_not_answer_is_one_doubt_about_all(search: Search) -> None:
    class Down:
        profile = search.profile

        async def builds(self, *_: object) -> Answer[list[Any]]:
            return Unknown("the index did not answer in 30 s", [])

    down: Any = Down()
    findings = await look(Asker(down, {}, WINDOW, SPAN), trees())
    assert findings == Findings({}, {"the index did not answer in 30 s": set(SIGNATURES)})


async def test_all_signatures_are_asked_in_few_calls(search: Search) -> None:
    calls: list[str] = []

    class Counted:
        profile = search.profile

        def __getattr__(self, name: str) -> Any:
            calls.append(name)
            return getattr(search, name)

    counted: Any = Counted()
    many = {f"{id} {number}": tree for id, tree in trees().items() for number in range(50)}
    await look(await asker(counted), many)
    assert len(calls) == 9, "the fields, and eight"


async def test_a_very_long_signature_is_not_taken_apart(search: Search) -> None:
    texts = " OR ".join(f'message:"again {number}"' for number in range(50))
    long = f'message:"alpha fault" OR {texts}'
    findings = await look(await asker(search), {"long": parse(long), "short": parse('message:"alpha fault"')})
    assert findings.doubts == {"more than 50 clauses, too many to leave out one by one": {"long"}}
    assert len(findings.remarks["long"]) == 50, "of each text that no line has"


def test_the_parts_of_a_query_and_what_is_left() -> None:
    taken = [(part.at, to_text(part.clause), to_text(part.rest)) for part in parts(parse("a AND (b OR NOT c)"))]
    assert taken == [(0, "a", "+(b -c)"), (7, "b -c", "+a"), (7, "b", "+a +(-c)"), (16, "c", "+a +(b)")]
    assert list(parts(parse("a"))) == []
