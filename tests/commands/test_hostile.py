"""Replies to hostile lines, and about hostile failures, are text and links that the bot made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.commands import Ask
from bot.model import Signature
from bot.talk import Message, Person
from tests.commands.conftest import LINKS, SIGNATURES, failure
from tests.commands.test_check import asked_of
from tests.hostile_text import FRAGMENTS, links_in

Said = Callable[..., Awaitable[Message]]
TAGS = {"a", "br", "pre"}
# The last two are what the signatures and builds here give as addresses of their own.
OURS = (LINKS.zuul, LINKS.gerrit, LINKS.tracker, "https://logs.example/", "https://evil.example/")
LINES = (
    "!x{}",
    "!help {}",
    "!bug {}",
    "!check {}",
    "!why {}",
    "!top {}",
    "!top 24h {}",
    "!new {}",
    "!gate {}",
    "!whoami",
    "!status",
)


async def test_replies(said: Said, remember: Callable[..., Awaitable[None]], plain_ask: Ask) -> None:
    hostile = [text.encode("utf-8", "ignore").decode().replace("\x00", "") for text in FRAGMENTS]
    signatures = {**SIGNATURES, **{text: Signature(text, text, "d", title=text, bug=text) for text in hostile}}
    await remember(
        *(
            failure(number, 1.0, *causes, job=text, project=text, branch=text, change=text, reason=text, log_url=text)
            for number, (text, causes) in enumerate([(text, (text,)) for text in hostile] + [(t, ()) for t in hostile])
        )
    )
    for text in hostile:
        heard = replace(plain_ask.heard, person=Person(text, text, doubt=text))
        for line in LINES:
            message = await said(line.format(text), heard=heard, signatures=signatures, **asked_of(text))
            for link in links_in(message, TAGS):
                assert link.startswith(OURS), link
