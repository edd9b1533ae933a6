"""Which tests begin first where several workers share them: what takes long, then the largest groups.

By itself xdist begins with the largest groups, and a group of one long test would be what all wait for in the end:
hence `--no-loadscope-reorder` in the Makefile.
"""

from __future__ import annotations

from collections import Counter

import pytest


def group_of(item: pytest.Item) -> str:
    """What one worker runs as a whole: an `xdist_group`, or a test without one."""
    mark = item.get_closest_marker("xdist_group")
    return item.nodeid if mark is None else str(mark.args[0])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only in a worker: a single process has no use for it."""
    if hasattr(config, "workerinput"):
        sizes = Counter(map(group_of, items))
        long = {group_of(item) for item in items if item.get_closest_marker("long")}
        items.sort(key=lambda item: (group_of(item) not in long, -sizes[group_of(item)]))
