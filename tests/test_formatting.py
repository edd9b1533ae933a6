"""The words of messages: short enough everywhere, scrubbed, escaped, and each fact in its place."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.formatting import LINE, Cause, Report, Summary, catch_up, change_message, corrected_message, digest
from bot.incidents import Judged
from bot.links import Links
from bot.model import Build, Line
from bot.records import Failure, State, Unsearched
from bot.talk import Message

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LINKS = Links(zuul="https://zuul.example/t/openstack", gerrit="https://review.example", tracker="https://bugs.example")
NO_LINKS = Links()
BUILD = Build(
    "0a1b2c3d" * 4,
    "tempest-full",
    "FAILURE",
    project="openstack/nova",
    pipeline="gate",
    branch="master",
    change="900001",
    patchset="2",
    buildset="set",
    log_url="https://logs.example/1/",
)
LINK = f"https://zuul.example/t/openstack/build/{BUILD.uuid}"
CAUSE = Cause("1001", "It booms", "recheck", "https://bugs.example/1001", 3, 3)


def judged(
    state: State = State.KNOWN, *causes: str, build: Build = BUILD, reason: str = "", asked: bool = True, left: int = 0
) -> Judged:
    line = Line(NOW, reason, "job-output.txt", "https://logs.example/1/job-output.txt") if reason else None
    rows = (Unsearched("all", "timed out", 1, NOW, left),) if left else ()
    failure = Failure(build, "set", NOW, NOW, NOW, 1, NOW, True, reason=line, reason_asked=asked, unsearched=rows)
    return Judged(failure, state, causes, left)


def report(*failures: Judged, others: int = 0, causes: tuple[Cause, ...] = (CAUSE,)) -> Report:
    return Report(failures, others, {one.id: one for one in causes}, 657)


def text(*failures: Judged, others: int = 0, causes: tuple[Cause, ...] = (CAUSE,)) -> str:
    return change_message(report(*failures, others=others, causes=causes), NO_LINKS).text


def named(job: str, result: str = "FAILURE") -> Build:
    return replace(BUILD, job=job, result=result, log_url="")


HEAD = "[nova] gate 900001,2 failed: "
KNOWN = judged(State.KNOWN, "1001", build=named("tempest-full"))


def test_a_known_failure_has_its_cause_how_often_and_what_to_do() -> None:
    assert text(KNOWN) == HEAD + "tempest-full: #1001 It booms (x3/24h, recheck ok)"


@pytest.mark.parametrize(
    ("advice", "words"),
    [("recheck", ", recheck ok"), ("wait", ", wait before a recheck"), ("look", ", look first"), ("", "")],
)
def test_advice_is_in_words(advice: str, words: str) -> None:
    assert text(KNOWN, causes=(replace(CAUSE, advice=advice),)).endswith(f"#1001 It booms (x3/24h{words})")


def test_the_total_stands_in_brackets_where_it_differs() -> None:
    assert "(x3/24h [9], recheck ok)" in text(KNOWN, causes=(replace(CAUSE, total=9),))


def test_a_signature_without_title_is_its_id() -> None:
    assert text(KNOWN, causes=(Cause("1001", count=1, total=1),)) == HEAD + "tempest-full: #1001 (x1/24h)"


def test_an_unknown_failure_has_its_most_telling_line_without_the_node() -> None:
    one = judged(State.UNKNOWN, reason="controller | Error: odd", build=named("unit"))
    assert text(one) == HEAD + 'unit: unknown "Error: odd"'


def test_an_unknown_failure_without_such_a_line_says_so() -> None:
    assert text(judged(State.UNKNOWN, build=named("unit"))) == HEAD + "unit: unknown, no telling line"


def test_nothing_is_claimed_of_lines_that_nobody_looked_for() -> None:
    assert text(judged(State.UNKNOWN, build=named("unit"), asked=False)) == HEAD + "unit: unknown"


def test_an_unknown_failure_says_how_many_signatures_did_not_answer() -> None:
    one = judged(State.UNKNOWN, reason="Error: odd", build=named("unit"), left=3)
    assert text(one) == HEAD + 'unit: unknown "Error: odd" (3 of 657 signatures could not be asked)'


def test_logs_that_are_not_ready_are_nothing_more() -> None:
    one = judged(State.NOT_READY, reason="Error: odd", build=named("unit"), left=3)
    assert text(one) == HEAD + "unit: logs not ready"


def test_jobs_of_one_cause_stand_together_and_known_ones_first() -> None:
    failures = (
        judged(State.UNKNOWN, reason="Error: odd", build=named("a-unit")),
        judged(State.KNOWN, "1001", build=named("z-job")),
        judged(State.NOT_READY, build=named("b-docs")),
        judged(State.KNOWN, "1001", build=named("b-job", "TIMED_OUT")),
    )
    assert text(*failures) == (
        HEAD + "b-job (TIMED_OUT), z-job: #1001 It booms (x3/24h, recheck ok); "
        'a-unit: unknown "Error: odd"; b-docs: logs not ready'
    )


def test_two_causes_of_one_job_are_both_said() -> None:
    other = Cause("1002", "It bangs", count=1, total=1)
    one = judged(State.KNOWN, "1002", "1001", build=named("unit"))
    assert text(one, causes=(CAUSE, other)) == (
        HEAD + "unit: #1001 It booms (x3/24h, recheck ok) #1002 It bangs (x1/24h)"
    )


@pytest.mark.parametrize(("others", "words"), [(0, ""), (1, " +1 other job"), (2, " +2 other jobs")])
def test_other_jobs_are_counted(others: int, words: str) -> None:
    assert text(KNOWN, others=others) == HEAD + "tempest-full: #1001 It booms (x3/24h, recheck ok)" + words


def test_the_line_links_the_build_else_its_logs() -> None:
    assert change_message(report(judged(State.KNOWN, "1001")), LINKS).text.endswith(f" | {LINK}")
    assert text(judged(State.KNOWN, "1001")).endswith(" | https://logs.example/1/")


def test_a_long_line_gives_up_the_reason_then_the_titles_and_never_the_link() -> None:
    long = replace(CAUSE, title="a title of many words " * 10)
    for number in range(1, 9):
        jobs = [judged(State.KNOWN, "1001", build=replace(BUILD, job=f"job-{n}-" + "x" * 30)) for n in range(number)]
        said = change_message(report(*jobs, others=3, causes=(long,)), LINKS).text
        assert said.endswith(f" +3 other jobs | {LINK}")
        assert len(said.encode()) <= LINE
        assert "job-0-" in said


def test_a_correction_has_the_whole_for_an_edit_and_the_news_for_a_line() -> None:
    news = judged(State.KNOWN, "1001", build=named("unit"))
    whole = report(KNOWN, news)
    message = corrected_message(whole, [news], also=True, links=NO_LINKS)
    assert message.text == change_message(whole, NO_LINKS).text
    assert message.changed == "also: " + HEAD + "unit: #1001 It booms (x3/24h, recheck ok)"
    assert corrected_message(whole, [news], also=False, links=NO_LINKS).changed.startswith("now: ")
    assert corrected_message(whole, [], also=False, links=NO_LINKS).changed == ""


def test_a_catch_up_counts_and_names_what_was_not_seen() -> None:
    worst = (Cause("2098765", count=31), Cause("1001", count=4))
    gap = (datetime(2026, 11, 20, 9, 0, tzinfo=UTC), datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
    assert catch_up(Summary(212, 150, worst, gap)).text == (
        "catching up, last 24 h: 212 failed builds, 71 % known, worst #2098765 x31, #1001 x4; "
        "nothing was seen 20 Nov 09:00 to 22 Nov 09:00 UTC"
    )
    assert catch_up(Summary(1, 0, ())).text == "catching up, last 24 h: 1 failed build, 0 % known"
    assert catch_up(Summary(0, 0, (), gap)).text.startswith("catching up, last 24 h: 0 failed builds; nothing was seen")


def test_a_digest_says_how_many_changes_it_stands_for_and_since_when() -> None:
    summary = Summary(20, 20, (Cause("1001", count=20),))
    assert digest(summary, 12, NOW - timedelta(hours=1), NOW).text == (
        "digest: 12 changes failed 11:00 to 12:00 UTC: 20 failed builds, 100 % known, worst #1001 x20"
    )
    assert digest(summary, 1, NOW, NOW).text.startswith("digest: 1 change failed ")


# -- HTML -----------------------------------------------------------------------------------------------------


class Shown(HTMLParser):
    """What a browser makes of it: tags, links, the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.links += [value or "" for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_html_links_change_jobs_bug_and_log() -> None:
    unknown = judged(State.UNKNOWN, reason="Error: odd", build=replace(BUILD, job="unit"))
    shown = Shown(change_message(report(judged(State.KNOWN, "1001"), unknown, others=1), LINKS).html)
    assert shown.links == [
        "https://review.example/900001",
        LINK,
        "https://bugs.example/1001",
        LINK,
        "https://logs.example/1/job-output.txt",
    ]
    assert shown.text == (
        "[nova] gate 900001,2 failed:tempest-full: #1001 It booms (x3/24h, recheck ok)"
        'unit: unknown "Error: odd" logand 1 other job'
    )
    assert shown.open == []


def test_what_came_from_a_log_is_no_html() -> None:
    evil = "<script>alert('1')</script> & <img src=x>"
    one = judged(State.UNKNOWN, reason=f"Error: {evil}", build=replace(BUILD, job=evil, project=evil, pipeline=evil))
    known = judged(State.KNOWN, "1001", build=replace(BUILD, job=f'"><b>{evil}'))
    message = change_message(report(one, known, causes=(replace(CAUSE, title=evil),)), LINKS)
    assert set(Shown(message.html).tags) == {"b", "a", "ul", "li"}


@pytest.mark.parametrize("url", ["javascript:alert(1)", 'https://x/"onclick="y', "https://x/\x00<b>", "x" * 10_000])
def test_no_strange_address_becomes_a_link(url: str) -> None:
    one = judged(State.KNOWN, "1001", build=replace(BUILD, log_url=url))
    shown = Shown(change_message(report(one), NO_LINKS).html)
    assert all(link.startswith("https://") and '"' not in link and "<" not in link for link in shown.links)
    assert set(shown.tags) <= {"a", "b", "ul", "li"}


def test_many_jobs_and_causes_do_not_outgrow_a_matrix_event() -> None:
    causes = tuple(Cause(str(number), "title " * 20, count=1, total=1) for number in range(300))
    ids = tuple(cause.id for cause in causes)
    jobs = [judged(State.KNOWN, *ids, build=replace(BUILD, job=f"job-{n}")) for n in range(300)]
    html = change_message(report(*jobs, causes=causes), LINKS).html
    shown = Shown(html)
    assert len(html.encode()) <= 8_000
    assert shown.open == []
    assert "and 295 more" in shown.text
    assert f"and {300 - shown.tags.count('li') + 1} other jobs" in shown.text


# -- whatever comes -------------------------------------------------------------------------------------------

HOSTILE = (
    "",
    "x" * 400,
    "\N{SNOWMAN}" * 200,
    "a b " * 100,
    "\r\nPRIVMSG #nova :ha",
    "\x03\x02\x1f\x00\x07red",
    "\u202ereversed\u2066",
    "\ud800",
    "@room <b>&amp;",
    "\u2028\u2029\x85",
)
hostile = st.text(max_size=40) | st.sampled_from(HOSTILE)
builds = st.builds(
    Build,
    uuid=hostile,
    job=hostile,
    result=hostile,
    project=hostile,
    pipeline=hostile,
    branch=hostile,
    ref=hostile,
    change=hostile,
    patchset=hostile,
    log_url=hostile | st.builds("https://logs.example/{}".format, hostile),
)
failing = st.builds(
    lambda build, state, reason, left: judged(
        state, *(("1001",) if state is State.KNOWN else ()), build=build, reason=reason, left=left
    ),
    builds,
    st.sampled_from([State.KNOWN, State.UNKNOWN, State.NOT_READY]),
    hostile,
    st.integers(0, 700),
)


def sound(message: Message) -> None:
    for line in (message.text, message.changed, message.html):
        assert not [char for char in line if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert len(message.text.encode()) <= LINE
    assert len(message.changed.encode()) <= LINE
    assert len(message.html.encode()) <= 8_000
    assert Shown(message.html).open == []


@settings(max_examples=60, deadline=None)
@given(st.lists(failing, min_size=1, max_size=5), st.integers(0, 10_000), hostile, st.booleans())
def test_whatever_comes_is_one_line_of_340_bytes_at_most(
    failures: list[Judged], others: int, title: str, linked: bool
) -> None:
    links = LINKS if linked else NO_LINKS
    whole = report(*failures, others=others, causes=(replace(CAUSE, title=title),))
    message = corrected_message(whole, failures[:1], also=True, links=links)
    sound(message)
    link = links.build(failures[0].build.uuid)
    if link and len(link.encode()) <= 200:
        assert message.text.endswith(f" | {link}")


@pytest.mark.parametrize("part", [*HOSTILE, "word "], ids=range(len(HOSTILE) + 1))
def test_ten_thousand_characters_of_anything_are_cut(part: str) -> None:
    long = part * (10_000 // max(1, len(part)))
    fields = ("uuid", "job", "result", "project", "pipeline", "branch", "ref", "change", "patchset", "log_url")
    build = Build(**dict.fromkeys(fields, long))
    for state in (State.KNOWN, State.UNKNOWN, State.NOT_READY):
        one = judged(state, *(("1001",) if state is State.KNOWN else ()), build=build, reason=long)
        sound(corrected_message(report(one, causes=(replace(CAUSE, title=long),)), [one], also=True, links=LINKS))
