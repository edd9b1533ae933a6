"""What a trial says of a query, in words and numbers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log

from bot.model import FAILED_RESULTS, Hit
from bot.text import counted
from bot.workbench.builds import PASSED_RESULT, Sort
from bot.workbench.trial import Trial

# elastic-recheck's README: "if more than 10 % of the hits are in builds that passed, the query isn't good enough".
ALLOWED = 10
# Above this probability the builds that were found may be any builds.
CHANCE = 0.05


def verdict(trial: Trial) -> str:
    """One sentence: is it a good signature? By builds, not by lines, and by those that vote."""
    failed, passed = len(trial.of(Sort.FAILED)), len(trial.of(Sort.PASSED))
    if trial.missing:
        return "no verdict: the query is refused" if trial.refused else "no verdict: the answer is not complete"
    if not trial.hits:
        return "nothing is found"
    if not failed + passed:
        return "no verdict: no voting build among them failed or passed"
    if not failed:
        return f"not good: it is found in {counted(passed, 'passed build')} and in no failed one"
    share = 100 * passed / (failed + passed)
    if share > ALLOWED:
        return f"not good enough: {percent(share)} of these builds passed, elastic-recheck allows {ALLOWED}%"
    chance = chance_of(failed, passed, trial)
    if chance is not None and chance > CHANCE:
        return (
            f"good so far ({percent(share)} of these builds passed), but too few builds to be sure: "
            f"chance alone gives that in {percent(100 * chance)} of cases"
        )
    return f"good: {percent(share)} of these builds passed, elastic-recheck allows {ALLOWED}%"


def percent(share: float) -> str:
    """A share of 100 with one digit where that says more."""
    return f"{share:.1f}".removesuffix(".0") + "%" if share < ALLOWED + 1 else f"{share:.0f}%"


def ran(trial: Trial, results: frozenset[str]) -> int | None:
    """How many voting builds of the window had one of these results; None where that is not known."""
    return None if trial.totals is None else sum(one.builds for one in trial.totals if one.result in results)


def base(trial: Trial) -> str:
    """`1 of 380 passed builds in the window has it`; "" where not all is known."""
    all_passed = ran(trial, frozenset({PASSED_RESULT}))
    all_failed = ran(trial, FAILED_RESULTS)
    if trial.missing or all_passed is None or all_failed is None:
        return ""
    failed, passed = len(trial.of(Sort.FAILED)), len(trial.of(Sort.PASSED))
    # Counts of a cluster are near, not exact, and a build may have come between the two searches.
    return (
        f"{failed} of {max(failed, all_failed)} failed and {passed} of {max(passed, all_passed)} passed builds have it"
    )


def chance_of(failed: int, passed: int, trial: Trial) -> float | None:
    """How probable it is that so many builds, taken at random from the window, have so few passed ones among them.

    The binomial distribution's lower tail; None where the builds of the window are not known. Where most builds fail,
    even a line that is in every build keeps to the 10 %.
    """
    all_passed, all_failed = ran(trial, frozenset({PASSED_RESULT})), ran(trial, FAILED_RESULTS)
    if all_passed is None or all_failed is None or not all_passed + all_failed:
        return None
    share = all_passed / (all_passed + all_failed)
    taken = failed + passed
    if share in (0.0, 1.0):
        return 1.0
    return min(1.0, sum(_exactly(few, taken, share) for few in range(passed + 1)))


def _exactly(few: int, taken: int, share: float) -> float:
    """How probable exactly so many are. By logarithms: the factors are too great for a float from 1,030 builds on."""
    ways = lgamma(taken + 1) - lgamma(few + 1) - lgamma(taken - few + 1)
    return exp(ways + few * log(share) + (taken - few) * log(1 - share))


def found(trial: Trial) -> str:
    """`14 failed and 1 passed builds, 2 non-voting`, with "at least" where it is not all."""
    failed, passed = len(trial.of(Sort.FAILED)), len(trial.of(Sort.PASSED))
    others = [
        f"{len(hits)} {sort.value}" for sort in (Sort.NONVOTING, Sort.OTHER, Sort.NAMELESS) if (hits := trial.of(sort))
    ]
    sure = "at least " if trial.missing else ""
    return ", ".join([f"{sure}{failed} failed and {counted(passed, 'passed build')}", *others])


def lines(trial: Trial) -> int:
    """How many log lines were found, in all builds."""
    return sum(hit.count for hit in trial.hits)


def overlap(trial: Trial, most: int) -> str:
    """`#apt-lock 12, #disk-full 1; 2 of 15 failed builds are explained by none`; "" where nothing was compared."""
    if trial.compared is None:
        return ""
    named = [f"#{id} {count}" for id, count in trial.known.most_common(most)]
    more = len(trial.known) - most
    also = ", ".join([*named, *([f"{more} more"] if more > 0 else [])])
    newest = "the newest " if trial.compared < len(trial.of(Sort.FAILED)) else ""
    if trial.alone is None:
        return also
    sure = "at most " if trial.silent else ""
    alone = f"{sure}{trial.alone} of {newest}{counted(trial.compared, 'failed build')} explained by no known signature"
    return "; ".join(filter(None, [also, alone]))


def example(trial: Trial) -> Hit | None:
    """The hit to show a line of: in the newest failed build, else in the newest build."""
    chosen: Sequence[Hit] = [hit for hit in trial.of(Sort.FAILED) if hit.sample] or [h for h in trial.hits if h.sample]
    return max(chosen, key=lambda hit: hit.last, default=None)
