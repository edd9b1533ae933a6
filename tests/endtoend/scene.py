"""A bot between proxies that can hold each far end still, and its death there."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.chat.human_irc import Human as IrcHuman
from tests.chat.human_matrix import Human as MatrixHuman
from tests.endtoend.cast import PASSWORD, Channel, MatrixRoom, Servers, matrix_room
from tests.endtoend.documents import Document, passed, today
from tests.endtoend.held import Held, held
from tests.endtoend.process import SAID, Bot
from tests.endtoend.stage import FEW_SIGNATURES, Audience
from tests.servers import opensearch as server

STILL = 0.5  # seconds without a word from the index, while the bot looks at it every second
ASKED = FEW_SIGNATURES[0]  # who answers is there


@dataclass
class Scene:
    """A bot that is in both its rooms and has nothing to say yet."""

    bot: Bot
    search: Held
    irc: Held
    matrix: Held
    channel: Channel
    room: MatrixRoom
    put: Callable[[], None]  # the failures into the index

    async def restarted(self, builds: int) -> None:
        """Killed where it is, and started again with all far ends as they should be, until all is said."""
        self.bot.kill()
        for far_end in (self.search, self.irc, self.matrix):
            far_end.release()
        self.bot.start()
        await self.bot.until(lambda: self.bot.quiet(builds), 60)
        await self.bot.stop()
        await self.channel.all_read()

    def repeated(self) -> list[str]:
        """The lines of the channel that the table has not as often."""
        said = Counter(row.text for row in self.bot.rows(self.channel.room) if row.stage == "said")
        return list((Counter(self.channel.lines()) - said).elements())


@asynccontextmanager
async def scene(
    name: str,
    folder: Path,
    servers: Servers,
    people: tuple[IrcHuman, MatrixHuman],
    audience: Audience,
    documents: Iterable[Document],
) -> AsyncIterator[Scene]:
    """A scene with an account, a channel, a room and an index of its own; its builds have all passed so far."""
    servers.synapse.register(f"gw-{name}", PASSWORD)
    shown = [today(one) for one in documents]
    server.fill(servers.search, f"{name}-1", map(passed, shown))
    channel, room = Channel(people[0], f"#{name}", f"gw-{name}"), await matrix_room(people[1], name, f"gw-{name}")
    await people[0].join(channel.address)
    async with (
        held(_port(servers.search)) as search,
        held(servers.ircd.tls_port) as irc,
        held(_port(servers.synapse.url)) as matrix,
    ):
        own = Servers(f"http://127.0.0.1:{search.port}", servers.ircd, servers.synapse, servers.signatures)
        config = own.config(f"gw-{name}", f"{name}-*", {channel.room: audience, room.room: audience})
        config["networks"]["irc"]["port"] = irc.port
        config["networks"]["matrix"]["homeserver"] = f"http://127.0.0.1:{matrix.port}"
        with Bot(folder / name, config).running() as bot:
            await channel.person.wait_for(lambda line: line.startswith(f":gw-{name}!") and " JOIN " in line, 30)
            await room.joined()
            for place in (channel, room):
                await place.ask(f"!bug {ASKED}", f"#{ASKED}")
            await bot.until(lambda: bot.answered() == 2)
            yield Scene(
                bot, search, irc, matrix, channel, room, lambda: server.fill(servers.search, f"{name}-2", shown)
            )


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


# -- the states, each a far end that is held still -------------------------------------------------------------------

Hold = Callable[[Scene], Awaitable[None]]


async def search_answer_withheld(at: Scene) -> None:
    """In the middle of a look: what was listed is asked, what failed there is on its way."""
    at.put()
    at.search.hold()
    for _ in range(4):
        at.search.step()
        await at.bot.until(lambda: at.search.withheld > 0)
    assert not at.bot.stages()


async def store_locked(at: Scene) -> None:
    """All is known, nothing can be written."""
    at.search.hold()
    await at.bot.until(lambda: at.search.withheld > 0)
    at.put()
    at.search.step()
    await at.bot.until(lambda: at.search.withheld > 0)
    with at.bot.locked():
        at.search.release()
        await at.bot.until(lambda: at.search.still(STILL))
        at.bot.kill()
    assert not at.bot.stages()


async def matrix_answer_withheld(at: Scene) -> None:
    """The room has it, the bot does not know."""
    at.matrix.hold()
    at.put()
    await at.room.says_something()
    assert at.bot.stages()["sending"]


async def irc_pong_withheld(at: Scene) -> None:
    """The channel has it, the bot does not know."""
    at.irc.hold()
    at.put()
    await at.channel.person.until(lambda: bool(at.channel.lines()), 30)
    assert at.bot.stages()["sending"]


async def record_withheld(at: Scene) -> None:
    """Both have it, the bot knows, and cannot write it down."""
    at.irc.hold()
    at.matrix.hold()
    at.put()
    await at.channel.person.until(lambda: bool(at.channel.lines()), 30)
    await at.room.says_something()
    with at.bot.locked():
        at.irc.release()
        at.matrix.release()
        await at.bot.until(lambda: at.bot.log().count(SAID) == 2)
        at.bot.kill()
    assert at.bot.stages()["sending"] == 2


HOLDS: dict[str, Hold] = {
    "search": search_answer_withheld,
    "store": store_locked,
    "matrix": matrix_answer_withheld,
    "irc": irc_pong_withheld,
    "record": record_withheld,
}
