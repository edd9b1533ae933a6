"""However a homeserver fails, and at whatever it is asked: the bot asks again, and less and less often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.chat.alerts import announcing
from tests.chat.fake_matrix import ROOM, USER, FarEnd, bot_for, earlier_keep, says
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import milliseconds, timings
from tests.chat.matrix_faults import FAULTS, Fault

WHILE = 1.0  # seconds in which requests are counted
MOST = 18  # one in each shortest pause, and some room; who does not wait asks hundreds of times
QUICK = timings(
    request=milliseconds(200),
    pause=milliseconds(70),
    longest_pause=milliseconds(280),
    join_pause=milliseconds(70),
    longest_join_pause=milliseconds(280),
)
ALIAS, OTHER = "net:#other:example.org", "net:!other:example.org"
# Each needs a store of its own, which takes its time.
HURRIED = ("502 of a proxy", "429, at once", "503, at once", "silence")
KEYS = (*HURRIED, "forbidden", "a list", "half a body", "no place in the stream")
FEW = {"send": HURRIED, "keys/upload": KEYS, "keys/query": KEYS}


def invited(far_end: FarEnd) -> None:
    """By somebody who may not: it is to be refused."""
    member = {"type": "m.room.member", "state_key": USER, "sender": "@eve:x", "content": {"membership": "invite"}}
    room = {"invite_state": {"events": [member]}}
    far_end.plays(tok1=says({"next_batch": "n1", "rooms": {"invite": {"!new:example.org": room}}}))


def nothing(far_end: FarEnd) -> None:
    """What is asked for needs no more than a start."""


# What is asked, of which rooms the bot has to be a member, with encryption?, and what leads to it.
ASKED: dict[str, tuple[str, tuple[str, ...], bool, Callable[[FarEnd], None]]] = {
    "join": ("POST join", (ROOM, OTHER), False, nothing),
    "alias": ("GET directory", (ROOM, ALIAS), False, nothing),
    "invitation": ("POST leave", (ROOM,), False, invited),
    "keys/upload": ("POST keys/upload", (ROOM,), True, nothing),
    "keys/query": ("POST keys/query", (ROOM,), True, nothing),
    "send": ("PUT send", (ROOM,), False, nothing),
}


async def count(folder: Path, what: str, fault: Fault) -> int:
    """How often the bot asks for it in a while of this fault."""
    request, rooms, encrypts, prepare = ASKED[what]
    far_end = FarEnd()
    prepare(far_end)
    far_end.answers[request.split()[1]] = fault.answer
    await asyncio.to_thread(folder.mkdir)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(far_end.serving())
        bot = bot_for(far_end, earlier_keep(), folder / "crypto" if encrypts else None, rooms=rooms, timings=QUICK)
        await stack.enter_async_context(bot.running())
        if what == "send":
            await bot.ready()
            alerts = await stack.enter_async_context(announcing(bot.chat, folder, every=0.01))
            alerts.queue([ROOM], 1)
        await until(lambda: far_end.count(request))
        await asyncio.sleep(WHILE)
        assert bot.task is not None and not bot.task.done()
        return far_end.count(request)


@pytest.mark.parametrize("what", ASKED)
async def test_what_fails_is_asked_seldom(tmp_path: Path, what: str) -> None:
    names = FEW.get(what, tuple(FAULTS))
    counts = await asyncio.gather(*(count(tmp_path / str(at), what, FAULTS[name]) for at, name in enumerate(names)))
    asked = dict(zip(names, counts, strict=True))
    assert {name: often for name, often in asked.items() if often > MOST * FAULTS[name].each} == {}
