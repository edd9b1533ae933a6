"""A bot in an encrypted room with a person at a real encrypting client, and what it keeps between its lives.

Its tests carry `pytest.mark.xdist_group("encryption")`: the other tests of Matrix may have another worker, and Synapse.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.chat.human_js import JsHuman
from tests.chat.human_matrix import Human
from tests.chat.matrix_bot import PASSWORD, Bot, MemoryKeep, config, milliseconds, post, timings
from tests.servers.synapse import Synapse

HUMAN_PASSWORD = "human's"
NO_SHIELD = {"encrypted": True, "shield": 0, "why": None}


@dataclass
class CryptoScene:
    """`user`: the bot's account. `room_id`, `room`: the encrypted room, once a human made it."""

    synapse: Synapse
    user: str
    crypto: Path
    keep: MemoryKeep = field(default_factory=MemoryKeep)
    room_id: str = ""
    version: str = "11"

    @property
    def room(self) -> str:
        return f"net:{self.room_id}"

    def account(self, role: str, password: str = HUMAN_PASSWORD) -> str:
        """A new account's Matrix id."""
        return self.synapse.register(f"{role}{uuid.uuid4().hex[:8]}", password)

    def human(self, user: str = "", mode: str = "normal") -> Any:
        """A person at matrix-js-sdk, of a new account if none is named."""
        return JsHuman.at(self.synapse.url, user or self.account("human"), HUMAN_PASSWORD, mode)

    def plain(self) -> Human:
        """A person whose client knows nothing of encryption."""
        return Human(self.synapse.url, self.account("plain"), HUMAN_PASSWORD)

    async def room_of(self, human: JsHuman, *others: str) -> None:
        """Make the room, with the bot and others invited."""
        answer = await human.do("create", version=self.version, invite=[self.user, *others])
        self.room_id = answer["room_id"]

    def bot(self, *, url: str = "", **changed: Any) -> Bot:
        """`url`: where the bot takes its homeserver to be."""
        changed.setdefault("encryption", True)
        changed.setdefault("timings", timings(key_wait=milliseconds(1500)))
        return Bot(config(url or self.synapse.url, self.user, **changed), [self.room], self.keep, self.crypto)

    @asynccontextmanager
    async def running(self, **changed: Any) -> AsyncIterator[Bot]:
        """A life of the bot, in the room."""
        bot = self.bot(**changed)
        async with bot.running():
            await bot.joined(self.room)
            yield bot

    async def says(self, bot: Bot, human: JsHuman, text: str, **more: Any) -> dict[str, Any]:
        """Let the bot say it under a key of its own; what the human's client shows."""
        await bot.chat.say(post(self.room, text, f"key of {text}", **more))
        return await human.reads(self.room_id, text)


@pytest.fixture
async def encrypted(synapse: Synapse, tmp_path: Path) -> CryptoScene:
    await asyncio.to_thread(synapse.ensure)
    user = synapse.register(f"bot{uuid.uuid4().hex[:8]}", PASSWORD)
    return CryptoScene(synapse, user, tmp_path / "crypto")


def plainly(shown: dict[str, Any]) -> dict[str, Any]:
    """Of what a client shows: was it encrypted, and what warning stands beside it."""
    return {key: shown[key] for key in NO_SHIELD}
