"""The time per group of tests at the end of a run: a line for each folder of `tests/` and each file beside them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def group_of(nodeid: str) -> str:
    """`tests/chat/test_irc.py::test_x` -> `tests/chat`; `tests/test_config.py::test_x` -> `tests/test_config.py`."""
    return "/".join(nodeid.partition("::")[0].split("/")[:2])


def seconds_per_group(reports: Iterable[pytest.TestReport]) -> list[tuple[str, float, int]]:
    """Group, seconds and tests, the longest first. Setting up is part of it: the servers are started there."""
    seconds: dict[str, float] = {}
    tests: dict[str, set[str]] = {}
    for report in reports:
        group = group_of(report.nodeid)
        seconds[group] = seconds.get(group, 0.0) + report.duration
        tests.setdefault(group, set()).add(report.nodeid)
    longest = sorted(seconds.items(), key=lambda item: -item[1])
    return [(group, took, len(tests[group])) for group, took in longest]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The process that prints has the reports of all workers."""
    every = [one for kind in terminalreporter.stats.values() for one in kind if isinstance(one, pytest.TestReport)]
    terminalreporter.section("seconds per group, all workers together")
    for group, took, tests in seconds_per_group(every):
        terminalreporter.write_line(f"{took:7.1f} s  {group} ({tests})")
