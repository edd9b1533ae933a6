"""The pure rules of a failed build: states, units, news. Whole stories are in test_life_*.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.incidents import Waits, first_listed, judge, listed_again, news, unit_base, unit_of
from bot.looking import needs
from bot.model import Build, Hit, Listed
from bot.records import Failure, Found, News, Standing, State, Unsearched
from tests.fakes import BANG, BOOM, HOUR, MINUTE, START, signature

BUILD = Build("u1", "unit", "FAILURE", "openstack/nova", "gate", "master", "refs/1", "900001", "1", "set")
HUSHED = signature("1003", 'message:"hush"', notify=False)
BOTH = signature("1004", 'message:"both"', nonvoting=True)
SIGNATURES = {one.id: one for one in (BOOM, BANG, HUSHED, BOTH)}
SETTLED = Failure(BUILD, "set", START, START, START, 3, START, settled=True, asked=3)
WAITS = Waits()


def hit(id: str, quiet: bool = False) -> Found:
    return Found(Hit(id, "u1", 1, START, START), START, quiet)


def judged(state: State, failure: Failure, minutes: float = 3) -> bool:
    return judge(failure, SIGNATURES, START + minutes * MINUTE, WAITS).state is state


def unanswered(failure: Failure) -> Failure:
    return replace(failure, unsearched=(Unsearched("1001", "timed out", 1, START),))


def test_the_states_of_a_voting_build() -> None:
    growing = replace(SETTLED, settled=False)
    assert judged(State.UNKNOWN, SETTLED)
    assert judged(State.PENDING, growing)
    assert judged(State.NOT_READY, growing, minutes=20)
    assert judged(State.PENDING, unanswered(SETTLED))
    assert judged(State.UNKNOWN, unanswered(SETTLED), minutes=20)
    assert judged(State.PENDING, replace(SETTLED, asked=-1))
    assert judged(State.KNOWN, replace(growing, found=(hit("1001"),)))
    assert judged(State.EXPLAINED, replace(SETTLED, found=(hit("1003"),)))
    assert judged(State.KNOWN, replace(SETTLED, found=(hit("1003"), hit("1002"))))


def test_the_states_of_a_non_voting_build() -> None:
    nonvoting = replace(SETTLED, build=replace(BUILD, voting=False))
    assert judged(State.NONVOTING, nonvoting)
    assert judged(State.NONVOTING, replace(nonvoting, found=(hit("1001"), hit("1003"))))
    assert judged(State.NONVOTING, replace(nonvoting, settled=False), minutes=30)
    found = judge(replace(nonvoting, found=(hit("1001"), hit("1004"))), SIGNATURES, START, WAITS)
    assert (found.state, found.causes) == (State.KNOWN, ("1004",))


def test_the_wait_is_counted_from_where_it_was_moved_to() -> None:
    forgiven = replace(SETTLED, settled=False, waits_from=START + HOUR)
    assert judged(State.PENDING, forgiven, minutes=79)
    assert judged(State.NOT_READY, forgiven, minutes=80)


def test_what_a_signature_that_is_gone_found_still_explains() -> None:
    assert judged(State.KNOWN, replace(SETTLED, found=(hit("gone"),)))


def test_a_build_is_quiet_when_only_later_signatures_explain_it() -> None:
    for found, quiet in (((hit("1001", True),), True), ((hit("1001", True), hit("1002")), False), ((), False)):
        assert judge(replace(SETTLED, found=found), SIGNATURES, START, WAITS).quiet is quiet


@pytest.mark.parametrize(
    ("minutes", "settled", "old"), [(60, False, False), (61, True, False), (180, True, False), (181, True, True)]
)
def test_how_old_a_build_is_when_it_is_first_listed(minutes: int, settled: bool, old: bool) -> None:
    one = first_listed(BUILD, "set", Listed("u1", 3, START - minutes * MINUTE), START, WAITS)
    assert (one.settled, one.old, one.waits_from, one.asked) == (settled, old, START, -1)


def test_without_settling_a_build_is_settled_when_it_is_first_listed() -> None:
    assert first_listed(BUILD, "set", Listed("u1", 3, START), START, Waits(settle=timedelta(0)), complete=False).settled


@pytest.mark.parametrize(
    ("seconds", "complete", "settled"), [(149, True, False), (150, True, True), (999, False, False)]
)
def test_the_same_count_settles_after_150_s_in_a_whole_listing(seconds: int, complete: bool, settled: bool) -> None:
    growing = replace(SETTLED, settled=False)
    later = START + timedelta(seconds=seconds)
    assert listed_again(growing, Listed("u1", 3, START), later, WAITS, complete).settled is settled


def test_growth_opens_again_and_the_newest_line_never_goes_back() -> None:
    grown = listed_again(replace(SETTLED, reason_asked=True), Listed("u1", 4, START + MINUTE), START + HOUR, WAITS)
    assert (grown.settled, grown.documents, grown.count_since, grown.reason_asked) == (False, 4, START + HOUR, False)
    fewer = listed_again(grown, Listed("u1", 1, START - HOUR), START + HOUR + 3 * MINUTE, WAITS)
    assert (fewer.settled, fewer.documents, fewer.newest) == (True, 4, START + MINUTE)


def test_news_is_what_changed_since_it_was_last_written() -> None:
    known = judge(replace(SETTLED, found=(hit("1001"),)), SIGNATURES, START, WAITS)
    same = judge(replace(SETTLED, state=State.UNKNOWN), SIGNATURES, START, WAITS)
    assert news([known, same], START) == [News(START, "set", "u1", State.KNOWN, "1001")]


def test_the_buildset_is_the_unit_else_what_names_one_run() -> None:
    assert unit_base(BUILD) == "set"
    without = replace(BUILD, buildset="")
    bases = {unit_base(without)}
    for name in ("project", "branch", "ref", "change", "patchset", "pipeline"):
        bases.add(unit_base(replace(without, **{name: "other"})))
    assert len(bases) == 7
    assert unit_base(replace(without, job="other", uuid="u2")) == unit_base(without)


def test_a_job_that_comes_again_is_the_next_run() -> None:
    build = replace(BUILD, buildset="")
    base = unit_base(build)
    assert unit_of(build, []) == base
    assert unit_of(build, [(base, frozenset({"docs"}))]) == base
    assert unit_of(build, [(base, frozenset({"unit"}))]) == f"{base}#2"
    runs = [(base, frozenset({"unit", "docs"})), (f"{base}#2", frozenset({"docs"}))]
    assert unit_of(build, runs) == f"{base}#2"
    assert unit_of(replace(build, job="docs"), runs) == f"{base}#3"
    assert unit_of(BUILD, [("set", frozenset({"unit"}))]) == "set"


DONE = Standing(3, True, 3, State.UNKNOWN, True)


@pytest.mark.parametrize(
    ("standing", "work"),
    [
        (None, True),
        (DONE, False),
        (replace(DONE, asked=2), True),
        (replace(DONE, settled=False), True),
        (replace(DONE, state=State.PENDING), True),
        (replace(DONE, state=State.NOT_READY), True),
        (replace(DONE, reason_asked=False), True),
        (replace(DONE, reason_asked=False, old=True), False),
        (replace(DONE, state=State.KNOWN, reason_asked=False), False),
        (replace(DONE, retry=START), True),
        (replace(DONE, retry=START + MINUTE), False),
    ],
)
def test_what_a_tick_has_anything_to_do_for(standing: Standing | None, work: bool) -> None:
    assert needs(Listed("u1", 3, START), standing, True, START) is work


def test_a_telling_line_is_work_only_when_its_turn_has_come() -> None:
    assert not needs(Listed("u1", 3, START), replace(DONE, reason_asked=False), False, START)
