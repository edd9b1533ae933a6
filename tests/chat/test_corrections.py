"""One correction, on a network that can edit and on those that cannot: the same post for all of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.chat.console import ConsoleChat
from bot.talk import Message, Post, Said
from tests.chat.human_irc import human
from tests.chat.irc_bot import running
from tests.chat.matrix_scene import Scene
from tests.servers.ircd import Ircd

pytestmark = pytest.mark.xdist_group("synapse")
FIRST = Post("", "1", Message("1 job failed"))
WORSE = Post("", "2", Message("2 jobs failed", changed="also: grenade"), loud=True, wakes=True)
QUIET = Post("", "3", Message("2 jobs failed, #1"))


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    return tmp_path / "console"


@pytest.fixture
def terminal(shown: Path) -> Iterator[ConsoleChat]:
    with Path(os.devnull).open() as stdin, shown.open("w") as stdout:
        yield ConsoleChat("console", "console:here", stdin=stdin, stdout=stdout)


async def test_matrix_edits_and_the_others_say_what_changed(
    scene: Scene, ircd: Ircd, terminal: ConsoleChat, shown: Path
) -> None:
    async with (
        scene.bot().running() as matrix,
        human("ann", ircd.tls_port, ircd.ca_file) as ann,
        running(ircd, "#gate") as irc,
    ):
        await ann.join("#gate")
        await asyncio.gather(matrix.ready(), irc.ready())
        for chat, room in ((matrix.chat, scene.room), (irc.chat, "test:#gate"), (terminal, "console:here")):
            said = await chat.say(replace(FIRST, room=room))
            for correction in (WORSE, QUIET):
                assert not (await chat.say(replace(correction, room=room, replaces=Said(said.id)))).anew
        await irc.chat.say(Post("test:#gate", "4", Message("end")))
        await ann.hears("#gate", "end")
    assert await scene.said() == ["1 job failed", "* 2 jobs failed", "* 2 jobs failed, #1"]
    assert ann.heard("#gate") == ["1 job failed", "also: grenade", "end"]
    lines = (await asyncio.to_thread(shown.read_text)).splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        "<gatewatch> [here] 1 job failed",
        "<gatewatch> [here] also: grenade",
    ]
