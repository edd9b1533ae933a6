"""docs/messages.md: each kind of message as people see it. `python -m tests.messages_page` makes it anew.

With `--pictures` it makes the pictures beside it as well, which takes matplotlib and Chromium.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from bot.chat.irc.lines import announcement, reply, space_for, worst_prefix
from bot.chat.irc.speech import MOST_REPLY_LINES
from bot.chat.matrix.living import events
from bot.plots import Plot
from bot.plots.drawing import Drawing
from bot.talk import Picture, Post
from tests.samples import Sample, announcements, replies, summaries, troubles

DOCS = Path(__file__).parents[1] / "docs"
PAGE, PICTURES = DOCS / "messages.md", DOCS / "messages"
SPACE = space_for(worst_prefix("gatewatch"), "PRIVMSG", "#openstack-nova", 512)
HEAD = """\
# Messages

What Gatewatch says, of every kind: on IRC as it stands there, on Matrix as HTML, with what kind of message it is. Only
the failures are made up. `python -m tests.messages_page` makes this page, with the bot's own code; a test fails where
it is stale.

![Announcements in a Matrix room: known, unknown, and corrected](messages/matrix.png)
"""
CSS = """\
body { font: 15px/1.45 "DejaVu Sans", sans-serif; color: #17191c; background: #fff; margin: 14px 18px; }
.who { color: #0072b2; font-weight: bold; margin-top: 12px; }
.who span { color: #8d99a5; font-weight: normal; font-size: 12px; }
ul { margin: 2px 0; padding-left: 22px; } a { color: #0467dd; text-decoration: none; }
.notice { color: #61708b; } .edited { color: #8d99a5; font-size: 12px; }
"""


async def sections() -> dict[str, list[Sample]]:
    async def undrawn(plot: Plot) -> Picture | None:
        return Picture(b"", 1, 1, plot.alt, plot.name)

    return {
        "Announcements": announcements(),
        "Summaries": summaries(),
        "Replies": [one async for one in replies(undrawn)],
        "The bot's own words": await troubles(),
    }


def page(sections: Mapping[str, Sequence[Sample]]) -> str:
    parts = [HEAD]
    for title, samples in sections.items():
        parts += [f"## {title}\n", *("\n".join(shown(one)) for one in samples)]
    return "\n".join(parts)


def shown(sample: Sample) -> Iterator[str]:
    yield f"### {sample.title}\n\n{sample.about}\n"
    if sample.on_irc:
        yield "\n".join(f"    {line}" for line in on_irc(sample)) + "\n"
    for _, post in sample.steps:
        for _, content in events(post, threads=False):
            yield f"Matrix, {kind(post, content)}:\n\n<blockquote>{html(content)}</blockquote>\n"
        if post.message.picture is not None:
            yield f"![{post.message.picture.alt}](messages/{post.message.picture.name})\n"


def on_irc(sample: Sample) -> Iterator[str]:
    for asked, post in sample.steps:
        if asked:
            yield f"<ada> {asked}"
        text = post.message.text if post.replaces is None else post.message.changed
        lines = reply(text, SPACE, MOST_REPLY_LINES) if post.answers or post.first else [announcement(text, SPACE)]
        yield from (f"<gatewatch> {line}" for line in lines if line)


def kind(post: Post, content: Mapping[str, Any]) -> str:
    """`m.notice`, `an edit (m.text) that tells nobody` ..., as the event has it."""
    if "m.new_content" not in content:
        return str(content["msgtype"])
    told = "those mentioned" if post.wakes else "nobody"
    return f"an edit ({content['m.new_content']['msgtype']}) that tells {told}"


def html(content: Mapping[str, Any]) -> str:
    """What a client shows, on one line: what stands between empty lines would be Markdown again."""
    whole = content.get("m.new_content", content)
    there = whole.get("formatted_body") or escape(whole["body"])
    return re.sub(r"\n+", "<br>", there)


# -- pictures -------------------------------------------------------------------------------------------------


async def draw_pictures() -> None:
    PICTURES.mkdir(exist_ok=True)
    drawing = Drawing()

    async def draw(plot: Plot) -> Picture | None:
        picture = await drawing.draw(plot)
        assert picture is not None
        (PICTURES / picture.name).write_bytes(picture.png)
        return picture

    _ = [one async for one in replies(draw)]
    photograph(announcements(), PICTURES / "matrix.png")


def photograph(samples: Sequence[Sample], file: Path) -> None:
    """Three of the announcements, as a client would show them."""
    rows = []
    for sample in (one for one in samples if one.title in ("Known", "Both", "A further job failed")):
        _, post = sample.steps[-1]
        ((_, content),) = events(post, threads=False)
        edited = '<span class="edited">(edited)</span>' if post.replaces else ""
        whole = content.get("m.new_content", content)
        look = "notice" if whole["msgtype"] == "m.notice" else "text"
        rows.append(
            f'<div class="who">gatewatch <span>12:04</span></div><div class="{look}">{html(content)}{edited}</div>'
        )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "room.html").write_text(f"<meta charset=utf-8><style>{CSS}</style>{''.join(rows)}")
        subprocess.run(
            [
                "chromium",
                "--headless",
                "--no-sandbox",
                "--hide-scrollbars",
                f"--user-data-dir={folder}/profile",
                "--window-size=860,430",
                f"--screenshot={file}",
                f"file://{folder}/room.html",
            ],
            check=True,
            timeout=120,
            capture_output=True,
        )
    with Image.open(file) as image:
        image.quantize(64).save(file, optimize=True)


async def main() -> None:
    PAGE.write_text(page(await sections()), encoding="utf-8")
    if "--pictures" in sys.argv:
        await draw_pictures()


if __name__ == "__main__":
    asyncio.run(main())
