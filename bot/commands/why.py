"""`!why`: what a change, a build page or a build's uuid failed of, from the store or asked on the spot."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.commands.ask import Ask, Verb
from bot.commands.counts import DAY
from bot.commands.reply import short
from bot.commands.spot import on_the_spot
from bot.commands.verdicts import spot_reply, told, told_reply
from bot.commands.words import blind
from bot.errors import UserError
from bot.records import Failure
from bot.talk import Message

CHANGE = re.compile(r"(\d{1,9})(?:[,/](\d{1,5}))?")
GERRIT = re.compile(r"https?://\S+?/(?:\+/|c/|#/c/)?(\d{4,9})(?:/(\d{1,5}))?/?")
UUID = re.compile(r"[0-9a-f]{32}")
PREFIX = re.compile(r"[0-9a-f]{7,32}")
WHICH = "a change (912345 or 912345,3), a Zuul build page, a log's address, or 7 and more characters of a build's uuid"


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked about: a change, perhaps one patchset of it, or a build by the beginning of its uuid.

    Both, where the word may be either: one in 27 uuids begins with seven digits.
    """

    change: str = ""
    patchset: str = ""
    uuid: str = ""

    @property
    def name(self) -> str:
        return (self.change or self.uuid) + (f",{self.patchset}" if self.patchset else "")


async def why(ask: Ask) -> Message:
    """The newest run of the change, or the build; from the store, else on the spot."""
    target = aim(" ".join(ask.words), ask.prefix)
    stored = await _stored(ask, target)
    recent = await ask.store.read(lambda tx: tx.failures_since(ask.now - DAY))
    if not stored:
        spot = await on_the_spot(ask, target.change, target.patchset, target.uuid)
        return spot_reply(ask, target.name, spot, recent)
    newest = max(stored, key=lambda one: one.newest)
    run = [one for one in stored if one.unit == newest.unit]
    earlier = len({one.unit for one in stored}) - 1
    notes = [f"{earlier} earlier {'run' if earlier == 1 else 'runs'}" if earlier else "", blind(ask)]
    return told_reply(ask, [told(one, len(ask.signatures)) for one in run], recent, notes)


async def _stored(ask: Ask, target: Target) -> list[Failure]:
    found: list[Failure] = []
    if target.change:
        found = await ask.store.read(lambda tx: tx.failures_of(target.change))
    if target.uuid and not found:
        found = await ask.store.read(lambda tx: tx.failures_like(target.uuid))
    return [one for one in found if not target.patchset or one.build.patchset == target.patchset]


def aim(text: str, prefix: str) -> Target:
    """What the words name; raises UserError if they name nothing."""
    text = text.strip("<>")
    change = CHANGE.fullmatch(text)
    if change:
        return Target(change[1], change[2] or "", text if PREFIX.fullmatch(text) else "")
    if text.startswith(("http://", "https://")):
        return _aim_at_page(text)
    if PREFIX.fullmatch(text.lower()):
        return Target(uuid=text.lower())
    what = f"'{short(text, 60)}' is no such thing; " if text else ""
    raise UserError(f"{what}{prefix}why takes {WHICH}")


def _aim_at_page(url: str) -> Target:
    steps = re.split(r"[/?#]", url.lower())
    uuids = [step for step in steps if UUID.fullmatch(step)]
    if "build" in steps and uuids:
        return Target(uuid=uuids[-1])
    gerrit = GERRIT.fullmatch(url)
    if gerrit:
        return Target(gerrit[1], gerrit[2] or "")
    # Zuul's log folders end in CHANGE/PATCHSET/PIPELINE/JOB/UUID7, with files below.
    short_uuids = [step for step in steps if re.fullmatch(r"[0-9a-f]{7}", step)]
    if short_uuids:
        return Target(uuid=short_uuids[-1])
    raise UserError(f"no change and no build is in this address; I take {WHICH}")


VERBS = (
    Verb(
        "why",
        "CHANGE|URL|BUILD",
        "what failed, whether it is known, and what to do; also in pipelines that nobody watches",
        "why 912345,3",
        why,
        of_change=True,
    ),
)
