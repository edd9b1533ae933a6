"""Pictures of replies: on a real Synapse, and where a homeserver does not take them."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from aiohttp import web
from PIL import Image

from bot.chat.matrix.thumbnails import LARGE, thumbnail
from bot.errors import TemporaryError
from bot.talk import Heard, Message, Person, Picture, Post
from tests.chat.fake_matrix import ROOM, FarEnd, bad_gateway, bot_for, earlier_keep, refuses, says
from tests.chat.human_matrix import until
from tests.chat.matrix_scene import Scene


def picture(width: int, height: int, text: str = "two\x03 bars") -> Picture:
    image, png = Image.effect_noise((width, height), 50), BytesIO()
    image.save(png, "PNG")
    return Picture(png.getvalue(), width, height, text, "top.png")


def size(png: bytes) -> tuple[str | None, tuple[int, int]]:
    with Image.open(BytesIO(png)) as image:
        return image.format, image.size


@pytest.mark.xdist_group("synapse")
@pytest.mark.parametrize("threaded", [True, False])
async def test_a_reply_s_picture_is_there_once_behind_it_and_in_its_thread(scene: Scene, threaded: bool) -> None:
    shown = picture(1000, 450)
    async with scene.bot().running() as bot:
        await bot.ready()
        root = await scene.say("shall we look?")
        more = {"m.relates_to": {"rel_type": "m.thread", "event_id": root}} if threaded else {}
        asked = await scene.say("!top", **more)
        await until(lambda: bot.heard)
        reply = Post(scene.room, "k", Message("the top", picture=shown), answers=bot.heard[0])
        said = await bot.chat.say(reply)
        assert await bot.chat.say(reply) == said
    text, image = await scene.human.do(scene.human.messages, scene.room_id, scene.user)
    assert (text["event_id"], text["content"]["body"]) == (said.id, "the top")
    content = image["content"]
    assert (content["msgtype"], content["body"], content["filename"]) == ("m.image", "two bars", "top.png")
    assert content["m.mentions"] == {}
    assert content["m.relates_to"] == text["content"]["m.relates_to"]
    assert content["m.relates_to"].get("event_id", asked) == (root if threaded else asked)
    info = content["info"]
    assert (info["w"], info["h"], info["size"], info["mimetype"]) == (1000, 450, len(shown.png), "image/png")
    assert await scene.human.do(scene.human.download, content["url"]) == ("image/png", shown.png)
    kind, smaller = await scene.human.do(scene.human.download, info["thumbnail_url"])
    assert size(smaller) == ("PNG", (800, 360))
    assert info["thumbnail_info"] == {"w": 800, "h": 360, "size": len(smaller), "mimetype": kind}


def test_what_fits_or_is_none_has_no_thumbnail() -> None:
    assert thumbnail(picture(*LARGE)) is None
    assert thumbnail(Picture(b"no picture", 9000, 9000, "", "x.png")) is None


# -- a homeserver that does not take it -----------------------------------------------------------------------


def question() -> Heard:
    return Heard("$asked", "net", ROOM, False, Person("ada"), "!top", datetime.now(UTC))


async def say(far_end: FarEnd, *pictures: Picture) -> None:
    """Replies, one with each picture."""
    async with bot_for(far_end, earlier_keep()).running() as bot:
        await bot.ready()
        far_end.requests.clear()
        for number, each in enumerate(pictures):
            await bot.chat.say(Post(ROOM, f"k{number}", Message("text", picture=each), answers=question()))


TINY = replace(picture(1, 1), png=b"x" * 100)


async def test_one_that_is_too_large_is_left_out(far_end: FarEnd, caplog: pytest.LogCaptureFixture) -> None:
    await say(far_end, replace(TINY, png=b"x" * 1001), replace(TINY, png=b"x" * 1000))
    assert "the picture has 1001 bytes, the homeserver takes 1000 at most" in caplog.text
    sent = [request for request in far_end.requests if "sync" not in request]
    assert sent == ["PUT send", "GET config", "PUT send", "POST upload", "PUT send"]


@pytest.mark.parametrize("limit", [refuses("M_UNRECOGNIZED", 404), says({})])
async def test_a_server_that_names_no_limit_is_tried(far_end: FarEnd, limit: Any) -> None:
    far_end.answers["config"] = limit
    await say(far_end, replace(TINY, png=b"x" * 2000))
    assert b"x" * 2000 in far_end.bodies
    assert far_end.bodies[-1]["msgtype"] == "m.image"


async def test_a_refused_upload_costs_the_picture_alone(far_end: FarEnd, caplog: pytest.LogCaptureFixture) -> None:
    far_end.answers["upload"] = refuses("M_FORBIDDEN", 403)
    with caplog.at_level(logging.WARNING):
        await say(far_end, TINY)
    assert "upload a picture: M_FORBIDDEN" in caplog.text
    assert [body["msgtype"] for body in far_end.bodies if isinstance(body, dict) and "msgtype" in body] == ["m.notice"]


async def test_an_upload_that_may_pass_is_tried_again_with_the_same_reply(far_end: FarEnd) -> None:
    faults = [bad_gateway, refuses("M_LIMIT_EXCEEDED", 429, retry_after_ms=1200)]

    async def upload(request: web.Request) -> web.StreamResponse:
        return await (faults.pop(0) if faults else says({"content_uri": "mxc://example.org/1"}))(request)

    far_end.answers["upload"] = upload
    post = Post(ROOM, "k", Message("text", picture=TINY), answers=question())
    async with bot_for(far_end, earlier_keep()).running() as bot:
        await bot.ready()
        for after in (None, 1.2):
            with pytest.raises(TemporaryError, match="upload a picture") as caught:
                await bot.chat.say(post)
            assert (caught.value.doubt, caught.value.retry_after) == (True, after)
        await bot.chat.say(post)
    said = [body["org.gatewatch.key"] for body in far_end.bodies if isinstance(body, dict) and "msgtype" in body]
    assert said == ["k", "k", "k", "k.picture"]
