"""`!whoami`: who the bot takes the asking person for."""

from __future__ import annotations

from bot.commands.ask import Ask, Verb
from bot.commands.reply import reply, short
from bot.talk import CREATOR_LEVEL, OPERATOR, VOICED, Message, Person

NAME = 100  # bytes of what others named


async def whoami(ask: Ask) -> Message:
    """What an acting command would go by."""
    heard = ask.heard
    match ask.kind:
        case "console":
            return reply(["you: who is at the console is trusted"])
        case "matrix":
            acts = "may act" if heard.person.may_act else "may not act"
            return reply([short(heard.person.account, NAME), _power(heard.person), _device(heard.person), acts])
        case "irc":
            where = "" if heard.private else _standing(heard.person)
            return reply([short(heard.person.name, NAME), _account(heard.person), where])


def _power(person: Person) -> str:
    return "creator of this room" if person.level == CREATOR_LEVEL else f"power level {person.level} here"


def _device(person: Person) -> str:
    return "from a verified device" if person.verified else "not from a verified device"


def _account(person: Person) -> str:
    if person.account:
        return f"account {short(person.account, NAME)}"
    if person.doubt:
        return f"account not known: {short(person.doubt, NAME)}"
    return "services do not know you: identify to NickServ, where there is one"


def _standing(person: Person) -> str:
    if person.level >= OPERATOR:
        return "operator here"
    return "voiced here" if person.level >= VOICED else "neither operator nor voiced here"


VERBS = (Verb("whoami", "", "who you are to the bot: account, and what you may do in the room", "whoami", whoami),)
