"""`!help`: made from the table of verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.commands.ask import Ask, Verb
from bot.commands.reply import reply
from bot.errors import UserError
from bot.talk import Message
from bot.wording import nearest


def helping(others: Sequence[Verb]) -> Verb:
    """The verb that lists the others, and itself."""

    async def run(ask: Ask) -> Message:
        if not ask.words:
            usages = " ".join(_usage(ask, verb) for verb in others)
            also = "also NAME: VERB" + (", and VERB alone in private" if ask.private else "")
            return reply([usages, f"{ask.prefix}help VERB says more", also])
        verb = table.get(ask.words[0].removeprefix(ask.prefix).lower())
        if verb is None:
            raise unknown(ask, ask.words[0], table)
        return reply([_usage(ask, verb), verb.help, f"e.g. {ask.prefix}{verb.example}"])

    own = Verb("help", "[VERB]", "lists the verbs, or tells what one does", "help why", run)
    table = {verb.name: verb for verb in (*others, own)}
    return own


def unknown(ask: Ask, word: str, table: Mapping[str, Verb]) -> UserError:
    """One hint for a verb that is not there."""
    near = nearest(word.removeprefix(ask.prefix), list(table))
    meant = f"did you mean {ask.prefix}{near}? " if near else ""
    return UserError(f"no such command; {meant}{ask.prefix}help lists all")


def _usage(ask: Ask, verb: Verb) -> str:
    return f"{ask.prefix}{verb.name} {verb.usage}".rstrip()
