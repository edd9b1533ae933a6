"""How often is too often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.commands.limiter import Limiter, Verdict

AT = datetime(2026, 8, 17, 12, tzinfo=UTC)


def verdicts(limiter: Limiter, *asked: tuple[str, str, float]) -> list[str]:
    return [limiter.admit(user, room, AT + timedelta(seconds=second)).value for user, room, second in asked]


def test_a_person_is_told_once_and_answered_again_in_the_next_minute() -> None:
    asked = [("alice", "#a", second) for second in (0, 1, 2, 3, 59, 60)]
    assert verdicts(Limiter(2, 9), *asked) == ["answer", "answer", "tell", "silent", "silent", "answer"]


def test_one_person_does_not_silence_another() -> None:
    asked = [("alice", "#a", 0), ("alice", "#a", 1), ("bob", "#a", 2), ("alice", "#b", 3)]
    assert verdicts(Limiter(1, 9), *asked) == ["answer", "tell", "answer", "silent"]


def test_a_room_has_a_limit_of_its_own() -> None:
    asked = [(f"user{n}", "#a", n) for n in range(4)] + [("user9", "#b", 5)]
    assert verdicts(Limiter(9, 2), *asked) == ["answer", "answer", "tell", "silent", "answer"]


def test_what_is_over_is_forgotten() -> None:
    limiter = Limiter(1, 1)
    for second in range(0, 600):
        limiter.admit(f"user{second}", f"#{second}", AT + timedelta(seconds=second))
    assert len(limiter._counts) <= 2 * 60
    assert limiter.admit("user599", "#x", AT + timedelta(seconds=700)) is Verdict.ANSWER
