"""How often is too often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.commands.limiter import UNKNOWN, Limiter, Verdict

AT = datetime(2026, 8, 17, 12, tzinfo=UTC)


def verdicts(limiter: Limiter, *asked: tuple[str, str, float], known: bool = True) -> list[str]:
    return [limiter.admit(user, room, AT + timedelta(seconds=at), known=known).value for user, room, at in asked]


def test_a_person_is_told_once_and_ignored_for_a_while() -> None:
    asked = [("alice", "#a", second) for second in (0, 1, 2, 3, 60, 301, 302)]
    assert verdicts(Limiter(2, 9), *asked) == ["answer", "answer", "ignore", "silent", "silent", "silent", "answer"]


def test_below_the_limit_a_minute_nobody_is_ignored() -> None:
    asked = [("alice", "#a", second) for second in (0, 59, 60, 119, 120)]
    assert verdicts(Limiter(2, 9), *asked) == ["answer"] * 5


def test_one_person_does_not_silence_another() -> None:
    asked = [("alice", "#a", 0), ("alice", "#a", 1), ("bob", "#a", 2), ("alice", "#b", 3)]
    assert verdicts(Limiter(1, 9), *asked) == ["answer", "ignore", "answer", "silent"]


def test_who_asks_for_what_there_is_not_is_ignored_sooner() -> None:
    limiter = Limiter(12, 99)
    asked = [("mallory", "#a", number) for number in range(UNKNOWN + 2)]
    assert verdicts(limiter, *asked, known=False) == ["answer"] * UNKNOWN + ["ignore", "silent"]
    assert verdicts(limiter, ("mallory", "#a", 10), ("bob", "#a", 11)) == ["silent", "answer"]
    assert verdicts(Limiter(12, 99), *asked) == ["answer"] * (UNKNOWN + 2)


def test_a_room_has_a_limit_of_its_own_and_is_answered_again_in_the_next_minute() -> None:
    asked = [(f"user{n}", "#a", n) for n in range(4)] + [("user9", "#b", 5), ("user1", "#a", 60)]
    assert verdicts(Limiter(9, 2), *asked) == ["answer", "answer", "tell", "silent", "answer", "answer"]


def test_what_is_over_is_forgotten() -> None:
    limiter = Limiter(1, 1)
    for second in range(0, 600):
        for _ in range(2):
            limiter.admit(f"user{second}", f"#{second}", AT + timedelta(seconds=second))
    assert len(limiter._counts) <= 3 * 60 and len(limiter._ignored) <= 300
    assert limiter.admit("user599", "#x", AT + timedelta(seconds=1000)) is Verdict.ANSWER
