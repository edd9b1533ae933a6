"""Replies and reactions to an announcement: the verb alone asks about that announcement's change."""

from __future__ import annotations

from collections.abc import Mapping

from bot.commands.ask import Ask, Verb
from bot.commands.parse import Asked
from bot.records import Delivery, Kind
from bot.store import Tx
from bot.talk import Heard
from bot.text import plain_emoji


async def completed(ask: Ask, asked: Asked | None, verbs: Mapping[str, Verb]) -> Asked | None:
    """What is asked, with the change of the announcement that the line replies or reacts to, or in whose thread it is.

    `asked`: what the line says by itself, None for nothing. A reaction, or a verb without a prefix, asks only about an
    announcement.
    """
    verb = verbs.get(_verb(ask, asked))
    if verb is None or not verb.of_change:
        return asked
    announcement = await ask.store.read(lambda tx: _announcement(tx, ask.heard))
    if announcement is None:
        return asked
    target = await ask.store.read(lambda tx: _target(tx, announcement))
    return Asked(verb.name, (target,) if target else (), target)


def _verb(ask: Ask, asked: Asked | None) -> str:
    heard = ask.heard
    if heard.reaction:
        return ask.reactions.get(plain_emoji(heard.reaction), "")
    if asked is None:
        return heard.text.strip().rstrip("?!.").lower()
    return "" if asked.words else asked.verb.rstrip("?!.")


def _announcement(tx: Tx, heard: Heard) -> Delivery | None:
    for id in filter(None, (heard.about, heard.thread)):
        said = tx.said_as(heard.network, id)
        if said is not None and said.room == heard.room and said.kind is not Kind.SAY:
            return said
    return None


def _target(tx: Tx, announcement: Delivery) -> str:
    """The change and patchset that it is about, a build's uuid where there is no change, "" where it is about many."""
    for failure in tx.failures_in([announcement.about]):
        build = failure.build
        patchset = f",{build.patchset}" if build.patchset else ""
        return f"{build.change}{patchset}" if build.change else build.uuid
    return ""
