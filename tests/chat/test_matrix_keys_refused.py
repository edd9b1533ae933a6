"""A homeserver that fails in the middle of an exchange of keys: nobody is left without the key for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web

from bot.errors import TemporaryError
from bot.talk import Said
from tests.chat.crypto_scene import NO_SHIELD, CryptoScene, plainly
from tests.chat.fake_matrix import Answer, bad_gateway, never, refuses
from tests.chat.human_matrix import until
from tests.chat.matrix_bot import Bot, milliseconds, post, timings
from tests.servers.proxy import Before, Proxy, proxying

pytestmark = pytest.mark.xdist_group("encryption")

# What an exchange of keys asks for, in its order.
OPENING = ("/keys/upload", "/keys/query", "/keys/device_signing/upload", "/keys/signatures/upload")
SHARING = [
    ("/joined_members", bad_gateway, 2),
    ("/keys/claim", refuses("M_UNKNOWN", 400), 2),
    ("/keys/claim", never, 1),
    ("/sendToDevice/m.room.encrypted/", bad_gateway, 2),
    ("/sendToDevice/m.room.encrypted/", never, 1),
]
IMPATIENT = timings(request=milliseconds(1500))


def fails(part: str, answer: Answer, times: int) -> tuple[Before, Callable[[], int]]:
    """The first requests to paths with this part in them; and how many failures are left."""
    left = [times]

    async def before(request: web.Request, body: bytes) -> web.StreamResponse | None:
        if part not in request.path or not left[0]:
            return None
        left[0] -= 1
        return await answer(request)

    return before, lambda: left[0]


async def says_at_last(bot: Bot, room: str, text: str) -> Said:
    """As the announcer does: again, as long as it can help; of a message that has not gone there is no doubt."""
    for _ in range(20):
        try:
            return await bot.chat.say(post(room, text, text))
        except TemporaryError as error:
            assert not error.doubt, error
            await asyncio.sleep(0.05)
    raise AssertionError("never said")


def through(proxy: Proxy, encrypted: CryptoScene) -> Bot:
    proxy.headers = ("content-type", "authorization")
    return encrypted.bot(timings=IMPATIENT, url=proxy.url)


@pytest.mark.parametrize("part", OPENING)
async def test_opening_is_tried_again(encrypted: CryptoScene, part: str) -> None:
    human = await asyncio.to_thread(encrypted.plain)
    encrypted.room_id = await human.do(human.create, public=False, invite=encrypted.user)
    async with proxying(encrypted.synapse.url) as proxy:
        proxy.before, left = fails(part, bad_gateway, 2)
        async with through(proxy, encrypted).running() as bot:
            await until(lambda: bot.chat.status().encryption == "signed by the bot's identity")
            assert not left()


@pytest.mark.parametrize(("part", "answer", "times"), SHARING)
async def test_the_key_is_shared_before_anything_is_said(
    encrypted: CryptoScene, part: str, answer: Answer, times: int
) -> None:
    async with encrypted.human() as human, proxying(encrypted.synapse.url) as proxy:
        await encrypted.room_of(human)
        async with through(proxy, encrypted).running() as bot:
            await bot.joined(encrypted.room)
            proxy.before, left = fails(part, answer, times)
            await says_at_last(bot, encrypted.room, "job failed")
            assert plainly(await human.reads(encrypted.room_id, "job failed")) == NO_SHIELD
            assert not left()
        assert human.unreadable(encrypted.room_id) == []
