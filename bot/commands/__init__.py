"""Commands: what a heard line asks is answered by its verb and handed back as text. Nothing is said here."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from html import escape
from uuid import uuid4

from bot.classify import Classify
from bot.commands import about, causes, check, gate, status, top, whoami, why
from bot.commands.ask import Ask, Health, Verb
from bot.commands.help import helping, unknown
from bot.commands.limiter import Limiter, Verdict
from bot.commands.parse import Asked, parse
from bot.commands.reply import LIMIT, short, span
from bot.errors import TemporaryError, UserError
from bot.talk import Heard, Message
from bot.text import cut, one_line

__all__ = ["TABLE", "Ask", "Asked", "Classify", "Health", "Limiter", "Verb", "answer", "parse"]

log = logging.getLogger(__name__)

_VERBS = (*gate.VERBS, *top.VERBS, *causes.VERBS, *why.VERBS, *check.VERBS, *status.VERBS, *whoami.VERBS)
TABLE = {verb.name: verb for verb in (*_VERBS, helping(_VERBS))}

NAME = 60  # bytes of what people call themselves


async def answer(ask: Ask, names: Collection[str], limiter: Limiter) -> Message | None:
    """The answer to ask.heard, None if it asks nothing or was asked too often.

    `names`: what the bot is called on that network. Raises nothing: what a verb did not foresee is logged with its
    traceback. Whether the line was heard before is the caller's to know.
    """
    heard = ask.heard
    asked = None if heard.removed else await _asked(ask, names)
    if asked is None:
        return None
    if heard.reaction and limiter.repeated(_who(heard), f"{asked.verb} {heard.room} {heard.about}", ask.now):
        return None  # several signs may stand for one verb, and people put on all of them
    match limiter.admit(_who(heard), heard.room, ask.now, known=asked.verb in TABLE):
        case Verdict.SILENT:
            return None
        case Verdict.IGNORE:
            name = short(heard.person.name, NAME)  # among many who ask, each has to know who is meant
            return _plain(f"too many commands, {name}: I do not answer you for {span(limiter.ignore)}")
        case Verdict.TELL:
            return _plain("too many commands: I go on in a minute")
    return await _answered(replace(ask, words=asked.words, rest=asked.rest), asked)


async def _asked(ask: Ask, names: Collection[str]) -> Asked | None:
    heard = ask.heard
    asked = parse(heard.text, names, ask.prefix, heard.private)
    if not (heard.about or heard.thread):
        return asked
    try:
        return await about.completed(ask, asked, TABLE)
    except TemporaryError as error:
        log.warning("store not read why=%r", str(error))
        return asked


def _who(heard: Heard) -> str:
    """One person, as far as the network can tell; a new nick makes nobody somebody else."""
    person = heard.person
    return f"{heard.network} {person.account or person.userhost or person.name}"


async def _answered(ask: Ask, asked: Asked) -> Message:
    try:
        verb = TABLE.get(asked.verb)
        if verb is None:
            raise unknown(ask, asked.verb, TABLE)
        return await verb.run(ask)
    except UserError as error:
        return _plain(str(error))
    except Exception:  # the guard of commands
        id = uuid4().hex[:8]
        log.exception(
            "command failed id=%s verb=%s network=%s room=%r", id, asked.verb, ask.heard.network, ask.heard.room
        )
        return _plain(f"internal error, logged as {id}")


def _plain(text: str) -> Message:
    line = cut(one_line(text), LIMIT)
    return Message(line, escape(line))
