"""docs/messages.md shows what the bot says today, all of it."""

from __future__ import annotations

import re
from io import BytesIO

from PIL import Image

from bot.commands import TABLE
from bot.records import Kind
from tests.messages_page import PAGE, PICTURES, page, sections


async def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(await sections()), (
        "docs/messages.md is stale: run python -m tests.messages_page, and look at what has changed"
    )


async def test_each_kind_and_each_verb_is_on_it() -> None:
    samples = [one for there in (await sections()).values() for one in there]
    asked = {line.split()[0] for one in samples for line, _ in one.steps if line}
    assert asked >= {f"!{verb}" for verb in TABLE}
    titles = " ".join(one.title.lower() for one in samples)
    assert [kind.value for kind in Kind if kind is not Kind.CHANGE and kind.value not in titles] == []


def test_its_pictures_are_small() -> None:
    named = re.findall(r"!\[[^]]+\]\(messages/([a-z]+\.png)\)", PAGE.read_text(encoding="utf-8"))
    assert {file.name for file in PICTURES.iterdir()} == set(named)
    pictures = [(PICTURES / name).read_bytes() for name in named]
    assert {Image.open(BytesIO(png)).format for png in pictures} == {"PNG"}
    assert sum(map(len, pictures)) < 100_000
