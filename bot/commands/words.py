"""What several verbs say alike."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.commands.ask import Ask
from bot.commands.counts import HISTORY, counting_since
from bot.commands.reply import Link, ago, clock, short
from bot.records import Failure
from bot.store import Tx

KEPT = timedelta(days=14)  # how far back the store remembers builds
BLIND = timedelta(minutes=15)  # after so long without a complete look an answer says how old it is


def cause(ask: Ask, id: str) -> Link:
    """A signature by its id, with its bug behind it."""
    signature = ask.signatures.get(id)
    return Link(f"#{short(id, 60)}", ask.links.cause(signature) if signature else ask.links.bug(id))


def passing(ask: Ask, failures: Iterable[Failure]) -> list[Failure]:
    """Those that the room wants to hear of."""
    return [one for one in failures if ask.passes(one)]


async def nothing(ask: Ask) -> str:
    """In place of counts that are all zero: when there was something, or since when there is nothing."""
    since = ask.now - KEPT
    failures, rows = await ask.store.read(lambda tx: (tx.failures_since(since), tx.ran_since(since)))
    if failures:
        return f"no failures; the last one {ago(max(one.newest for one in failures), ask.now)}"
    return f"nothing seen yet; counting since {clock(counting_since(None, rows, ask.health.started), ask.now)}"


def beginning(ask: Ask, tx: Tx) -> datetime:
    """Since when the bot has counted, as far back as answers go."""
    since = ask.now - HISTORY
    return counting_since(tx.first_seen(since), tx.ran_since(since), ask.health.started)


def none_here(all: int) -> str:
    """In place of counts that the room's filter made zero."""
    return f"no failures that this room hears of, {all} in all"


def blind(ask: Ask) -> str:
    """Unknown is not zero: how old the last complete look at the index is, "" while it is fresh."""
    looked = ask.health.looked
    if looked is None:
        return "the index has not been looked at completely yet"
    return f"last complete look at the index {ago(looked, ask.now)}" if ask.now - looked > BLIND else ""
