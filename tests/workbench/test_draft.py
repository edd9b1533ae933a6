"""A new signature's file: its id is one that loading takes."""

from __future__ import annotations

import pytest

from bot.errors import UserError
from bot.workbench.draft import draft


@pytest.mark.parametrize("bug", ["2098765", "#2098765", "LP: #2098765", "https://bugs.example/2098765?x=1"])
def test_a_bug_names_it_by_its_number(bug: str) -> None:
    assert draft(bug).id == "2098765"


@pytest.mark.parametrize("bug", ["\u0661\u0662\u0663", "#\u0661\u0662", "https://bugs.example/\u0661\u0662"])
def test_digits_of_other_scripts_are_no_number(bug: str) -> None:
    with pytest.raises(UserError, match="number"):
        draft(bug)
