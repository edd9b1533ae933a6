"""A message of every kind, made by the bot's own code from made-up failures: docs/messages.md shows them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.chat.matrix.unreadable import NO_KEY
from bot.commands import Ask, Health, Limiter, answer
from bot.formatting import Cause, Report, Summary, catch_up, change_message, corrected_message, digest
from bot.incidents import Judged
from bot.model import Build, Line, Ran, Signature
from bot.plots import Plot
from bot.records import Failure, Found, State
from bot.store import Store
from bot.talk import Heard, Message, NetworkStatus, Person, Picture, Post, Said
from bot.troubles import Troubles
from tests.commands.conftest import LINKS, NOW, failure
from tests.commands.test_check import asked_of
from tests.fakes import Network, until

ROOM = "opendev:#nova:example.org"
UUID = "38bf2cdc947643c9bb04f11f40a0f21"
DETACH = Cause("2098765", "QEMU device_del already unplugging", "recheck", LINKS.bug("2098765"), 31, 34)
LOCK = Cause("2071234", "Lock wait timeout exceeded", "look", LINKS.bug("2071234"), 9, 9)
SIGNATURES = {one.id: Signature(one.id, "q", "d", title=one.title, advice=one.advice) for one in (DETACH, LOCK)}
CEPH = "FATAL: cannot connect to ceph: RADOS object not found (error connecting to the cluster)"
ASKER = Person("ada", "@ada:example.org", level=50)


@dataclass(frozen=True)
class Sample:
    """One kind of message. `about`: when it is said. `steps`: what is asked, or "", and what is said, in order."""

    title: str
    about: str
    steps: tuple[tuple[str, Post], ...]
    on_irc: bool = True


# -- announcements ----------------------------------------------------------------------------------------------


def broke(number: int, job: str, state: State, *causes: str, reason: str = "", left: int = 0, **other: Any) -> Judged:
    build = Build(UUID + str(number), job, "FAILURE", "openstack/nova", "gate", "master", change="912345", patchset="3")
    link = f"https://logs.example/{number}/job-output.txt"
    line = Line(NOW, reason, "job-output.txt", link) if reason else None
    failed = Failure(replace(build, **other), "set", NOW, NOW, NOW, 1, NOW, True, reason=line, reason_asked=True)
    return Judged(failed, state, causes, left)


def report(*failures: Judged, others: int = 0) -> Report:
    return Report(failures, others, {one.id: one for one in (DETACH, LOCK)}, 657)


TEMPEST = broke(1, "tempest-full", State.KNOWN, "2098765")
MULTISTORE = broke(2, "nova-ceph-multistore", State.UNKNOWN, reason=CEPH)
GRENADE = broke(3, "nova-grenade-multinode", State.KNOWN, "2071234", result="TIMED_OUT")


def said(message: Message, loud: bool = False, **more: Any) -> tuple[str, Post]:
    return "", Post(ROOM, "k", message, loud, **more)


def corrected(first: Report, then: Report, news: Judged, also: bool, wakes: bool = False) -> tuple[Any, ...]:
    whole = corrected_message(then, [news], also, LINKS)
    return said(change_message(first, LINKS), True), said(whole, True, replaces=Said("$1"), wakes=wakes)


def announcements() -> list[Sample]:
    known, unknown = report(TEMPEST, GRENADE), report(MULTISTORE)
    mixed = report(TEMPEST, MULTISTORE, others=2)
    not_ready = report(broke(4, "tempest-full", State.NOT_READY))
    unanswered = report(broke(2, "nova-ceph-multistore", State.UNKNOWN, reason=CEPH, left=3))
    explained = replace(MULTISTORE, state=State.KNOWN, causes=("2071234",))
    return [
        Sample("Known", "Signatures explain all failures of a change.", (said(change_message(known, LINKS)),)),
        Sample("Unknown", "No signature explains it.", (said(change_message(unknown, LINKS), True),)),
        Sample(
            "Both", "Two other jobs do not pass the filter of this room.", (said(change_message(mixed, LINKS), True),)
        ),
        Sample(
            "Logs not ready", "The logs still grow after 20 minutes.", (said(change_message(not_ready, LINKS), True),)
        ),
        Sample(
            "Not all signatures",
            "The search did not answer for some.",
            (said(change_message(unanswered, LINKS), True),),
        ),
        Sample(
            "A further job failed",
            "The correction is worse: on Matrix those whom the message mentions are told.",
            corrected(report(TEMPEST), report(TEMPEST, MULTISTORE), MULTISTORE, also=True, wakes=True),
        ),
        Sample(
            "It is known now",
            "A signature came to explain it: nobody is told.",
            corrected(unknown, report(explained), explained, also=False),
        ),
    ]


def summaries() -> list[Sample]:
    worst = [replace(DETACH, total=31), LOCK]
    hours = timedelta(hours=1)
    gap = (NOW - 49 * hours, NOW - 4 * hours)
    return [
        Sample("Catch-up", "Old news after a long silence.", (said(catch_up(Summary(212, 151, worst, gap))),)),
        Sample(
            "Digest",
            "More waited than is said singly. An unknown failure of it that proves known has its own message.",
            (said(digest(Summary(58, 44, worst), 41, NOW - 2 * hours, NOW), True),),
        ),
    ]


# -- replies ----------------------------------------------------------------------------------------------------


def remembered() -> list[Failure]:
    """Of the last day, in the store."""
    same = {"unit": "run", "buildset": "run", "change": "912345"}
    detached = [failure(n, n * 0.7, "2098765", job="tempest-full") for n in range(1, 32)]
    locked = [failure(40 + n, 1 + n * n / 4, "2071234", job="nova-grenade-multinode") for n in range(9)]
    new = [
        failure(60 + n, 0.5 + n, reason=f"libvirtError: Failed to detach device vd{n} from 10.0.0.{n}")
        for n in range(5)
    ]
    change = [failure(80, 0.4, "2098765", **same), failure(81, 0.4, reason=CEPH, job="nova-ceph-multistore", **same)]
    return [*detached, *locked, *new, *change]


def networks() -> list[NetworkStatus]:
    joined = {ROOM: "joined", "opendev:#glance:example.org": "not invited: invite @gatewatch:example.org"}
    since, lag = NOW - timedelta(hours=2), timedelta(seconds=0.26)
    return [
        NetworkStatus("oftc", "ready", True, since, "", {"oftc:#openstack-nova": "joined"}, lag, "gatewatch"),
        NetworkStatus("opendev", "connected", True, since, "", joined, who="@gatewatch:example.org", synced=NOW),
    ]


QUESTIONS = (
    ("!gate", "How is the gate?"),
    ("!top", "What breaks it most? On Matrix with a picture, where matplotlib is installed."),
    ("!bug 2098765", "What is known of a signature?"),
    ("!why 912345", "Why did a change fail?"),
    ("!new", "What does no signature explain?"),
    ("!check message:boom", "Is a query a good signature?"),
    ('!check message:("boom" OR', "One with a fault."),
    ("!status", "How is the bot?"),
    ("!whoami", "Who am I to the bot?"),
    ("!help", "What can be asked?"),
    ("!help why", "More about one of them."),
    ("!tpo", "A verb that there is not."),
    ("!top 30d", "Something that cannot be answered."),
)


async def replies(draw: Callable[[Plot], Awaitable[Picture | None]]) -> AsyncIterator[Sample]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.copy_in_memory(f"sqlite:///{Path(folder) / 'bot.db'}")
        try:
            await store.write(fill)
            for line, about in QUESTIONS:
                heard = Heard("$1", "opendev", ROOM, False, ASKER, line, NOW)
                message = await answer(ask_of(store, heard, draw), [], Limiter(1, 1))
                assert message is not None
                yield Sample(f"`{line}`", about, ((line, Post(ROOM, "k", message, answers=heard)),))
        finally:
            await store.close()


def fill(tx: Any) -> None:
    failures = remembered()
    tx.put(failures)
    tx.add_found([Found(one.hit, one.at) for failed in failures for one in failed.found])
    for hours in range(0, 48, 6):
        rows = (Ran("gate", "p", "j", "SUCCESS", 380 - hours), Ran("gate", "p", "j", "FAILURE", 20 + hours % 12))
        tx.add_ran(NOW - timedelta(hours=hours), 6, rows)


def ask_of(store: Store, heard: Heard, draw: Callable[[Plot], Awaitable[Picture | None]]) -> Ask:
    return Ask(
        heard=heard,
        now=NOW,
        store=store,
        health=Health(NOW - timedelta(days=3), NOW - timedelta(seconds=40), 1.25),
        signatures=SIGNATURES,
        pipelines=("gate",),
        links=LINKS,
        statuses=networks,
        kind="matrix",
        draw=draw,
        **asked_of("boom: device busy", "boom", "quiet"),
    )


# -- the bot's own ----------------------------------------------------------------------------------------------


async def troubles() -> list[Sample]:
    network, now = Network("opendev", edits=True), NOW
    told = Troubles(ROOM, {"opendev": network}, lambda: now)
    told.begin("search", "https://search.example does not answer within 30 s")
    now += timedelta(minutes=12)
    told.end("search")
    told.once(
        "not said", f"{ROOM}: @gatewatch:example.org may not speak there: give it the power level to send messages"
    )
    telling = asyncio.create_task(told.run(0.001))
    await until(lambda: len(network.posts) == 3)
    telling.cancel()
    begun, over, once = (("", post) for post in network.posts)
    asked = Heard("$1", "opendev", ROOM, False, ASKER, "", NOW)
    return [
        Sample("A trouble", "In the operators' room: what does not work, and when it does again.", (begun, over)),
        Sample("A notice", "In the operators' room: what somebody has to mend.", (once,)),
        Sample(
            "`gatewatch say`",
            "An operator's own words.",
            (said(Message("The gate is closed for an hour: disks are full")),),
        ),
        Sample(
            "Encrypted, and no key",
            "On Matrix only: what somebody said cannot be read.",
            (("", Post(ROOM, "k", Message(NO_KEY), answers=asked)),),
            on_irc=False,
        ),
    ]
