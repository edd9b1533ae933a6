"""A human in a room on a real Synapse, and a bot's account: where the Matrix tests begin.

Its tests carry `pytest.mark.xdist_group("synapse")`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tests.chat.human_matrix import Human
from tests.chat.matrix_bot import PASSWORD, Bot, MemoryKeep, config
from tests.servers.synapse import SERVER_NAME, Synapse

numbers = itertools.count(1)


@dataclass
class Scene:
    """A human in a room of their own making, and a bot account that is not there yet."""

    synapse: Synapse
    human: Human
    user: str
    alias: str
    room_id: str
    keep: MemoryKeep = field(default_factory=MemoryKeep)

    @property
    def room(self) -> str:
        return f"net:#{self.alias}:{SERVER_NAME}"

    def bot(self, *more_rooms: str, **changed: object) -> Bot:
        return Bot(config(self.synapse.url, self.user, **changed), [self.room, *more_rooms], self.keep)

    async def said(self) -> list[str]:
        return await self.human.do(self.human.bodies, self.room_id, self.user)

    async def say(self, text: str, **more: object) -> str:
        return await self.human.do(self.human.send, self.room_id, text, **more)


@pytest.fixture(scope="session")
def people(synapse: Synapse) -> tuple[Human, Human]:
    for name in ("ada", "eve"):
        synapse.register(name, "pw")
    return Human(synapse.url, "ada", "pw"), Human(synapse.url, "eve", "pw")


@pytest.fixture
async def scene(synapse: Synapse, people: tuple[Human, Human]) -> AsyncIterator[Scene]:
    await asyncio.to_thread(synapse.ensure)
    number = next(numbers)
    human = people[0]
    user = await asyncio.to_thread(synapse.register, f"bot{number}", PASSWORD)
    alias = f"ci{number}"
    room_id = await human.do(human.create, alias)
    yield Scene(synapse, human, user, alias, room_id)
