"""`!whoami` on each kind of network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.commands import Ask, Limiter, answer
from bot.talk import CREATOR_LEVEL, Person
from tests.commands.conftest import Asks

ANN = Person("ann", "annie", 50, "a@h")


@pytest.mark.parametrize(
    ("person", "shown"),
    [
        (ANN, "ann | account annie | operator here"),
        (replace(ANN, level=25), "ann | account annie | voiced here"),
        (replace(ANN, level=0), "ann | account annie | neither operator nor voiced here"),
        (
            replace(ANN, account=""),
            "ann | services do not know you: identify to NickServ, where there is one | operator here",
        ),
        (
            replace(ANN, account="", doubt="the server did not say"),
            "ann | account not known: the server did not say | operator here",
        ),
    ],
)
async def test_on_irc(asks: Asks, plain_ask: Ask, person: Person, shown: str) -> None:
    assert await asks("!whoami", heard=replace(plain_ask.heard, person=person)) == shown


async def test_in_private_nobody_has_a_standing(plain_ask: Ask) -> None:
    heard = replace(plain_ask.heard, text="whoami", private=True, person=replace(ANN, level=0))
    message = await answer(replace(plain_ask, heard=heard), ["gatewatch"], Limiter(1, 1))
    assert message is not None and message.text == "ann | account annie"


async def test_on_matrix_and_at_the_console(asks: Asks, plain_ask: Ask) -> None:
    ann = Person("Ann", "@ann:example.org", level=50, verified=True, may_act=True)
    for person, shown in (
        (ann, "power level 50 here | from a verified device | may act"),
        (
            replace(ann, level=-1, verified=False, may_act=False),
            "power level -1 here | not from a verified device | may not act",
        ),
        (replace(ann, level=CREATOR_LEVEL), "creator of this room | from a verified device | may act"),
    ):
        heard = replace(plain_ask.heard, person=person)
        assert await asks("!whoami", heard=heard, kind="matrix") == f"@ann:example.org | {shown}"
    assert await asks("!whoami", kind="console") == "you: who is at the console is trusted"


async def test_a_new_nick_does_not_make_a_new_person(plain_ask: Ask) -> None:
    async def asked(limiter: Limiter, *people: Person) -> list[bool]:
        heards = [replace(plain_ask.heard, text="!help", person=person) for person in people]
        messages = [await answer(replace(plain_ask, heard=heard), ["gatewatch"], limiter) for heard in heards]
        return [message is not None and "too many" not in message.text for message in messages]

    known = [Person("a", "annie", 0, "a@h"), Person("b", "annie", 0, "b@h"), Person("a", "", 0, "a@h")]
    assert await asked(Limiter(1, 99), *known) == [True, False, True]
    unknown = [Person("a", "", 0, "a@h"), Person("b", "", 0, "a@h"), Person("a", "", 0, "a@other")]
    assert await asked(Limiter(1, 99), *unknown) == [True, False, True]
