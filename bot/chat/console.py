"""The console as a network: announcements are printed as a channel would show them, typed lines are commands."""

from __future__ import annotations

import asyncio
import getpass
import logging
import os
import select
import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, Any
from uuid import uuid4

from bot.chat import Hear
from bot.errors import PermanentError
from bot.talk import JOINED, Heard, NetworkStatus, Person, Post, Said, room_address

log = logging.getLogger(__name__)

PROMPT = "gatewatch> "
DIM, PLAIN, ERASE_LINE = "\x1b[2m", "\x1b[0m", "\r\x1b[2K"
# Bytes. A terminal of Linux drops what is typed beyond them (termios(3), canonical mode), and tells nobody.
LONGEST_LINE = 4095
TOO_LONG = f"a line of {LONGEST_LINE:,} bytes or more is cut here and not read; gatewatch query takes long queries"
PIECE = 512  # bytes that a pipe or terminal takes without blocking once it is writable (POSIX: _POSIX_PIPE_BUF)


class ConsoleChat:
    """A terminal, or a pipe, as one network whose rooms are all joined.

    `room`: where typed lines are said, `also`: further rooms that feeds name. `stdin` and `stdout` need a
    `fileno()`. `clock` gives the time that is shown before each line, and the aware time at which one was typed.
    """

    def __init__(
        self,
        name: str,
        room: str,
        *,
        stdin: IO[Any],
        stdout: IO[Any],
        also: Sequence[str] = (),
        nick: str = "gatewatch",
        clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self.name = name
        self._room = room
        self._rooms = (room, *also)
        self._in, self._out = stdin.fileno(), stdout.fileno()
        self._terminal = os.isatty(self._out)
        self._prompts = self._terminal and os.isatty(self._in)
        self._nick = nick
        self._clock = clock
        self._since: datetime | None = None
        self._trouble = ""
        self._listening = False
        self._prompted = False  # the cursor stands behind a prompt
        self._printing = asyncio.Lock()

    async def run(self, heard: Hear) -> None:
        """Hear each typed line, one after the other. Returns at the end of input; cancelled, at once.

        It can still say something afterwards.
        """
        self._since, self._listening = self._clock(), True
        person = Person(_login_name())
        try:
            await self._prompt()
            async for line in _lines(self._in):
                self._prompted = False
                if len(line) == LONGEST_LINE:
                    await self._print(f"{self._head()}{TOO_LONG}\n")
                elif line.strip():
                    await self._hear(heard, line.decode("utf-8", "replace").rstrip("\r"), person)
                await self._prompt()
        finally:
            self._listening = False
            self._leave_prompt()

    async def say(self, post: Post) -> Said:
        """Print it; returns when the terminal or pipe has taken it. An edit is printed as its `changed` text."""
        text = post.message.changed if post.replaces is not None else post.message.text
        if not text:
            return Said()
        place = "" if post.answers else f"[{room_address(post.room)[1]}] "
        head = self._head(place)
        await self._print("".join(f"{head}{_scrubbed(line)}\n" for line in text.splitlines()))
        return Said()

    def _head(self, place: str = "") -> str:
        head = f"{self._clock():%H:%M} <{self._nick}> {place}"
        return f"{DIM}{head}{PLAIN}" if self._terminal else head

    def status(self) -> NetworkStatus:
        """A console is always there, until nobody reads what it prints."""
        state = "connected" if self._listening else "open"
        rooms = dict.fromkeys(self._rooms, self._trouble or JOINED)
        return NetworkStatus(self.name, state, not self._trouble, self._since, self._trouble, rooms)

    async def _hear(self, heard: Hear, line: str, person: Person) -> None:
        said = Heard(uuid4().hex, self.name, self._room, True, person, line, self._now(), called=self._called(line))
        # In a task of its own, so that a defect of the caller's ends neither the console nor hides in it.
        task = asyncio.ensure_future(heard(said))
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
        if not task.cancelled() and (failure := task.exception()) is not None:
            log.error("line not handled network=%s", self.name, exc_info=failure)

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC)

    def _called(self, line: str) -> str:
        start, behind = line[: len(self._nick)], line[len(self._nick) : len(self._nick) + 1]
        return start if start.lower() == self._nick.lower() and behind in (":", ",") else ""

    async def _prompt(self) -> None:
        async with self._printing:
            if self._prompts and not self._prompted:
                self._prompted = True
                await self._write(PROMPT.encode())

    def _leave_prompt(self) -> None:
        """Ctrl-D and Ctrl-C leave the cursor behind the prompt. At once, so not on a terminal that is stopped."""
        if self._prompted and select.select([], [self._out], [], 0)[1]:
            with suppress(OSError):
                os.write(self._out, b"\n")
        self._prompted = False

    async def _print(self, text: str) -> None:
        async with self._printing:
            # At a prompt the announcement takes its line, and the prompt comes back below.
            before, after = (ERASE_LINE, PROMPT) if self._prompted else ("", "")
            await self._write(f"{before}{text}{after}".encode("utf-8", "replace"))

    async def _write(self, data: bytes) -> None:
        try:
            while data:
                await _ready(self._out, writing=True)
                with suppress(BlockingIOError):  # another process made the terminal non-blocking, and filled it
                    data = data[os.write(self._out, data[:PIECE]) :]
        except OSError as error:
            self._trouble = f"the console {self.name} takes no more text ({error.strerror}): start the bot again"
            raise PermanentError(self._trouble) from error


async def _lines(fd: int) -> AsyncIterator[bytes]:
    """The lines of a terminal, pipe or file as they come, cut at LONGEST_LINE.

    No thread reads: one that is blocked in a read would hang the end of the process.
    """
    rest = b""
    while True:
        await _ready(fd, writing=False)
        try:
            chunk = os.read(fd, LONGEST_LINE)
        except BlockingIOError:  # another reader of the same terminal was faster
            continue
        except OSError:  # the far side of a terminal is gone (EIO): as good as its end
            chunk = b""
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole if chunk or not rest else [*whole, rest]:
            yield line[:LONGEST_LINE]
        if not chunk:
            return
        rest = rest[:LONGEST_LINE]


async def _ready(fd: int, *, writing: bool) -> None:
    """Wait until a read or a small write would not block."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    try:
        add(fd, _resolve, ready)
    except PermissionError:  # epoll has no regular files (EPERM, epoll_ctl(2)): they never block
        await asyncio.sleep(0)
        return
    try:
        await ready
    finally:
        remove(fd)


def _resolve(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _scrubbed(line: str) -> str:
    """Without control and direction characters: a log line must not move the cursor or set colours."""
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char for char in line)


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "you"
