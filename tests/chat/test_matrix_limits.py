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

from bot.records import Stage
from tests.chat.alerts import announcing, words
from tests.chat.human_matrix import Human, until
from tests.chat.matrix_bot import Bot, MemoryKeep, config, post
from tests.servers.synapse import SERVER_NAME, Synapse

pytestmark = pytest.mark.xdist_group("synapse")
per_second, _, burst = os.environ.get("GATEWATCH_RC_MESSAGE", "2/4").partition("/")
PER_SECOND, BURST = float(per_second), int(burst)
BUSY, OTHER, SMALL = 487, 8, 5  # alerts by room: 500 in all, which would take four minutes (40 at Synapse's own limit)
SOON = 20 + (BURST + OTHER + SMALL) / PER_SECOND


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
    """Also the server's administrator."""
    limited.register("ada", "pw", admin=True)
    return Human(limited.url, "ada", "pw")


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


async def test_a_queue_too_long_for_the_pace_is_folded_in_order_and_whole(
    limited: Synapse, ada: Human, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bot, ids = await bot_in(limited, ada, "paced", "busy", "other", "small")
    async with bot.running(), announcing(bot.chat, tmp_path) as alerts:
        await bot.ready()
        before, began = too_many(limited), time.monotonic()
        for room, number in zip(bot.chat.status().rooms, (BUSY, OTHER, SMALL), strict=True):
            alerts.queue([room], number)
        await until(lambda: bot.chat.status().pace)
        asked = time.monotonic()
        await bot.chat.say(post(next(iter(bot.chat.status().rooms)), "reply", "r", first=True))
        replied_in = time.monotonic() - asked
        await alerts.finished(within=SOON)
        took = time.monotonic() - began
        assert bot.chat.status().pace.total_seconds() == pytest.approx(1 / PER_SECOND, rel=0.2)
        stages = alerts.stages()
    busy, other, small = [await ada.do(ada.bodies, room_id, bot.chat.status().who) for room_id in ids]
    singly = len(busy) - 2  # the reply and the summary
    print(
        f"{stages} in {took:.1f} s, reply in {replied_in:.1f} s, {too_many(limited) - before} refused, {singly} singly"
    )
    assert busy[-1].startswith("[nova] gate 91digest-")
    assert [body for body in busy[:-1] if body != "reply"] == alerts.texts[:singly]
    assert 1 <= singly <= BURST + 2  # joining is counted too
    assert other == alerts.texts[BUSY : BUSY + OTHER]
    assert small == alerts.texts[BUSY + OTHER :]
    assert stages == {Stage.SAID: singly + 1 + OTHER + SMALL, Stage.FOLDED: BUSY - singly}
    assert 1 <= too_many(limited) - before <= 4
    assert replied_in < 2 + 1 / PER_SECOND
    assert caplog.text.count("docs/matrix.md says how to have that lifted") == 1


async def test_without_a_limit_for_the_account_all_go_at_once(limited: Synapse, ada: Human) -> None:
    """What docs/matrix.md tells an administrator to do."""
    bot, [room_id] = await bot_in(limited, ada, "free", "free")
    lifted = {"messages_per_second": 0, "burst_count": 0}
    override = f"users/{quote(bot.chat.status().who)}/override_ratelimit"
    await ada.do(ada.call, "POST", override, lifted, api="_synapse/admin/v1")
    before = too_many(limited)
    async with bot.running():
        await bot.ready()
        [room] = bot.chat.status().rooms
        began = time.monotonic()
        for number in range(40):
            await bot.chat.say(post(room, words(f"{number:04}"), f"k{number}"))
        took = time.monotonic() - began
    assert len(await ada.do(ada.bodies, room_id, bot.chat.status().who)) == 40
    assert too_many(limited) == before
    assert took < 40 / PER_SECOND / 2
