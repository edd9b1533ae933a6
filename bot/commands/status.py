"""`!status`: how the bot itself is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot import __version__
from bot.commands.ask import Ask, Verb
from bot.commands.networks import network
from bot.commands.reply import LIMIT, ago, clock, lines, reply, short, span
from bot.records import ALL, SignatureState, Stage, Unanswered
from bot.talk import Message
from bot.text import counted
from bot.unanswered import how_many

NAMED = 3  # of signatures that are not as they should be


async def status(ask: Ask) -> Message:
    """A line about the bot, one about what it knows, one a network; and what troubles it."""
    since = ask.window.start if ask.window else ask.now  # where there is nothing to ask, nothing is unanswered
    queue, waiting, states, unanswered = await ask.store.read(
        lambda tx: (tx.totals_by_stage(), tx.waiting_by_network(), tx.signature_states(), tx.unanswered(since))
    )
    up = f"gatewatch {__version__} up {span(ask.now - ask.health.started)}, since {clock(ask.health.started, ask.now)}"
    rows = [reply([up, _looked(ask)]), reply([_signatures(ask, states), _unanswered(unanswered), _queue(queue)])]
    rows += [network(one, waiting.get(one.name, 0), ask.now) for one in ask.statuses()]
    if ask.health.trouble:
        rows.append(reply([f"trouble: {short(ask.health.trouble, LIMIT)}"]))
    return lines(rows)


def _looked(ask: Ask) -> str:
    if ask.health.looked is None:
        return "the index has not been looked at completely yet"
    took = f", took {ask.health.took:.1f}s" if ask.health.took else ""
    return f"last complete look at the index {ago(ask.health.looked, ask.now)}{took}"


def _signatures(ask: Ask, states: Mapping[str, SignatureState]) -> str:
    off = [one for id, one in sorted(states.items()) if one.off and id in ask.signatures]
    named = "; ".join(f"#{short(one.id, 40)}: {short(one.off, 80)}" for one in off[:NAMED])
    more = ", ..." if len(off) > NAMED else ""
    return f"{len(ask.signatures)} signatures" + (f", {len(off)} off ({named}{more})" if off else "")


def _unanswered(rows: Sequence[Unanswered]) -> str:
    """What is to be asked again."""
    if not rows:
        return ""
    named = "; ".join(f"{_which(one)}in {counted(one.builds, 'build')}: {short(one.why, 80)}" for one in rows[:NAMED])
    more = ", ..." if len(rows) > NAMED else ""
    return f"{how_many(rows)} unanswered ({named}{more})"


def _which(one: Unanswered) -> str:
    return "" if one.signature == ALL else f"#{short(one.signature, 40)} "


def _queue(totals: Mapping[Stage, int]) -> str:
    waiting = totals.get(Stage.QUEUED, 0) + totals.get(Stage.SENDING, 0)
    ended = [
        f"{totals[stage]} {stage.value}"
        for stage in (Stage.SAID, Stage.FAILED, Stage.EXPIRED, Stage.FOLDED)
        if totals.get(stage)
    ]
    return ", ".join([f"messages: {waiting} waiting", *ended])


VERBS = (Verb("status", "", "how the bot is: networks, rooms, the index, signatures, messages", "status", status),)
