"""A homeserver that takes two messages a second: a long queue is folded, nothing is lost, nobody is hammered.

`$GATEWATCH_RC_MESSAGE` says another limit; `make soak` takes Synapse's own, `0.2/10`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from bot.chat.matrix.answers import Limited
from bot.clock import utc_now
from bot.records import Stage
from bot.replies import Replies
from tests.chat.alerts import announcing, words
from tests.chat.human_matrix import Human, until
from tests.chat.matrix_bot import Bot, MemoryKeep, config, post
from tests.chat.matrix_process import answer
from tests.servers.synapse import SERVER_NAME, Synapse

pytestmark = pytest.mark.xdist_group("synapse-limited")
per_second, _, burst = os.environ.get("GATEWATCH_RC_MESSAGE", "2/1").partition("/")
PER_SECOND, BURST = float(per_second), int(burst)
BUSY, OTHER, SMALL = 492, 5, 3  # alerts by room: 500 in all, which would take four minutes (40 at Synapse's own limit)
SOON = 40 + (BURST + OTHER + SMALL) / PER_SECOND


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    server = Synapse(tmp_path_factory.mktemp("limited"), PER_SECOND, BURST)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def ada(limited: Synapse) -> Human:
    """Also the server's administrator, and not limited."""
    limited.register("ada", "pw", admin=True)
    human = Human(limited.url, "ada", "pw")
    lift(human, human.id)
    return human


def lift(admin: Human, user: str) -> None:
    """What docs/matrix.md tells an administrator to do."""
    none = {"messages_per_second": 0, "burst_count": 0}
    admin.call("POST", f"users/{quote(user)}/override_ratelimit", none, api="_synapse/admin/v1")


def too_many(server: Synapse) -> int:
    """How many messages the server refused, by its log."""
    lines = server.log.read_text().splitlines()
    return sum("Processed request" in line and " 429 " in line and "/send/" in line for line in lines)


async def bot_in(server: Synapse, ada: Human, name: str, *aliases: str) -> tuple[Bot, list[str]]:
    """A bot for rooms that the human made, and the rooms' ids."""
    user = await asyncio.to_thread(server.register, name, "pw")
    ids = [await ada.do(ada.create, alias) for alias in aliases]
    rooms = [f"net:#{alias}:{SERVER_NAME}" for alias in aliases]
    return Bot(config(server.url, user, password=SecretStr("pw")), rooms, MemoryKeep()), ids


async def all_joined(bot: Bot) -> None:
    """A join counts as a message to this server: it refuses those that come at once."""
    for room in bot.chat.status().rooms:
        await bot.joined(room)


async def test_a_queue_too_long_for_the_pace_is_folded_in_order_and_whole(
    limited: Synapse, ada: Human, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bot, ids = await bot_in(limited, ada, "paced", "busy", "other", "small")
    async with bot.running(), announcing(bot.chat, tmp_path) as alerts:
        await all_joined(bot)
        before, began = too_many(limited), time.monotonic()
        for room, number in zip(bot.chat.status().rooms, (BUSY, OTHER, SMALL), strict=True):
            alerts.queue([room], number)
        await until(lambda: bot.chat.status().pace, within=SOON)
        replied_in = await reply(bot)
        await alerts.finished(within=SOON)
        took = time.monotonic() - began
        # A busy machine takes its time between our asking and the server's counting.
        assert 0.5 < bot.chat.status().pace.total_seconds() * PER_SECOND < 6
        stages = alerts.stages()
    busy, other, small = [await ada.do(ada.bodies, room_id, bot.chat.status().who) for room_id in ids]
    busy.remove("reply")
    singly = len(busy) - 1  # the summary
    print(
        f"{stages} in {took:.1f} s, reply in {replied_in:.1f} s, {too_many(limited) - before} refused, {singly} singly"
    )
    assert busy[-1].startswith("[nova] gate 91digest-")
    assert busy[:-1] == alerts.texts[:singly]
    assert singly < 60  # until the limit is met: a slow machine may take a while
    assert other == alerts.texts[BUSY : BUSY + OTHER]
    assert small == alerts.texts[BUSY + OTHER :]
    assert stages == {Stage.SAID: singly + 1 + OTHER + SMALL, Stage.FOLDED: BUSY - singly}
    assert 1 <= too_many(limited) - before <= 8
    assert replied_in < 5 + 2 / PER_SECOND
    assert caplog.text.count("docs/matrix.md says how to have that lifted") == 1


async def reply(bot: Bot) -> float:
    """Say one as the bot would, again if it is refused; how long that took."""
    asked = time.monotonic()
    while True:
        try:
            await bot.chat.say(post(next(iter(bot.chat.status().rooms)), "reply", "r", first=True))
        except Limited as error:
            await asyncio.sleep(error.retry_after or 1.0)
        else:
            return time.monotonic() - asked


async def test_each_question_is_answered_and_ahead_of_alerts(limited: Synapse, ada: Human, tmp_path: Path) -> None:
    """More of them at once than the server takes, beside alerts."""
    questions, alerts_waiting = BURST + 4, BURST + 6
    bot, [room_id] = await bot_in(limited, ada, "asked", "asked")
    async with announcing(bot.chat, tmp_path) as alerts:
        bot.hear = Replies(answer, alerts.store, {"net": bot.chat}, {"net": True}, utc_now).hear  # type: ignore[method-assign]
        async with bot.running():
            await all_joined(bot)
            alerts.queue(list(bot.chat.status().rooms), alerts_waiting)
            for number in range(questions):
                await ada.do(ada.send, room_id, f"!ask {number}")
            await alerts.finished(within=SOON + (questions + alerts_waiting) / PER_SECOND)
            user, all_said = bot.chat.status().who, questions + alerts_waiting
            await ada.sees(room_id, user, lambda bodies: len(bodies) >= all_said, within=SOON)
    bodies = await ada.do(ada.bodies, room_id, user)
    answers = [f"answer to !ask {number}" for number in range(questions)]
    assert sorted(body for body in bodies if body.startswith("answer")) == sorted(answers)
    assert [body for body in bodies if not body.startswith("answer")] == alerts.texts
    assert bodies.index(answers[0]) < bodies.index(alerts.texts[-1])


async def test_without_a_limit_for_the_account_all_go_at_once(limited: Synapse, ada: Human) -> None:
    bot, [room_id] = await bot_in(limited, ada, "free", "free")
    await ada.do(lift, ada, bot.chat.status().who)
    before = too_many(limited)
    async with bot.running():
        await all_joined(bot)
        [room] = bot.chat.status().rooms
        began = time.monotonic()
        for number in range(40):
            await bot.chat.say(post(room, words(f"{number:04}"), f"k{number}"))
        took = time.monotonic() - began
    assert len(await ada.do(ada.bodies, room_id, bot.chat.status().who)) == 40
    assert too_many(limited) == before
    assert took < (40 - BURST) / PER_SECOND
