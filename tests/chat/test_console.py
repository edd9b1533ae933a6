"""The console: real pipes, files and a pseudo terminal at its ends."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import pty
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.chat.console import ConsoleChat
from bot.errors import PermanentError
from bot.talk import Heard, Message, Person, Post, Said

NOON = datetime(2026, 8, 17, 12, 4, tzinfo=UTC)


@dataclass
class Ends:
    """A console, and the outer ends of its input and output."""

    chat: ConsoleChat
    typing: int
    shown: int

    def type(self, text: str) -> None:
        os.write(self.typing, text.encode())

    def end(self) -> None:
        os.close(self.typing)
        self.typing = -1

    async def reads(self, wanted: str, within: float = 5.0) -> str:
        """What is shown until `wanted` is in it."""
        os.set_blocking(self.shown, False)
        text, until = "", time.monotonic() + within
        while wanted not in text:
            assert time.monotonic() < until, f"{wanted!r} is not in {text!r}"
            with suppress(BlockingIOError):
                text += os.read(self.shown, 65536).decode()
            await asyncio.sleep(0.005)
        return text


def console(stdin: io.IOBase, stdout: io.IOBase) -> ConsoleChat:
    return ConsoleChat("console", "console:here", stdin=stdin, stdout=stdout, clock=lambda: NOON)


@contextmanager
def pipes() -> Iterator[Ends]:
    read, typing = os.pipe()
    shown, write = os.pipe()
    with open(read, "rb") as stdin, open(write, "wb") as stdout:
        ends = Ends(console(stdin, stdout), typing, shown)
        try:
            yield ends
        finally:
            for fd in (ends.typing, ends.shown):
                if fd >= 0:
                    os.close(fd)


@contextmanager
def nothing() -> Iterator[ConsoleChat]:
    with open(os.devnull, "rb") as stdin, open(os.devnull, "wb") as stdout:
        yield console(stdin, stdout)


@contextmanager
def terminal() -> Iterator[Ends]:
    outer, inner = pty.openpty()
    with open(inner, "rb", closefd=False) as stdin, open(inner, "wb", closefd=False) as stdout:
        try:
            yield Ends(console(stdin, stdout), outer, outer)
        finally:
            os.close(outer)
            os.close(inner)


@asynccontextmanager
async def running(chat: ConsoleChat, heard: Callable[[Heard], Awaitable[None]]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(chat.run(heard))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Ears(list[Heard]):
    async def __call__(self, heard: Heard) -> None:
        self.append(heard)


async def test_each_typed_line_is_heard_in_private_until_the_input_ends() -> None:
    ears = Ears()
    with pipes() as ends:
        ends.type("!help\n\n  \ntop 24h\r\nlast without end")
        ends.end()
        await asyncio.wait_for(ends.chat.run(ears), 5)
    assert [one.text for one in ears] == ["!help", "top 24h", "last without end"]
    assert {(one.network, one.room, one.private, one.at) for one in ears} == {("console", "console:here", True, NOON)}
    assert len({one.id for one in ears}) == 3
    assert isinstance(ears[0].person, Person) and ears[0].person.name


async def test_a_file_and_nothing_at_all_are_input_too(tmp_path: Path) -> None:
    ears = Ears()
    typed = tmp_path / "typed"
    typed.write_bytes(b"one\n" * 2000 + b"x" * 10_000 + b"\n\xff\n")
    with typed.open("rb") as stdin, (tmp_path / "shown").open("wb") as stdout:
        chat = console(stdin, stdout)
        await asyncio.wait_for(chat.run(ears), 5)
        await chat.say(Post("console:here", "k", Message("said to a file")))
    assert [one.text for one in ears] == ["one"] * 2000 + ["\N{REPLACEMENT CHARACTER}"]
    cut, said = (tmp_path / "shown").read_text().splitlines()
    assert cut.startswith("12:04 <gatewatch> a line of 4,095 bytes or more is cut here")
    assert said == "12:04 <gatewatch> [here] said to a file"
    with nothing() as chat:
        await asyncio.wait_for(chat.run(ears), 5)


async def test_announcements_are_shown_as_a_channel_would_and_replies_without_the_room() -> None:
    with pipes() as ends:
        assert await ends.chat.say(Post("console:#nova", "1", Message("nova failed", "<b>nova</b>"))) == Said()
        asked = Heard("1", "console", "console:here", True, Person("me"), "!top", NOON)
        await ends.chat.say(Post("console:here", "2", Message("one\ntwo"), answers=asked))
        shown = await ends.reads("two\n")
    assert shown.splitlines() == [
        "12:04 <gatewatch> [#nova] nova failed",
        "12:04 <gatewatch> one",
        "12:04 <gatewatch> two",
    ]


async def test_a_correction_is_said_as_what_changed_or_not_at_all() -> None:
    with pipes() as ends:
        await ends.chat.say(Post("console:a", "1", Message("whole", changed="also: x"), replaces=Said()))
        await ends.chat.say(Post("console:a", "2", Message("whole"), replaces=Said()))
        await ends.chat.say(Post("console:a", "3", Message("next")))
        assert "whole" not in await ends.reads("next")


async def test_nothing_that_came_from_a_log_moves_the_cursor() -> None:
    hostile = "a\x1b[2J\x07\x00\x9b31m\u202egnihton\rb\udcff"
    with pipes() as ends:
        await ends.chat.say(Post("console:a", "1", Message(hostile)))
        shown = await ends.reads("b")
    assert not any(char in shown for char in "\x1b\x07\x00\x9b\u202e\r")


async def test_ten_times_what_a_pipe_holds_waits_for_its_reader_and_not_the_loop() -> None:
    with pipes() as ends:
        saying = asyncio.create_task(ends.chat.say(Post("console:a", "1", Message("x" * 600_000))))
        await asyncio.sleep(0)
        assert not saying.done()
        read = 0
        while not saying.done():
            read += len(await ends.reads("x"))
        await saying
        await ends.reads("\n")


async def test_cancelled_it_leaves_at_once_also_within_a_command() -> None:
    entered = asyncio.Event()

    async def never(heard: Heard) -> None:
        entered.set()
        await asyncio.Event().wait()

    with pipes() as ends:
        started = time.monotonic()
        async with running(ends.chat, never):
            assert ends.chat.status().state in ("open", "connected")
        async with running(ends.chat, never):
            ends.type("!why\n")
            await asyncio.wait_for(entered.wait(), 5)
        assert time.monotonic() - started < 2


async def test_a_defect_in_what_hears_is_logged_and_the_next_line_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    ears = Ears()

    async def heard(line: Heard) -> None:
        if line.text == "bad":
            raise ZeroDivisionError("a defect")
        await ears(line)

    with pipes() as ends, caplog.at_level(logging.ERROR):
        ends.type("bad\ngood\n")
        ends.end()
        await asyncio.wait_for(ends.chat.run(heard), 5)
    assert [one.text for one in ears] == ["good"]
    assert "line not handled network=console" in caplog.text
    assert "ZeroDivisionError: a defect" in caplog.text


async def test_a_reader_that_is_gone_is_a_permanent_trouble() -> None:
    with pipes() as ends:
        os.close(ends.shown)
        ends.shown = -1
        with pytest.raises(PermanentError, match="console takes no more text"):
            await ends.chat.say(Post("console:here", "1", Message("x")))
        status = ends.chat.status()
        assert (status.ready, status.rooms["console:here"]) == (False, status.trouble)


async def test_status() -> None:
    with pipes() as ends:
        status = ends.chat.status()
        assert (status.name, status.state, status.ready, status.rooms) == (
            "console",
            "open",
            True,
            {"console:here": "joined"},
        )
        async with running(ends.chat, Ears()):
            await asyncio.sleep(0)
            assert (ends.chat.status().state, ends.chat.status().since) == ("connected", NOON)


async def test_at_a_terminal_there_is_a_prompt_that_comes_back_below_an_announcement() -> None:
    ears = Ears()

    async def replying(heard: Heard) -> None:
        await ears(heard)
        await ends.chat.say(Post("console:here", "2", Message("none"), answers=heard))

    with terminal() as ends:
        async with running(ends.chat, replying) as task:
            assert await ends.reads("gatewatch> ") == "gatewatch> "
            await ends.chat.say(Post("console:#nova", "1", Message("nova failed")))
            shown = await ends.reads("gatewatch> ")
            assert shown == "\r\x1b[2K\x1b[2m12:04 <gatewatch> [#nova] \x1b[0mnova failed\r\ngatewatch> "
            ends.type("!top\n")
            assert await ends.reads("gatewatch> ") == "!top\r\n\x1b[2m12:04 <gatewatch> \x1b[0mnone\r\ngatewatch> "
            ends.type("\x04")
            await asyncio.wait_for(task, 5)
            assert await ends.reads("\n") == "\r\n"
    assert [one.text for one in ears] == ["!top"]


async def test_a_line_that_the_terminal_cut_is_not_taken_for_what_was_typed() -> None:
    ears = Ears()
    with terminal() as ends:
        async with running(ends.chat, ears):
            await ends.reads("gatewatch> ")
            for piece in ["!check ", *["x" * 256] * 16, " OR y"]:  # what is echoed is read between
                ends.type(piece)
                await ends.reads(piece[-1])
            ends.type("\n")
            shown = await ends.reads("gatewatch> ")
            assert "<gatewatch> \x1b[0ma line of 4,095 bytes or more is cut here" in shown
            ends.type("!top\n")
            await ends.reads("gatewatch> ")
    assert [one.text for one in ears] == ["!top"]


async def test_ctrl_c_leaves_no_prompt_in_front_of_the_shells() -> None:
    with terminal() as ends:
        async with running(ends.chat, Ears()):
            await ends.reads("gatewatch> ")
        assert await ends.reads("\n") == "\r\n"
